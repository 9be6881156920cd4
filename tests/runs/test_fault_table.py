"""The fault table: each call of each scenario meets each fault, whether ids are unique or not; and all comes right.

A scenario is a row: how the museum stands before, what is due, and what must be so in the end. Which calls it makes is
counted in a run without a fault, so that a new row needs no list of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
import structlog
from museum import FIELDS_MAPPED, Museum, member
from werkzeug.wrappers import Response

from syncd.sandbox.customers import Customer
from syncd.sandbox.proxy import Passing, html, in_json
from syncd.sandbox.switches import Switches

Museums: TypeAlias = Callable[..., Museum]
AN_HOUR = 3700.0  # longer than a refused record rests at first
A_WHILE = 700.0  # seconds; longer than a create of unknown fate waits
STRANGER = {"id": 1, "foreign_id": "CRM-1", "name": "Fremd", "surname": "Fremd", "tel": "+49301"}


# --- the faults ---

Fault: TypeAlias = Callable[[Museum, Passing], Response]


def lost_before(_museum: Museum, _call: Passing) -> Response:
    raise httpx.ReadError("the connection broke (on purpose)")


def lost_after(_museum: Museum, call: Passing) -> Response:
    call.act()
    raise httpx.ReadTimeout("no answer in time (on purpose)")


def late(_museum: Museum, call: Passing) -> Response:
    """It acts four minutes after it was given up."""
    call.act_later(timedelta(minutes=4))
    raise httpx.ReadTimeout("no answer in time (on purpose)")


def lagging(museum: Museum, call: Passing) -> Response:
    """It is done and answered, and for three seconds no read shows it."""
    museum.sandbox.switches = Switches(foreign_ids=museum.sandbox.switches.foreign_ids, reads="seconds-later", lag=3)
    return call.act()


def another(_museum: Museum, call: Passing) -> Response:
    """A proxy mixes up two answers."""
    call.act()
    return in_json(200, {"customer": STRANGER})


def answered(status: int, body: object = None, *, after: bool) -> Fault:
    def fault(_museum: Museum, call: Passing) -> Response:
        if after:
            call.act()
        return html(status) if body is None else in_json(status, body)

    return fault


FAULTS: Mapping[str, Fault] = {
    "lost before": lost_before,
    "lost after": lost_after,
    "late": late,
    "lagging": lagging,
    "another's answer": another,
    "408 after": answered(408, after=True),
    "408 before": answered(408, after=False),
    "409": answered(409, {"error": "Conflict"}, after=False),
    "423": answered(423, {"error": "Locked"}, after=False),
    "425 before": answered(425, after=False),
    "429": answered(429, {"error": "Too many requests"}, after=False),
    "500 before": answered(500, {"error": "Internal server error"}, after=False),
    "500 after": answered(500, {"error": "Internal server error"}, after=True),
    "502 after": answered(502, after=True),
    "502 before": answered(502, after=False),
    "503 after": answered(503, after=True),
    "503 before": answered(503, after=False),
    "504 after": answered(504, after=True),
    "504 before": answered(504, after=False),
    "page 200 after": answered(200, after=True),
    "page 200 before": answered(200, after=False),
    "page 403": answered(403, after=False),
    "page 404 after": answered(404, after=True),
    "page 404 before": answered(404, after=False),
    "{} after": answered(200, {}, after=True),
    "{} before": answered(200, {}, after=False),
    "[] after": answered(200, [], after=True),
    "202 before": answered(202, {"status": "accepted"}, after=False),
}


# --- the scenarios ---


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`due` is done after a first run over `count` members; `bad` are those whom go~mus refuses.

    `check` sees the museum in the end, once nothing is due any more; `settings` are the museum's.
    """

    due: Callable[[Museum], object]
    count: int = 0
    bad: frozenset[str] = frozenset()
    acquaint: bool = True  # the instance has shown how it keeps customers
    settings: Mapping[str, object] = field(default_factory=dict)
    check: Callable[[Museum], object] = lambda _museum: None

    def prepare(self, museum: Museum) -> None:
        museum.fill(self.count + self.acquaint)
        museum.run()
        museum.clock.sleep(A_WHILE)
        self.due(museum)


def join(museum: Museum) -> None:
    museum.rows.extend(map(member, (11, 12, 13)))


def join_with_a_bad_one(museum: Museum) -> None:
    join(museum)
    museum.row(12)["family"] = ""


def change(museum: Museum) -> None:
    for number, edit in {1: {"phone": "+493023125999"}, 2: {"notes": ""}, 3: {"born": "1999-01-01"}}.items():
        museum.row(number).update(edit)


def forget_all(museum: Museum) -> None:
    """They are in go~mus, and the state knows none of them; one has changed since."""
    museum.lose_state()
    museum.row(2)["phone"] = "+493023125999"


SCENARIOS: Mapping[str, Scenario] = {
    "create one": Scenario(due=lambda museum: museum.rows.append(member(11))),
    "create the first": Scenario(due=join, acquaint=False),
    "create a batch": Scenario(due=join),
    "create a batch with a bad one": Scenario(due=join_with_a_bad_one, bad=frozenset({"M-0012"})),
    "update one": Scenario(due=lambda museum: museum.row(2).update(phone="+493023125999"), count=2),
    "update a batch": Scenario(due=change, count=3),
    "adopt": Scenario(due=forget_all, count=3),
}


# --- the table ---


@pytest.fixture(scope="module", autouse=True)
def _silence() -> Iterator[None]:
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: object) -> dict[str, object]:
    raise structlog.DropEvent


@pytest.fixture(scope="module")
def museums(tmp_path_factory: pytest.TempPathFactory) -> Museums:
    def make(**settings: object) -> Museum:
        folder: Path = tmp_path_factory.mktemp("state")
        return Museum(state_url=f"sqlite:///{folder / 'state.db'}", attempts=2, **settings)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def calls_of(museums: Museums) -> Callable[[Scenario, Switches], int]:
    """How many calls a scenario makes; one more is never met."""
    counted: dict[tuple[int, str], int] = {}

    def count(scenario: Scenario, switches: Switches) -> int:
        key = (id(scenario), repr(switches))
        if key not in counted:
            museum = museums(switches=switches, **scenario.settings)
            scenario.prepare(museum)
            museum.run()
            counted[key] = len(museum.sandbox.calls)
            museum.close()
        return counted[key]

    return count


def spoil(museum: Museum, fault: Fault, number: int) -> None:
    """The n-th call from now on, counted from 0, meets the fault."""
    met = [-1]

    def hook(call: Passing) -> Response:
        met[0] += 1
        return fault(museum, call) if met[0] == number else call.act()

    museum.sandbox.hook = hook


def run_until_quiet(museum: Museum, scenario: Scenario) -> None:
    """Whoever is set aside for what a proxy has mixed up is tried again within the hour."""
    for wait in (A_WHILE, A_WHILE, AN_HOUR, A_WHILE, A_WHILE):
        museum.run()
        museum.clock.sleep(wait)
        is_open = museum.store.journal.open_intents("members")
        if not museum.transport.happened and not is_open and museum.listed().keys() == scenario.bad:
            return


def assert_right(museum: Museum, scenario: Scenario) -> None:
    assert museum.sandbox.touched_strangers() == []
    there = [str(customer.foreign_id) for customer in museum.sandbox.customers if customer.foreign_id]
    rows = {f"{museum.prefix}{row['id']}": row for row in museum.rows}
    assert sorted(there) == sorted(rows.keys() - scenario.bad)
    for customer in museum.sandbox.customers:
        if customer.foreign_id in rows:
            assert values(customer) == {name: rows[customer.foreign_id][name] or "" for name in FIELDS_MAPPED.values()}
    assert museum.listed().keys() == scenario.bad
    assert museum.store.journal.open_intents("members") == []
    assert museum.transport.happened == []
    scenario.check(museum)


def values(customer: Customer) -> dict[str, object]:
    return {column: customer[name] or "" for name, column in FIELDS_MAPPED.items()}


@pytest.mark.parametrize("foreign_ids", ["repeatable", "unique"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whichever_call_meets_whichever_fault_all_comes_right(
    museums: Museums,
    calls_of: Callable[[Scenario, Switches], int],
    scenario: str,
    fault: str,
    foreign_ids: str,
) -> None:
    row, switches = SCENARIOS[scenario], Switches(foreign_ids=foreign_ids)  # type: ignore[arg-type]  # one of the two
    for number in range(calls_of(row, switches)):
        museum = museums(switches=switches, **row.settings)
        row.prepare(museum)
        spoil(museum, FAULTS[fault], number)
        run_until_quiet(museum, row)
        assert_right(museum, row)
        museum.close()
