"""The fault table: each call of each way to write meets each fault, whether ids are unique or not; and all comes right.

A row is a way to write, a column a fault (`spoiling`). In each field each call meets the fault, each in a museum of its
own; which calls there are is seen in a run without a fault. With `SYNCD_TEST_WHOLE` in the environment all are
tried, which takes some 30 minutes of one processor; without it one call of one field of four, always the same one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import pytest
from extent import IS_WHOLE
from faults import Killed
from museum import FIELDS_MAPPED, Museum, mortal
from spoiling import COLUMNS, spoilt
from ways import A_WHILE, LEAVER, WAYS, Left, Way, about_to, call

from syncd.domain.runs import Status, Summary
from syncd.sandbox.customers import Customer

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("silence")]
AN_HOUR = 3700.0  # longer than a refused record rests at first
WAITS = (A_WHILE, A_WHILE, AN_HOUR, A_WHILE, A_WHILE)  # before each further run, as long as something is to be done
ENDLESS = 10_000
KNOWN = "known to be unique"
CASES = [
    (way, foreign_ids)
    for way in WAYS
    for foreign_ids in ("repeatable", "unique", KNOWN)
    if foreign_ids != KNOWN or way == "adopt" or way.startswith("create")
]


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
            call(self.museum)
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


def _values(customer: Customer) -> dict[str, object]:
    return {column: customer[name] or "" for name, column in FIELDS_MAPPED.items()}


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What a run without a fault does."""

    calls: Sequence[str]
    commits: int
    writes: int


Begin: TypeAlias = Callable[[str, str], AbstractContextManager[Trial]]


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """A museum at the moment before the run in question."""
    folder = tmp_path_factory.mktemp("state")

    @contextmanager
    def begin(name: str, foreign_ids: str) -> Iterator[Trial]:
        with about_to(name, folder, foreign_ids="repeatable" if foreign_ids == "repeatable" else "unique") as museum:
            way = WAYS[name]
            if foreign_ids == KNOWN:
                museum.store.instances.learn("main", {"unique": "yes"})
            leaver = museum.sandbox.by_foreign_id(LEAVER)[0] if way.left else None
            yield Trial(way=way, museum=museum, leaver=leaver)

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


@pytest.mark.in_part(16)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(("way", "foreign_ids"), CASES)
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
        may_repeat = lasts or foreign_ids == KNOWN  # who was saved in a refused batch is refused once more
        if trial.writes > writes + trial.way.again and not may_repeat:
            trial.wrongs.append(f"{trial.writes} writes for {writes}")
        wrongs += [f"call {number}, {calls[number]}: {wrong}" for wrong in trial.wrongs]
    assert not wrongs, "\n".join(wrongs)


@pytest.mark.in_part(6)
@pytest.mark.parametrize(("way", "foreign_ids"), CASES)
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
