"""The state database: what is written is found again, on both databases; what goes wrong is said without a value."""

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from syncd.domain.digest import Digester
from syncd.domain.records import Digests, FieldProblem, InvalidRecord, LookupEntry, Position, Stage
from syncd.errors import LeaseLost, StateUnusable
from syncd.gomus.fields import FIELDS
from syncd.state import connect, tables
from syncd.state.connect import open_engine, open_engine_readonly, open_in_memory
from syncd.state.migrate import upgrade
from syncd.state.store import PAGE, HeldChange, Intent, KnownRow, Quarantined, Settled, Store

NOW = datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DIGESTER = Digester(b"key", FIELDS)
SECRET = "Geheimrat"  # stands for whatever must never be quoted


def store_on(engine: sa.Engine) -> Store:
    return Store(engine, pack=DIGESTER.pack, unpack=DIGESTER.unpack)


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    engine = open_engine(state_url)
    yield store_on(engine)
    engine.dispose()


@pytest.fixture
def other(store: Store, state_url: str) -> Iterator[Store]:
    """A second process, as far as the database can tell."""
    engine = open_engine(state_url)
    yield store_on(engine)
    engine.dispose()


def known(foreign_id: str, sync: str = "members", **changes: object) -> KnownRow:
    row: dict[str, object] = {
        "sync": sync,
        "foreign_id": foreign_id,
        "gomus_id": 2**40,
        "record": b"r" * 16,
        "source_digest": b"s" * 16,
        "fields": {"name": b"12345678", "email": b"abcdefgh"},
        "absent_since": None,
        "stage": Stage.ACTIVE,
        "changed_at": NOW,
    }
    return KnownRow(**(row | changes))  # type: ignore[arg-type]


def ids(count: int) -> list[str]:
    return [f"M-{number:05}" for number in range(count)]


def refused(foreign_id: str, **changes: object) -> Quarantined:
    row: dict[str, object] = {
        "foreign_id": foreign_id,
        "content": b"c" * 16,
        "action": "create",
        "reason": "email: is invalid",
        "status": 422,
        "tries": 1,
        "since": NOW,
        "next_try_at": LATER,
    }
    return Quarantined(**(row | changes))  # type: ignore[arg-type]


# --- syncs and the fence ---


def test_each_start_takes_the_next_fencing_number(store: Store) -> None:
    entries = [store.enter("members", "main", b"address") for _ in range(3)]
    assert [(entry.fence, entry.is_new) for entry in entries] == [(1, True), (2, False), (3, False)]


def test_only_complete_reads_are_counted(store: Store) -> None:
    store.enter("members", "main", b"address")
    store.complete_read("members", NOW)
    entry = store.enter("members", "main", b"address")
    assert (entry.reads, entry.last_complete_at) == (1, NOW)


def test_a_state_of_another_instance_is_noticed_at_every_start_until_it_is_reset(store: Store) -> None:
    store.enter("members", "main", b"address")
    store.put_known([known("M-1"), known("D-1", sync="donors")])
    assert [store.enter("members", "test", b"another").is_same_instance for _ in range(2)] == [False, False]
    store.reset("members", "test", b"another")
    entry = store.enter("members", "test", b"another")
    assert (entry.is_same_instance, entry.reads, entry.last_complete_at) == (True, 0, None)
    assert (store.count_known("members"), store.count_known("donors")) == (0, 1)


def test_who_was_overtaken_writes_nothing(store: Store, other: Store) -> None:
    fence = store.enter("members", "main", b"address").fence
    other.enter("members", "main", b"address")
    with pytest.raises(LeaseLost), store.writing("members", fence):
        store.put_known([known("M-1")])
    assert store.count_known("members") == 0


def test_a_transaction_is_written_as_a_whole_or_not_at_all(store: Store, other: Store) -> None:
    fence = store.enter("members", "main", b"address").fence
    intent = Intent(foreign_id="M-1", gomus_id=1, action="update", fields=())

    def write_and_fail() -> None:
        with store.writing("members", fence):
            store.put_known([known("M-1")])
            store.begin_intents("run", "members", [intent], NOW)
            assert store.count_known("members") == 1  # it sees its own writes
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert (other.count_known("members"), other.open_intents("members")) == (0, [])
    with store.writing("members", fence):
        store.put_known([known("M-1")])
    assert other.count_known("members") == 1


def test_who_looks_waits_for_no_writer(store: Store, other: Store) -> None:
    fence = store.enter("members", "main", b"address").fence
    store.put_known([known("M-1")])
    with store.writing("members", fence):
        store.drop_known("members", ["M-1"])
        assert other.known_one("members", "M-1") is not None  # as it was before


# --- known customers ---


def test_a_known_customer_is_found_as_it_was_put(store: Store) -> None:
    store.put_known(
        [known("M-1", absent_since=NOW, stage=Stage.ERASING), known("M-2", record=None, source_digest=None)]
    )
    one, two = store.known_one("members", "M-1"), store.known_one("members", "M-2")
    assert one is not None
    assert two is not None
    assert (one.gomus_id, one.record, one.source_digest, one.absent_since) == (2**40, b"r" * 16, b"s" * 16, NOW)
    assert (one.fields, one.stage) == ({"name": b"12345678", "email": b"abcdefgh"}, Stage.ERASING)
    assert (two.record, two.source_digest, two.absent_since, two.stage) == (None, None, None, Stage.ACTIVE)


def test_putting_a_customer_again_replaces_it_in_its_row(store: Store) -> None:
    store.put_known([known("M-1")])
    before = store.known_one("members", "M-1")
    store.put_known([known("M-1", gomus_id=7, fields={}), known("M-1", gomus_id=8, fields={})])  # the last one counts
    after = store.known_one("members", "M-1")
    assert before is not None
    assert after is not None
    assert (after.row, after.gomus_id, after.fields) == (before.row, 8, {})


def test_ids_are_told_apart_by_case_accent_and_space(store: Store) -> None:
    names = ["M-a", "M-A", "M-ä", "M-a ", "M-%", "M-_"]
    store.put_known([known(name, gomus_id=number) for number, name in enumerate(names)])
    found = store.find_known("members", names)
    assert {name: customer.gomus_id for name, customer in found.items()} == {n: i for i, n in enumerate(names)}


def test_more_ids_than_one_question_takes_are_all_found_and_of_this_sync_only(store: Store) -> None:
    names = ids(2 * PAGE + 1)
    store.put_known([known(name) for name in names])
    store.put_known([known("D-1", sync="donors")])
    assert set(store.find_known("members", [*names, "D-1", "unknown"])) == set(names)
    assert store.find_known("members", []) == {}


def test_all_known_customers_come_once_though_rows_go_meanwhile(store: Store) -> None:
    names = ids(2 * PAGE + 1)
    store.put_known([known(name) for name in reversed(names)])
    store.put_known([known("D-1", sync="donors")])
    seen = []
    for brief in store.each_known("members"):
        seen.append(brief.foreign_id)
        if len(seen) % 3 == 0:
            store.drop_known("members", [brief.foreign_id])
    assert seen == sorted(names)


def test_sqlite_walks_through_known_customers_without_sorting_them(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    asked: list[tuple[str, object]] = []
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values)))
    list(store_on(engine).each_known("members"))
    sql, values = asked[-1]
    with engine.connect() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(f"explain query plan {sql}", values)]  # type: ignore[arg-type]
    assert len(steps) == 1
    assert steps[0].startswith("SEARCH known USING INDEX")
    engine.dispose()


def test_absence_is_marked_and_taken_back(store: Store) -> None:
    store.put_known([known(name) for name in ids(PAGE + 2)])
    rows = [brief.row for brief in store.each_known("members")]
    store.mark_absent("members", rows[1:], NOW)
    store.mark_present("members", rows[2:])
    absent = {brief.foreign_id: brief.absent_since for brief in store.each_known("members") if brief.absent_since}
    assert absent == {"M-00001": NOW}


def test_only_the_active_are_counted_and_the_others_are_unfinished(store: Store) -> None:
    store.put_known([known(name) for name in ids(4)])
    store.set_stage("members", ["M-00001"], Stage.ERASING)
    store.set_stage("members", ["M-00002"], Stage.ANONYMIZED)
    assert store.count_known("members") == 2
    assert [customer.foreign_id for customer in store.unfinished("members")] == ["M-00001", "M-00002"]


def test_what_is_relearned_changes_digests_and_nothing_else(store: Store) -> None:
    store.put_known([known("M-1", absent_since=NOW), known("M-2")])
    fresh = Digests(record=b"R" * 16, fields={"surname": b"87654321"})
    store.relearn("members", ((name, b"S" * 16, fresh) for name in ["M-1", "unknown"]))
    one, two = store.known_one("members", "M-1"), store.known_one("members", "M-2")
    assert one is not None
    assert two is not None
    assert (one.record, one.source_digest, one.fields) == (b"R" * 16, b"S" * 16, {"surname": b"87654321"})
    assert (one.gomus_id, one.absent_since) == (2**40, NOW)
    assert two.record == b"r" * 16


def test_writing_nothing_is_no_mistake(store: Store) -> None:
    store.put_known([])
    store.relearn("members", [])
    store.settle([], NOW)
    store.replace_invalid("members", "run", [])
    store.replace_nameless("members", {})
    assert store.begin_intents("run", "members", [], NOW) == []


class KnownMachine(RuleBasedStateMachine):
    """The known customers beside a dictionary: whatever is done to both, they agree."""

    names = st.sampled_from(["a", "A", "ä", "a b", "z"])

    def __init__(self) -> None:
        super().__init__()
        self.store = store_on(open_in_memory())
        self.model: dict[str, tuple[int | None, datetime | None]] = {}

    @rule(rows=st.lists(st.tuples(names, st.none() | st.integers(1, 2**62)), max_size=4))
    def put(self, rows: list[tuple[str, int | None]]) -> None:
        self.store.put_known([known(name, gomus_id=number) for name, number in rows])
        self.model |= {name: (number, None) for name, number in rows}

    @rule(gone=st.lists(names, max_size=2))
    def drop(self, gone: list[str]) -> None:
        self.store.drop_known("members", gone)
        self.model = {name: row for name, row in self.model.items() if name not in gone}

    @rule(missed=st.lists(names, max_size=3), is_absent=st.booleans())
    def mark(self, missed: list[str], is_absent: bool) -> None:
        rows = [customer.row for customer in self.store.find_known("members", missed).values()]
        if is_absent:
            self.store.mark_absent("members", rows, NOW)
        else:
            self.store.mark_present("members", rows)
        since = NOW if is_absent else None
        self.model |= {name: (self.model[name][0], since) for name in missed if name in self.model}

    @rule(name=names)
    def fail(self, name: str) -> None:
        fence = self.store.enter("members", "main", b"address").fence
        with suppress(ZeroDivisionError), self.store.writing("members", fence):
            self.store.put_known([known(name, gomus_id=1)])
            self.store.drop_known("members", list(self.model))
            raise ZeroDivisionError

    @invariant()
    def agree(self) -> None:
        found = {brief.foreign_id: (brief.gomus_id, brief.absent_since) for brief in self.store.each_known("members")}
        assert found == self.model

    def teardown(self) -> None:
        self.store.engine.dispose()


def test_known_customers_agree_with_a_dictionary_whatever_is_done() -> None:
    run_state_machine_as_test(KnownMachine, settings=settings(max_examples=25, stateful_step_count=20))


# --- the journal and the runs ---


def settled(number: int, **changes: object) -> Settled:
    row: dict[str, object] = {
        "journal_id": number,
        "action": "create",
        "result": "ok",
        "gomus_id": 5,
        "status": 201,
        "attempts": 1,
        "error": None,
    }
    return Settled(**(row | changes))  # type: ignore[arg-type]


def test_intents_are_numbered_in_their_order_and_open_until_settled(store: Store) -> None:
    names = ids(1_500)
    intents = [Intent(foreign_id=name, gomus_id=None, action="create", fields=("name", "tel")) for name in names]
    numbers = store.begin_intents("run", "members", intents, NOW)
    assert [(i.journal_id, i.foreign_id) for i in store.open_intents("members")] == list(
        zip(numbers, names, strict=True)
    )
    store.settle([settled(number) for number in numbers[1:]], LATER)
    (left,) = store.open_intents("members")
    assert (left.foreign_id, left.run, left.action, left.begun_at) == ("M-00000", "run", "create", NOW)
    assert store.open_intents("donors") == []


def test_the_journal_of_a_customer_has_the_latest_first(store: Store) -> None:
    for run, fields in (("run-1", ()), ("run-2", ("name", "tel"))):
        (number,) = store.begin_intents(
            run, "members", [Intent(foreign_id="M-1", gomus_id=None, action="create", fields=fields)], NOW
        )
        store.settle([settled(number, action="adopt", error="found")], LATER)
    latest, first = store.journal_of("members", "M-1")
    assert (latest.run, latest.fields, latest.action, latest.settled_at) == ("run-2", ("name", "tel"), "adopt", LATER)
    assert (latest.result, latest.gomus_id, latest.status, latest.attempts) == ("ok", 5, 201, 1)
    assert (latest.error, first.fields) == ("found", ())
    assert [line.run for line in store.journal_of("members", "M-1", limit=1)] == ["run-2"]


def test_runs_are_remembered_with_their_counts_the_latest_first(store: Store) -> None:
    store.begin_run("run-1", "members", "main", "schedule", NOW)
    store.begin_run("run-2", "donors", "main", "person", LATER)
    store.finish_run("run-1", "done", {"create.ok": 3}, None, LATER)
    latest, first = store.runs()
    assert (latest.id, latest.finished_at, latest.status, latest.counts) == ("run-2", None, None, {})
    assert (first.status, first.counts, first.finished_at, first.trigger) == (
        "done",
        {"create.ok": 3},
        LATER,
        "schedule",
    )
    assert [run.id for run in store.runs("members")] == ["run-1"]


# --- what is set aside, held, erased, learned ---


def invalid(name: str | None, line: int) -> InvalidRecord:
    problem = FieldProblem(field="email", reason="is no address")
    return InvalidRecord(foreign_id=name, position=Position(source="m.csv", line=line), problems=(problem,))


def test_invalid_records_are_those_of_the_last_read(store: Store) -> None:
    store.replace_invalid("members", "run-1", (invalid(f"M-{n}", n) for n in range(1_500)))
    assert len(store.invalid("members")) == 1_500
    store.replace_invalid("members", "run-2", [invalid(None, 3), invalid("M-9", 4)])
    first, second = store.invalid("members")
    assert (first.run, first.foreign_id, first.position, str(first.problems[0])) == (
        "run-2",
        None,
        "m.csv line 3",
        "email: is no address",
    )
    assert store.invalid("members", "M-9") == [second]


def test_refused_records_are_set_aside_until_they_are_lifted(store: Store) -> None:
    store.put_quarantine("members", refused("M-1"))
    store.put_quarantine("members", refused("M-2", since=NOW - timedelta(days=1)))
    store.put_quarantine("members", refused("M-1", tries=2))
    assert store.quarantine("members") == [refused("M-2", since=NOW - timedelta(days=1)), refused("M-1", tries=2)]
    assert store.find_quarantine("members", ["M-1", "M-3"]) == {"M-1": refused("M-1", tries=2)}
    store.lift_quarantine("members", ["M-1"])
    assert [row.foreign_id for row in store.quarantine("members")] == ["M-2"]


def test_all_that_is_set_aside_can_be_made_due(store: Store) -> None:
    for name in ("M-1", "M-2"):
        store.put_quarantine("members", refused(name))
    store.put_quarantine("donors", refused("D-1"))
    assert store.make_due("members", NOW) == 2
    assert {row.next_try_at for row in store.quarantine("members")} == {NOW}
    assert [row.next_try_at for row in store.quarantine("donors")] == [LATER]


def test_records_without_an_id_are_those_of_the_last_read(store: Store) -> None:
    store.replace_nameless("members", {b"1" * 16: NOW, b"2" * 16: LATER})
    store.replace_nameless("members", {b"2" * 16: LATER})
    assert store.nameless("members") == {b"2" * 16: LATER}


def test_a_tombstone_stays_until_it_is_lifted(store: Store) -> None:
    one, two = DIGESTER.name("M-1"), DIGESTER.name("M-2")
    store.put_tombstone("members", one, "absence", NOW)
    store.put_tombstone("members", one, "request", LATER)
    assert store.find_tombstones("members", [one, two]) == {one: "request"}
    store.lift_tombstones("members", [one])
    assert store.find_tombstones("members", [one]) == {}


def test_what_is_held_now_takes_the_place_of_what_was_and_of_its_approval(store: Store) -> None:
    old = [HeldChange(name, "delete", b"p" * 16) for name in ids(1_500)]
    store.put_held("members", "run-1", iter(old), guards=[("deletions", "1500 of 2000")], counts={"delete": 9}, at=NOW)
    store.approve("members", "run-1", by="ada", at=NOW, expires_at=LATER)
    row = store.held("members")
    assert row is not None
    assert (row.run, row.guards, row.counts) == ("run-1", {"deletions": "1500 of 2000"}, {"delete": 9})
    assert (row.held_at, row.approved_by, row.approved_at, row.expires_at) == (NOW, "ada", NOW, LATER)
    assert store.find_held_changes("members", [change.foreign_id for change in old]) == set(old)
    store.put_held("members", "run-2", [HeldChange("M-1", "update", b"q")], guards=[("updates", "")], counts={}, at=NOW)
    row = store.held("members")
    assert row is not None
    assert (row.run, row.approved_by, row.expires_at) == ("run-2", None, None)
    assert store.count_held_changes("members") == {"update": 1}
    store.clear_held("members")
    assert (store.held("members"), store.count_held_changes("members")) == (None, {})


def test_what_is_learned_and_looked_up_is_kept_for_each_instance(store: Store) -> None:
    entries = (LookupEntry(id=1, names=("Herr", "mr")), LookupEntry(id=2, names=("Frau", "\ud800")))
    store.learn("main", "batch_size", "50")
    store.learn("main", "batch_size", "25")
    store.cache_lookup("main", "salutation", "de", entries, NOW)
    cached = store.cached_lookup("main", "salutation", "de")
    assert store.learned("main") == {"batch_size": "25"}
    assert store.learned("test") == {}
    assert cached is not None
    assert (cached.entries, cached.fetched_at) == (entries, NOW)
    assert store.cached_lookup("main", "salutation", "en") is None


def test_notes_about_the_database_itself_are_kept(store: Store) -> None:
    assert store.meta("check") is None
    store.set_meta("check", "one")
    store.set_meta("check", "two")
    assert store.meta("check") == "two"


# --- forgetting ---


def remember_all_about(store: Store, name: str) -> None:
    store.put_known([known(name)])
    store.begin_intents("run", "members", [Intent(foreign_id=name, gomus_id=1, action="delete", fields=())], NOW)
    store.put_quarantine("members", refused(name))
    store.replace_invalid("members", "run", [invalid(name, 2), invalid("M-stays", 3)])
    held = [HeldChange(name, "delete", b"p"), HeldChange("M-stays", "delete", b"p")]
    store.put_held("members", "run", held, guards=[], counts={}, at=NOW)


def test_of_an_erased_person_nothing_is_left_but_the_tombstone(store: Store) -> None:
    store.put_known([known("M-stays")])
    store.put_tombstone("members", DIGESTER.name("M-gone"), "request", NOW)
    remember_all_about(store, "M-gone")
    store.forget("members", "M-gone")
    with store.engine.connect() as connection:
        rows = [str(row) for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))]
    assert not [row for row in rows if "M-gone" in row]
    assert store.known_one("members", "M-stays") is not None
    assert [row.foreign_id for row in store.invalid("members")] == ["M-stays"]
    assert store.find_tombstones("members", [DIGESTER.name("M-gone")]) != {}


def test_whom_sqlite_forgot_is_not_readable_in_its_file(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    remember_all_about(store_on(engine), "M-gone")
    store_on(engine).forget("members", "M-gone")
    engine.dispose()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"M-stays" in content
    assert b"M-gone" not in content


# --- time and text ---


def test_times_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    store.begin_run("run", "members", "main", "schedule", NOW.astimezone(timezone(timedelta(hours=5, minutes=45))))
    (run,) = store.runs()
    assert (run.started_at, run.started_at.tzinfo) == (NOW, UTC)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StateUnusable):
        store.begin_run("run", "members", "main", "schedule", NOW.replace(tzinfo=None))
    assert store.runs() == []


@pytest.mark.parametrize("words", ["a NUL \0 in it", "half a letter \ud83d", "x" * 100_000])
def test_no_words_from_outside_are_beyond_writing_down(store: Store, words: str) -> None:
    (number,) = store.begin_intents(
        "run", "members", [Intent(foreign_id="M-1", gomus_id=1, action="update", fields=())], NOW
    )
    store.settle([settled(number, error=words)], NOW)
    store.put_quarantine("members", refused("M-1", reason=words))
    store.begin_run("run", "members", "main", "schedule", NOW)
    store.finish_run("run", "failed", {}, words, LATER)
    problem = FieldProblem(field="email", reason=words)
    record = InvalidRecord(foreign_id="M-1", position=Position(source=words, line=1), problems=(problem,))
    store.replace_invalid("members", "run", [record])
    clean = words.replace("\0", "?").replace("\ud83d", "?")
    assert store.journal_of("members", "M-1")[0].error == clean
    assert (store.quarantine("members")[0].reason, store.runs()[0].error) == (clean, clean)
    assert store.invalid("members")[0].position == f"{clean} line 1"


# --- several engines in one process ---


def test_opening_the_database_again_keeps_the_locks_of_who_has_it_open(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    open_engine(sqlite_url).dispose()
    visit = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select * from meta').close()"
    subprocess.run([sys.executable, "-c", visit, tmp_path / "state.db"], check=True)
    # a visitor who sees no lock takes itself for the last one, and clears the log away under our feet
    assert (tmp_path / "state.db-wal").exists()
    engine.dispose()


# --- only looking ---


def test_looking_sees_what_was_written_and_can_write_nothing(store: Store, state_url: str) -> None:
    store.set_meta("check", "one")  # the writer stays open, so that in SQLite this is still in the -wal file
    looking = open_engine_readonly(state_url)
    assert store_on(looking).meta("check") == "one"
    with pytest.raises(StateUnusable, match=r"(can't be written|is read-only)"):
        store_on(looking).set_meta("check", "two")
    assert store.meta("check") == "one"
    looking.dispose()


def test_looking_leaves_every_file_as_it_was(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    store_on(engine).set_meta("check", "one")
    engine.dispose()
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    looking = open_engine_readonly(sqlite_url)
    assert store_on(looking).meta("check") == "one"
    looking.dispose()
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


def test_looking_at_no_database_yet_finds_an_empty_one_and_makes_none(empty_url: str, tmp_path: Path) -> None:
    looking = open_engine_readonly(empty_url)
    assert store_on(looking).count_known("members") == 0
    assert list(tmp_path.iterdir()) == []
    looking.dispose()
    plain = sa.create_engine(empty_url)
    assert sa.inspect(plain).get_table_names() == []
    plain.dispose()


@pytest.mark.parametrize(
    ("version", "words"), [("0000", "older than this program: run `syncd db upgrade`"), ("9999", "newer syncd")]
)
def test_looking_at_another_version_is_refused_with_a_remedy(
    store: Store, state_url: str, version: str, words: str
) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = :version"), {"version": version})
    with pytest.raises(StateUnusable, match=words):
        open_engine_readonly(state_url)


# --- files ---


def test_the_database_and_what_lies_beside_it_are_for_the_owner_only(sqlite_url: str, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        engine = open_engine(sqlite_url)
        upgrade(engine)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    engine.dispose()
    assert modes == dict.fromkeys(["state.db", "state.db-shm", "state.db-wal", "state.db.migrate.lock"], 0o600)


def test_sqlite_runs_with_a_durable_write_ahead_log(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        answers = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in asked]
    engine.dispose()
    assert answers == ["wal", 2, 1, 1, 10_000]


def test_postgresql_is_asked_with_keepalives(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    engine.dispose()
    assert (parameters["keepalives_idle"], parameters["keepalives_count"]) == ("10", "3")


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match=r"the folder of the state database, .*/nowhere, does not exist: make it"):
        open_engine(f"sqlite:///{tmp_path}/nowhere/state.db")


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("disk / ext4 rw 0 0\n", "ext4"),
        ("disk / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\n", "nfs4"),
        ("auto /srv/state autofs rw 0 0\n//nas/x /srv/state cifs rw 0 0\n", "cifs"),  # the later one lies on top
        ("server:/x /srv/stat nfs rw 0 0\ndisk / xfs rw 0 0\n", "xfs"),
        ("server:/x /srv/state\\040x nfs rw 0 0\n", ""),
    ],
)
def test_the_file_system_of_a_folder_is_the_nearest_mount(tmp_path: Path, mounts: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(mounts)
    assert connect._file_system(Path("/srv/state"), tmp_path / "mounts") == kind


def test_a_network_share_is_refused_with_advice(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_file_system", lambda _folder: "nfs4")
    for opening in (open_engine, lambda url: open_engine_readonly(_made(url))):
        with pytest.raises(
            StateUnusable, match=r"a network share \(nfs4\).*: put it on a local disk, or use PostgreSQL"
        ):
            opening(sqlite_url)


def _made(url: str) -> str:
    Path(url.removeprefix("sqlite:///")).touch()
    return url


# --- what goes wrong ---


@pytest.mark.parametrize(
    "url", [f"mysql://u:{SECRET}@h/x", f"postgresql://u:{SECRET}@h:port/x", f"{SECRET}", f"oracle+{SECRET}://x"]
)
def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(url: str) -> None:
    for opening in (open_engine, open_engine_readonly):
        with pytest.raises(StateUnusable, match=r"write state\.url as sqlite:///syncd.db or postgresql") as caught:
            opening(url)
        assert SECRET not in repr(caught.value)


def said(url: str) -> str:
    """What one question and one write to the database are answered with."""
    engine = open_engine(url)
    try:
        with pytest.raises(StateUnusable) as caught:
            store_on(engine).set_meta(SECRET, SECRET)
    finally:
        engine.dispose()
    error = caught.value
    assert SECRET not in f"{error!r} {error} {error.__cause__}"
    assert error.__suppress_context__
    return str(error)


def test_a_database_that_is_not_set_up_is_said_so(empty_url: str) -> None:
    assert said(empty_url) == "the state database is not set up, or older than this program: run `syncd db upgrade`"


def test_a_lock_that_is_not_given_up_is_said_so(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_MS", 20)
    engine = open_engine(sqlite_url)
    upgrade(engine)
    with engine.begin():
        assert said(sqlite_url).startswith("the state database is locked by another program: ")
    engine.dispose()


def test_a_full_disk_is_said_so_and_costs_nothing_that_was_written(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    store = store_on(engine)
    store.set_meta("check", "one")
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
    with pytest.raises(StateUnusable, match="finds the disk full: make room; the next run goes on from here"):
        store.set_meta("check", "x" * 1_000_000)
    assert store.meta("check") == "one"
    engine.dispose()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"id;name\n" * 1000, "is no SQLite database: check state.url"), (None, "is damaged: restore a backup")],
)
def test_a_file_that_is_no_sound_database_is_said_so(sqlite_url: str, content: bytes | None, words: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    if content is None:
        engine = open_engine(sqlite_url)
        upgrade(engine)
        engine.dispose()
        whole = path.read_bytes()
        content = whole[:4096] + b"\xff" * (len(whole) - 4096)  # the schema is sound, the tables are not
    path.write_bytes(content)
    assert words in said(sqlite_url)


def test_what_is_wrong_with_a_server_is_told_apart(postgres_url: str) -> None:
    def with_(**changes: object) -> str:
        return sa.make_url(postgres_url).set(**changes).render_as_string(hide_password=False)  # type: ignore[arg-type]

    assert "refuses the user or password: check state.url" in said(with_(username="nobody", password=SECRET))
    assert "does not exist on its server: make it there" in said(with_(database=SECRET))
    assert "can't be reached: see that the server is up" in said(with_(port=1, password=SECRET))


@pytest.fixture
def guest_url(postgres_url: str) -> Iterator[str]:
    """A user who may do nothing in the database."""
    name, admin = f"guest_{uuid.uuid4().hex[:8]}", sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"create role {name} login password 'guest'")
        connection.exec_driver_sql("revoke create on schema public from public")
        yield sa.make_url(postgres_url).set(username=name, password="guest").render_as_string(hide_password=False)
        connection.exec_driver_sql(f"drop role {name}")
    admin.dispose()


def test_a_server_that_does_not_let_the_user_make_tables_is_said_so(guest_url: str) -> None:
    engine = open_engine(guest_url)
    with pytest.raises(StateUnusable, match=r"refuses its user the right .*: make the user in state\.url the owner"):
        upgrade(engine)
    engine.dispose()
