"""The fault table: each call of each way to write meets each fault, whether ids are unique or not; and all comes right.

A row is a way to write, a column a fault (`spoiling`). In each field each call meets the fault, each in a museum of its
own; which calls there are is seen in a run without a fault. With `SYNCD_TEST_FAULT_TABLE` in the environment all are
tried, which takes some 20 minutes of one processor; without it one call of each field, always the same one.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import TypeAlias

import pytest
import structlog
from databases import open_again
from faults import Killed
from museum import FIELDS_MAPPED, Museum, member, mortal, sqlite_url
from spoiling import COLUMNS, spoilt

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status, Summary
from syncd.sandbox.customers import Customer
from syncd.sandbox.switches import Switches

pytestmark = pytest.mark.long
IS_WHOLE = "SYNCD_TEST_FAULT_TABLE" in os.environ
A_WHILE = 700.0  # seconds; longer than a create of unknown fate waits
AN_HOUR = 3700.0  # longer than a refused record rests at first
WAITS = (A_WHILE, A_WHILE, AN_HOUR, A_WHILE, A_WHILE)  # before each further run, as long as something is to be done
ENDLESS = 10_000
FOREIGN_IDS = ("repeatable", "unique")
LEAVER = "M-0002"
NAMELESS = str(None)  # so is whoever was erased on request listed while the source has the record


# --- the rows ---


class Left(Enum):
    """What is left of the leaver."""

    NOTHING = auto()  # deleted, and anonymized before
    ANONYMOUS = auto()
    RELEASED = auto()  # all but the foreign_id


@dataclass(frozen=True, kw_only=True)
class Way:
    """`due` is what happens in the museum once `count` members are in go~mus, `act` the run in which a call is spoilt.

    `refused` are those whom go~mus refuses, `left` is what is left of the leaver where there is one. So many writes
    more than usual as `again` says are explained by one fault. Nothing is asked before the commit `asked`.
    """

    due: Callable[[Museum], object]
    act: Callable[[Museum], Summary] = Museum.run
    count: int = 3
    refused: frozenset[str] = frozenset()
    left: Left | None = None
    again: int = 1
    asked: int = 0
    switches: Mapping[str, object] = field(default_factory=dict)
    mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE


def one_joins(museum: Museum) -> None:
    museum.rows.append(member(11))


def some_join(museum: Museum) -> None:
    museum.rows.extend(map(member, (11, 12, 13)))


def some_join_with_a_bad_one(museum: Museum) -> None:
    some_join(museum)
    museum.row(12)["family"] = ""


def one_moves(museum: Museum) -> None:
    museum.row(2)["phone"] = "+493023125999"


def one_loses_a_value(museum: Museum) -> None:
    museum.row(2).update(notes="", phone="")


def some_change(museum: Museum) -> None:
    for number, edit in {1: {"phone": "+493023125999"}, 2: {"notes": ""}, 3: {"born": "1999-01-01"}}.items():
        museum.row(number).update(edit)


def state_is_lost(museum: Museum) -> None:
    museum.lose_state()
    one_moves(museum)


def one_leaves(museum: Museum) -> None:
    museum.remove(2)


def one_leaves_with_orders(museum: Museum) -> None:
    one_leaves(museum)
    museum.sandbox.add_order(museum.sandbox.by_foreign_id(LEAVER)[0].id)


def erase(museum: Museum) -> Summary:
    return museum.erase(LEAVER)


def nothing(_: object) -> None:
    pass


def with_a_bad_one(bad_entry: str) -> Way:
    return Way(due=some_join_with_a_bad_one, refused=frozenset({"M-0012"}), again=2, switches={"bad_entry": bad_entry})


WAYS: Mapping[str, Way] = {
    "create one": Way(due=one_joins),
    "create the first": Way(due=some_join, count=0, again=2),
    "create a batch": Way(due=some_join, again=3),
    "create a batch with a bad one": with_a_bad_one("atomic"),
    "create a batch but for a bad one": with_a_bad_one("partial-422"),
    "create a batch, answered without": with_a_bad_one("partial-200"),
    "update one": Way(due=one_moves),
    "empty fields": Way(due=one_loses_a_value, again=2, switches={"cleared_by": "empty"}),
    "update a batch": Way(due=some_change, again=3),
    "adopt": Way(due=state_is_lost),
    "erase the absent": Way(due=one_leaves, left=Left.NOTHING),
    "erase on request": Way(due=nothing, act=erase, asked=1, refused=frozenset({NAMELESS}), left=Left.NOTHING),
    "erase by number": Way(
        due=one_leaves, left=Left.NOTHING, again=2, switches={"delete_key": "number-only", "deleted_status": 410}
    ),
    "erase by null": Way(
        due=one_leaves, left=Left.NOTHING, switches={"blank_dates": "null-only", "batch_answer": "nothing"}
    ),
    "anonymize": Way(due=one_leaves, left=Left.ANONYMOUS, mode=DeleteMode.ANONYMIZE),
    "anonymize for orders": Way(
        due=one_leaves_with_orders, left=Left.ANONYMOUS, again=2, switches={"delete_with_orders": "refused-422"}
    ),
    "release": Way(due=one_leaves, left=Left.RELEASED, mode=DeleteMode.RELEASE),
}


# --- a field ---


@dataclass(kw_only=True)
class Trial:
    """One museum in which one call or one commit goes wrong. `wrongs` says what must not be, and is."""

    way: Way
    museum: Museum
    leaver: Customer | None
    writes: int = 0
    wrongs: list[str] = field(default_factory=list)

    def run(self, act: Callable[[Museum], Summary] = Museum.run, *, commits: int = ENDLESS) -> int:
        """Answers the number of commits. A run that says that it is done must have done all."""
        summary = None
        with suppress(Killed), mortal(self.museum, commits) as committed:
            summary = act(self.museum)
        self.writes += sum(one.method != "GET" for one in self.museum.transport.happened)
        if summary is None:
            self.museum.reopen()
        elif summary.status is Status.DONE and self.museum.sandbox.switches.reads == "at-once":
            self.wrongs += [f"said to be done, and {wrong}" for wrong in self._wrongs_in_gomus()]
        return committed()

    def go_on(self) -> None:
        """Run until there is nothing to do any more. Whoever was refused for what a proxy has mixed up rests first."""
        for wait in WAITS:
            self.museum.clock.sleep(wait)
            _call(self.museum)  # what is late by now acts
            self.run()
            left = [*self._wrongs_in_gomus(), *self._wrongs_in_the_state()]
            if not (left or self.museum.transport.happened):
                return
        self.wrongs += left or [f"it never comes to rest: {self.museum.calls()}"]

    def _wrongs_in_the_state(self) -> Iterator[str]:
        if self.museum.listed().keys() != self.way.refused:
            yield f"listed: {self.museum.listed()}"
        if intents := self.museum.store.journal.open_intents("members"):
            yield f"open: {intents}"
        if self.leaver and self.museum.store.known.find_one("members", LEAVER):
            yield "the leaver is still known"

    def _wrongs_in_gomus(self) -> Iterator[str]:
        sandbox, rows = self.museum.sandbox, self._rows()
        if touched := sandbox.touched_strangers():
            yield f"strangers touched: {touched}"
        living = [one for one in sandbox.customers if not (self.leaver and one.id == self.leaver.id)]
        if sorted(str(one.foreign_id) for one in living) != sorted(rows):
            yield f"in go~mus: {[one.foreign_id for one in living]} for {[*rows]}"
        for one in living:
            if one.foreign_id in rows and _values(one) != rows[one.foreign_id]:
                yield f"{one.foreign_id} is {_values(one)}"
        if self.leaver:
            yield from self._wrongs_with(self.leaver)

    def _rows(self) -> dict[str, dict[str, object]]:
        """Who is to be in go~mus, and how."""
        rows = {f"{self.museum.prefix}{row['id']}": row for row in self.museum.rows}
        left_out = self.way.refused | ({LEAVER} if self.way.left else set())
        return {
            foreign_id: {column: rows[foreign_id][column] or "" for column in FIELDS_MAPPED.values()}
            for foreign_id in rows.keys() - left_out
        }

    def _wrongs_with(self, leaver: Customer) -> Iterator[str]:
        sandbox = self.museum.sandbox
        [left] = [one for one in (*sandbox.customers, *sandbox.deleted) if one.id == leaver.id]
        is_deleted = left in sandbox.deleted
        if is_deleted != (self.way.left is Left.NOTHING) or (left.foreign_id and not is_deleted):
            yield f"the leaver is deleted: {is_deleted}, shows {left.foreign_id}"
        kept = [name for name in FIELDS_MAPPED if left[name] == leaver[name]]
        if kept != (list(FIELDS_MAPPED) if self.way.left is Left.RELEASED else []):
            yield f"of the leaver is left: {kept}"


def _call(museum: Museum) -> None:
    with museum.world() as world:
        world.client.whoami()


def _values(customer: Customer) -> dict[str, object]:
    return {column: customer[name] or "" for name, column in FIELDS_MAPPED.items()}


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What a run without a fault does."""

    calls: Sequence[str]
    commits: int
    writes: int


Begin: TypeAlias = Callable[[str, str], AbstractContextManager[Trial]]


@pytest.fixture(scope="module", autouse=True)
def _silence() -> Iterator[None]:
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: object) -> dict[str, object]:
    raise structlog.DropEvent


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """A museum at the moment before the run in question."""
    folder = tmp_path_factory.mktemp("state")

    @contextmanager
    def begin(name: str, foreign_ids: str) -> Iterator[Trial]:
        way = WAYS[name]
        for file in folder.glob("state.db*"):
            file.unlink()
        museum = Museum(
            state_url=sqlite_url(folder),
            switches=Switches(**{"foreign_ids": foreign_ids, **way.switches}),  # type: ignore[arg-type]
            mode=way.mode,
            concurrency=1,  # so that the n-th call is always the same
            opening=open_again,
            upgrading=nothing,
        )
        museum.fill(way.count)
        if way.count:
            museum.run()
        museum.clock.sleep(A_WHILE)
        for _ in range(3):  # no read is from before what has been done by now, even where it lags by calls
            _call(museum)
        way.due(museum)
        yield Trial(way=way, museum=museum, leaver=museum.sandbox.by_foreign_id(LEAVER)[0] if way.left else None)
        museum.close()

    return begin


@pytest.fixture(scope="module")
def usual(begin: Begin) -> Callable[[str, str], Usual]:
    @cache
    def usual(way: str, foreign_ids: str) -> Usual:
        with begin(way, foreign_ids) as trial:
            commits, calls = trial.run(trial.way.act), trial.museum.calls()
            trial.go_on()
        assert trial.wrongs == []
        return Usual(calls=calls, commits=commits, writes=trial.writes)

    return usual


def chosen(count: int, *field: str, every: int = 0) -> Sequence[int]:
    """Which of so many are tried: all; or one, or one of so many, and others in each field."""
    every = every or count
    return range(count) if IS_WHOLE else range(sum(map(ord, "".join(field))) % every, count, every)


# --- the table ---


@pytest.mark.parametrize("foreign_ids", FOREIGN_IDS)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("way", WAYS)
def test_whichever_call_meets_whichever_fault_all_comes_right(
    begin: Begin, usual: Callable[[str, str], Usual], way: str, column: str, foreign_ids: str
) -> None:
    (fault, lasts), wrongs = COLUMNS[column], []
    calls, writes = usual(way, foreign_ids).calls, usual(way, foreign_ids).writes
    for number in chosen(len(calls), way, column, foreign_ids):
        with begin(way, foreign_ids) as trial:
            with spoilt(trial.museum, fault, number, lasts=lasts):
                trial.run(trial.way.act)
            trial.go_on()
        if trial.writes > writes + trial.way.again and not lasts:
            trial.wrongs.append(f"{trial.writes} writes for {writes}")
        wrongs += [f"call {number}, {calls[number]}: {wrong}" for wrong in trial.wrongs]
    assert not wrongs, "\n".join(wrongs)


@pytest.mark.parametrize("foreign_ids", FOREIGN_IDS)
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_whichever_commit_all_comes_right(
    begin: Begin, usual: Callable[[str, str], Usual], way: str, foreign_ids: str
) -> None:
    wrongs = []
    for commits in chosen(usual(way, foreign_ids).commits, way, foreign_ids, every=5):
        if commits < WAYS[way].asked:
            continue
        with begin(way, foreign_ids) as trial:
            trial.run(trial.way.act, commits=commits)
            trial.go_on()
        wrongs += [f"after {commits} commits: {wrong}" for wrong in trial.wrongs]
    assert not wrongs, "\n".join(wrongs)
