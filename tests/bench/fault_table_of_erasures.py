"""Every call of an erasure or a release meets every fault: in the end the person is gone, and nobody else touched.

A row is a way to go, a column a fault; in each field of the table every call of that way meets the fault once.

Run by hand, for it takes a while: `python -m pytest tests/bench/fault_table_of_erasures.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest
from faults import Fault, Killed
from museum import FIELDS_MAPPED, Museum, member
from werkzeug.wrappers import Response

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status
from syncd.sandbox.proxy import Passing, html, in_json
from syncd.sandbox.switches import Switches

CALLS = 30  # more than any of these ways makes
LEAVER = "M-0002"
PERSONAL = ("Ada2", "Muster2", "ada2@example.org", "+493023125002", "Mitglied 2", "1980-12-31")
Spoil: TypeAlias = Callable[[Museum, Passing], Response]


def lost_after(answer: Callable[[], Response]) -> Spoil:
    def spoil(_museum: Museum, call: Passing) -> Response:
        call.act()
        return answer()

    return spoil


def lost_before(answer: Callable[[], Response]) -> Spoil:
    return lambda _museum, _call: answer()


def late(_museum: Museum, call: Passing) -> Response:
    call.act_later(timedelta(minutes=1))
    return html(504)


def of_another(museum: Museum, _call: Passing) -> Response:
    """Somebody else's answer, as a cache gives that mixes up its keys."""
    other = museum.sandbox.strangers[0]
    return in_json(200, {"customer": {"id": other.id, **other.fields}})


ANSWERS: Mapping[str, Callable[[], Response]] = {
    **{str(status): (lambda status=status: html(status)) for status in (408, 429, 500, 502, 503, 504)},
    "page 200": lambda: html(200),
    "page 404": lambda: html(404),
    "empty object": lambda: in_json(200, {}),
}
SPOILS: Mapping[str, Spoil] = {
    **{f"{name}, not done": lost_before(answer) for name, answer in ANSWERS.items()},
    **{f"{name}, done": lost_after(answer) for name, answer in ANSWERS.items() if name != "429"},
    "late": late,
    "another's answer": of_another,
}


@dataclass(frozen=True)
class Way:
    """How somebody goes, and what is then to be seen."""

    leave: Callable[[Museum], object]
    mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE
    orders: int = 0


def remove(museum: Museum) -> None:
    museum.remove(2)
    museum.run()


WAYS = {
    "absent": Way(remove),
    "on request": Way(lambda museum: museum.erase(LEAVER)),
    "kept": Way(remove, mode=DeleteMode.ANONYMIZE),
    "not deleted for orders": Way(remove, orders=1),
    "released": Way(remove, mode=DeleteMode.RELEASE),
}
SERVERS = {
    "unique": {"foreign_ids": "unique"},
    "repeatable": {"foreign_ids": "repeatable", "blank_dates": "null-only"},
    "by number": {"delete_key": "number-only", "deleted_status": 410, "batch_answer": "nothing"},
}


@contextmanager
def opened(folder: Path, way: Way, server: Mapping[str, object]) -> Iterator[tuple[Museum, int]]:
    folder.mkdir()
    switches = Switches(delete_with_orders="refused-422", **server)  # type: ignore[arg-type]
    museum = Museum(state_url=f"sqlite:///{folder / 'state.db'}", switches=switches, mode=way.mode, concurrency=1)
    museum.fill(3)
    museum.run()
    if switches.delete_key == "number-only":  # learned with the first who left
        museum.store.instances.learn("main", "deletes_by_number", "yes")
    [leaver] = museum.sandbox.by_foreign_id(LEAVER)
    for _ in range(way.orders):
        museum.sandbox.add_order(leaver.id)
    yield museum, leaver.id
    museum.close()


def settle_down(museum: Museum) -> None:
    museum.sandbox.hook = None
    for _ in range(3):
        museum.clock.sleep(86_400)
        museum.run()


def assert_gone(museum: Museum, way: Way, gomus_id: int) -> None:
    sandbox = museum.sandbox
    assert sandbox.touched_strangers() == []
    assert [one.foreign_id for one in sandbox.customers if one.id != gomus_id] == ["M-0001", "M-0003"]
    for number in (1, 3):
        [stays] = sandbox.by_foreign_id(f"M-{number:04d}")
        assert {column: stays[name] for name, column in FIELDS_MAPPED.items()} == {
            column: member(number)[column] for column in FIELDS_MAPPED.values()
        }
    [left] = [one for one in (*sandbox.customers, *sandbox.deleted) if one.id == gomus_id]
    is_deleted = way.mode is DeleteMode.ANONYMIZE_THEN_DELETE and not way.orders
    assert (left in sandbox.deleted, left.foreign_id if not is_deleted else None) == (is_deleted, None)
    is_whole = way.mode is DeleteMode.RELEASE
    assert sorted(str(value) for value in left.fields.values() if str(value) in PERSONAL) == (
        sorted(PERSONAL) if is_whole else []
    )
    assert museum.store.known.find_one("members", LEAVER) is None
    assert museum.run().status in (Status.DONE, Status.PROBLEMS)
    assert museum.calls() == []


@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in SPOILS.items()])
@pytest.mark.parametrize("server", [pytest.param(server, id=name) for name, server in SERVERS.items()])
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items()])
def test_a_fault_in_any_call_ends_well(tmp_path: Path, way: Way, server: Mapping[str, object], spoil: Spoil) -> None:
    for step in range(CALLS):
        with opened(tmp_path / str(step), way, server) as (museum, gomus_id):
            numbers = count()

            def hook(
                call: Passing, museum: Museum = museum, numbers: Iterator[int] = numbers, step: int = step
            ) -> Response:
                return spoil(museum, call) if next(numbers) == step else call.act()

            museum.sandbox.hook = hook
            way.leave(museum)
            is_met = next(numbers) > step
            settle_down(museum)
            assert_gone(museum, way, gomus_id)
        if not is_met:
            return
    pytest.fail("there are more calls than were spoilt")


@pytest.mark.parametrize(
    "fault", [Fault.NO_CONNECTION, Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.READ_TIMEOUT, Fault.TRUNCATED]
)
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items() if name != "on request"])
def test_a_break_in_any_call_ends_well(tmp_path: Path, way: Way, fault: Fault) -> None:
    for step in range(CALLS):
        with opened(tmp_path / str(step), way, SERVERS["repeatable"]) as (museum, gomus_id):
            museum.remove(2)
            try:
                museum.run([None] * step + [fault])
            except Killed:
                museum.reopen()
            settle_down(museum)
            assert_gone(museum, way, gomus_id)


@pytest.mark.parametrize(("reads", "lag"), [("seconds-later", 1), ("seconds-later", 20), ("calls-later", 2)])
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items()])
def test_reads_that_lag_end_well(tmp_path: Path, way: Way, reads: str, lag: int) -> None:
    with opened(tmp_path / "lag", way, {"foreign_ids": "repeatable"}) as (museum, gomus_id):
        museum.clock.sleep(86_400)
        museum.sandbox.switches = Switches(
            delete_with_orders="refused-422",
            foreign_ids="repeatable",
            reads=reads,
            lag=lag,  # type: ignore[arg-type]
        )
        way.leave(museum)
        settle_down(museum)
        assert_gone(museum, way, gomus_id)
