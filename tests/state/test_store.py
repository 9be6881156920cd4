"""The state database as a whole: notes, forgetting, times and words from outside."""

from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from rows import DIGESTER, LATER, MAIN, NOW, create, erase, invalid, known, outcome, refused, store_on, tombstone

from syncd.domain.changes import Action
from syncd.domain.guards import Guard, Held
from syncd.domain.records import FieldProblem, InvalidRecord, Position
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import StateUnusable
from syncd.state import tables
from syncd.state.connect import open_engine
from syncd.state.held import HeldChange
from syncd.state.migrate import upgrade
from syncd.state.store import Store, Tally


def test_notes_about_the_database_itself_are_kept(store: Store) -> None:
    assert store.meta("check") is None
    store.set_meta("check", "one")
    store.set_meta("check", "two")
    assert store.meta("check") == "two"


def test_writing_nothing_is_no_mistake(store: Store) -> None:
    store.known.put("members", [])
    store.known.relearn("members", [])
    store.journal.settle([], NOW)
    store.failures.replace_invalid("members", "run", [])
    store.failures.replace_nameless("members", {})
    store.journal.note("run", "members", [], NOW)
    store.held.put("members", "run", [], [], NOW)
    assert store.journal.begin("run", "members", [], Action.CREATE, NOW) == []


def test_the_figures_of_every_sync_are_told_whatever_there_is_of_it(store: Store) -> None:
    store.known.put("a", [known("M-1"), known("M-2")])
    store.failures.set_aside("b", refused("M-1"))
    store.failures.replace_invalid("c", "run", [invalid("M-1", 2)])
    [_, settled] = store.journal.begin("run", "d", [create("M-1"), create("M-2")], Action.CREATE, NOW)
    store.journal.settle([(settled, outcome(create("M-2")))], NOW)
    store.held.put("e", "run", [], [held("M-1", "update"), held("M-2", "delete")], NOW)
    assert store.tally() == {
        "a": Tally(known=2),
        "b": Tally(refused=1),
        "c": Tally(invalid=1),
        "d": Tally(open_intents=1),
        "e": Tally(held={"update": 1, "delete": 1}),
    }


def held(foreign_id: str, action: str) -> HeldChange:
    return HeldChange(foreign_id=foreign_id, action=action, content=b"c")


# --- several syncs of an instance ---


def test_an_id_belongs_to_the_sync_that_knows_it_or_has_sent_it(store: Store) -> None:
    store.known.put("members", [known("M-1"), known("M-2")])
    store.known.put("elsewhere", [known("M-3")])
    _, settled = store.journal.begin("run", "friends", [create("M-4"), create("M-5")], Action.CREATE, NOW)
    store.journal.settle([(settled, outcome(create("M-5")))], NOW)
    store.journal.begin("run", "friends", [erase("M-6")], Action.DELETE, NOW)
    store.journal.begin("run", "friends", [create("M-7")], Action.LINK, NOW)
    asked = [f"M-{number}" for number in range(2000)]
    owners = {"M-1": "members", "M-2": "members", "M-4": "friends", "M-7": "friends"}
    assert store.owners(["members", "friends"], asked) == owners
    assert store.owners([], asked) == {}


@pytest.mark.parametrize("trigger", Trigger)
def test_a_sync_has_a_state_once_it_knows_somebody_or_has_read_its_source(store: Store, trigger: Trigger) -> None:
    store.known.put("members", [known("M-1")])
    store.runs.enter("friends", b"address")
    store.runs.begin("run", "friends", "main", trigger, NOW)
    assert [store.has_state(name) for name in ("members", "friends", "others")] == [True, trigger.is_whole, False]


def test_only_syncs_that_a_run_has_taken_count(store: Store) -> None:
    store.runs.enter("friends", b"address")
    assert store.runs.neighbours("donors", b"other", configured=["members", "friends"], now=NOW) == {"friends"}
    assert store.runs.neighbours("donors", b"other", configured=[], now=NOW) == frozenset()


@pytest.mark.parametrize(
    ("ran", "days", "found"),
    [
        ("friends donors friends", 30, {"friends"}),
        ("donors friends donors friends donors", 30, {"friends"}),
        ("friends donors friends", 32, set()),
        ("friends friends donors", 30, set()),
        ("donors friends friends donors", 30, set()),
        ("donors friends", 30, set()),
        ("donors", 30, set()),
    ],
)
def test_a_sync_of_another_configuration_counts_while_it_goes_on_beside(
    store: Store, ran: str, days: int, found: set[str]
) -> None:
    for hour, name in enumerate(ran.split()):
        store.runs.enter(name, b"address")
        store.runs.begin(f"run {hour}", name, "main", Trigger.SCHEDULE, NOW + timedelta(hours=hour))
    later = NOW + timedelta(days=days)
    assert store.runs.neighbours("donors", b"address", configured=[], now=later) == found


# --- forgetting ---


def remember_all_about(store: Store, name: str) -> None:
    store.known.put("members", [known(name)])
    store.journal.begin("run", "members", [erase(name)], Action.DELETE, NOW)
    store.failures.set_aside("members", refused(name))
    store.failures.replace_invalid("members", "run", [invalid(name, 2), invalid("M-stays", 3)])
    changes = [held(name, "delete"), held("M-stays", "delete")]
    store.held.put("members", "run", [Held(guard=Guard.DELETE, reason="2 of 2")], changes, NOW)


def test_of_an_erased_person_nothing_is_left_but_the_tombstone(store: Store) -> None:
    store.known.put("members", [known("M-stays")])
    store.tombstones.put(MAIN, tombstone("M-gone"))
    remember_all_about(store, "M-gone")
    store.forget_customer("members", "M-gone")
    with store.engine.connect() as connection:
        rows = [str(row) for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))]
    assert not [row for row in rows if "M-gone" in row]
    assert store.known.find_one("members", "M-stays") is not None
    assert [row.foreign_id for row in store.failures.invalid("members")] == ["M-stays"]
    assert store.tombstones.find(MAIN, [DIGESTER.name("M-gone")]) != {}


def test_whom_sqlite_forgot_is_not_readable_in_its_file(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    remember_all_about(store_on(engine), "M-gone")
    store_on(engine).forget_customer("members", "M-gone")
    engine.dispose()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"M-stays" in content
    assert b"M-gone" not in content


# --- time and text ---


def test_times_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    store.runs.begin("run", "members", "main", Trigger.SCHEDULE, NOW.astimezone(kathmandu))
    (run,) = store.runs.latest()
    assert (run.started_at, run.started_at.tzinfo) == (NOW, UTC)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StateUnusable):
        store.runs.begin("run", "members", "main", Trigger.SCHEDULE, NOW.replace(tzinfo=None))
    assert store.runs.latest() == []


@pytest.mark.parametrize("words", ["a NUL \0 in it", "half a letter \ud83d", "x" * 100_000])
def test_no_words_from_outside_are_beyond_writing_down(store: Store, words: str) -> None:
    (number,) = store.journal.begin("run", "members", [create("M-1")], Action.CREATE, NOW)
    store.journal.settle([(number, outcome(create("M-1"), error=words))], NOW)
    store.failures.set_aside("members", refused("M-1", reason=words))
    store.runs.begin("run", "members", "main", Trigger.SCHEDULE, NOW)
    summary = Summary(sync="members", run_id="run", status=Status.FAILED, counts={}, error=words, remedy=words)
    store.runs.finish(summary, LATER)
    problem = FieldProblem(field="email", reason=words)
    record = InvalidRecord(foreign_id="M-1", position=Position(source=words, line=1), problems=(problem,))
    store.failures.replace_invalid("members", "run", [record])
    clean = words.replace("\0", "?").replace("\ud83d", "?")
    assert store.journal.of_customer("members", "M-1")[0].error == clean
    assert store.failures.refused("members")[0].reason == clean
    assert (store.runs.latest()[0].error, store.runs.latest()[0].remedy) == (clean, clean)
    assert store.failures.invalid("members")[0].position == f"{clean} line 1"
