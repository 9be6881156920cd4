"""Known customers: what is put is found again, page by page, and of one sync only."""

from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from rows import DIGESTS, NOW, ids, known, store_on

from syncd.domain.records import Digests, Stage
from syncd.state.connect import open_engine, open_in_memory
from syncd.state.migrate import upgrade
from syncd.state.store import Store
from syncd.state.transactions import PAGE


def test_a_known_customer_is_found_as_it_was_put(store: Store) -> None:
    rows = [known("M-1", stage=Stage.ERASING), known("M-2", digests=Digests(), source_digest=None)]
    store.known.put("members", rows)
    one, two = store.known.find_one("members", "M-1"), store.known.find_one("members", "M-2")
    assert one is not None
    assert two is not None
    assert (one.gomus_id, one.digests, one.source_digest, one.stage) == (2**40, DIGESTS, b"s" * 16, Stage.ERASING)
    assert (two.digests, two.source_digest, two.absent_since, two.stage) == (Digests(), None, None, Stage.ACTIVE)


def test_putting_a_customer_again_replaces_it_in_its_row(store: Store) -> None:
    store.known.put("members", [known("M-1")])
    before = store.known.find_one("members", "M-1")
    assert before is not None
    store.known.mark_absent("members", [before.row], NOW)
    store.known.mark_told_gone("members", [before.row])
    again = [known("M-1", gomus_id=7, digests=Digests()), known("M-1", gomus_id=8, digests=Digests())]
    store.known.put("members", again)  # the last one counts
    after = store.known.find_one("members", "M-1")
    assert after is not None
    assert (after.row, after.gomus_id, after.digests, after.absent_since) == (before.row, 8, Digests(), None)
    assert list(store.known.each_told_gone("members")) == []


def test_ids_are_told_apart_by_case_accent_and_space(store: Store) -> None:
    names = ["M-a", "M-A", "M-ä", "M-a ", "M-%", "M-_"]
    store.known.put("members", [known(name, gomus_id=number) for number, name in enumerate(names)])
    found = store.known.find("members", names)
    assert {name: customer.gomus_id for name, customer in found.items()} == {n: i for i, n in enumerate(names)}


def test_more_ids_than_one_question_takes_are_all_found_and_of_this_sync_only(store: Store) -> None:
    names = ids(2 * PAGE + 1)
    store.known.put("members", [known(name) for name in names])
    store.known.put("donors", [known("D-1")])
    assert set(store.known.find("members", [*names, "D-1", "unknown"])) == set(names)
    assert store.known.find("members", []) == {}


def test_all_known_customers_come_once_though_rows_go_meanwhile(store: Store) -> None:
    names = ids(2 * PAGE + 1)
    store.known.put("members", [known(name) for name in reversed(names)])
    store.known.put("donors", [known("D-1")])
    seen = []
    for brief in store.known.each("members"):
        seen.append(brief.foreign_id)
        if len(seen) % 3 == 0:
            store.known.drop("members", [brief.foreign_id])
    assert seen == sorted(names)


def test_sqlite_walks_through_known_customers_without_sorting_them(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    asked: list[tuple[str, object]] = []
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values)))
    list(store_on(engine).known.each("members"))
    sql, values = asked[-1]
    with engine.connect() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(f"explain query plan {sql}", values)]  # type: ignore[arg-type]
    assert len(steps) == 1
    assert steps[0].startswith("SEARCH known USING INDEX")
    engine.dispose()


def test_absence_is_marked_and_taken_back(store: Store) -> None:
    store.known.put("members", [known(name) for name in ids(PAGE + 2)])
    rows = [brief.row for brief in store.known.each("members")]
    store.known.mark_absent("members", rows[1:], NOW)
    store.known.mark_present("members", rows[2:])
    absent = {brief.foreign_id: brief.absent_since for brief in store.known.each("members") if brief.absent_since}
    assert absent == {"M-00001": NOW}


def test_who_is_back_is_not_told_to_be_gone_any_more(store: Store) -> None:
    store.known.put("members", [known(name) for name in ids(3)])
    rows = [brief.row for brief in store.known.each("members")]
    store.known.mark_told_gone("members", rows[1:])
    store.known.mark_present("members", rows[2:])
    assert [brief.foreign_id for brief in store.known.each_told_gone("members")] == ["M-00001"]


def test_absence_counts_anew_in_one_sync_alone(store: Store) -> None:
    for sync in ("members", "donors"):
        store.known.put(sync, [known("M-1")])
        rows = [brief.row for brief in store.known.each(sync)]
        store.known.mark_absent(sync, rows, NOW)
        store.known.mark_told_gone(sync, rows)
    store.known.forget_absence("members")
    found = [brief for sync in ("members", "donors") for brief in store.known.each(sync)]
    assert [(brief.absent_since, brief.told_gone) for brief in found] == [(None, False), (NOW, True)]


def test_only_the_active_are_counted_and_the_others_are_unfinished(store: Store) -> None:
    store.known.put("members", [known(name) for name in ids(4)])
    store.known.set_stage("members", ["M-00001"], Stage.ERASING)
    store.known.set_stage("members", ["M-00002"], Stage.ANONYMIZED)
    assert store.known.count("members") == 2
    assert [customer.foreign_id for customer in store.known.unfinished("members")] == ["M-00001", "M-00002"]


def test_who_is_to_leave_is_no_witness(store: Store) -> None:
    store.known.put("members", [known(f"M-{n}") for n in range(1, 6)] + [known("M-6", stage=Stage.ERASING)])
    store.known.put("donors", [known("D-1")])
    rows = {brief.foreign_id: brief.row for brief in store.known.each("members")}
    store.known.mark_absent("members", [rows["M-1"]], NOW)
    store.known.mark_told_gone("members", [rows["M-3"]])
    assert store.known.witnesses("members", 2) == ["M-2", "M-4"]
    assert store.known.witnesses("members", 9) == ["M-2", "M-4", "M-5"]


def test_what_is_relearned_changes_digests_and_nothing_else(store: Store) -> None:
    store.known.put("members", [known("M-1"), known("M-2")])
    store.known.mark_absent("members", [brief.row for brief in store.known.find_briefs("members", ["M-1"])], NOW)
    fresh = Digests(record=b"R" * 16, fields={"surname": b"87654321"})
    store.known.relearn("members", ((name, b"S" * 16, fresh) for name in ["M-1", "unknown"]))
    one, two = store.known.find_one("members", "M-1"), store.known.find_one("members", "M-2")
    assert one is not None
    assert two is not None
    assert (one.digests, one.source_digest) == (fresh, b"S" * 16)
    assert (one.gomus_id, one.absent_since) == (2**40, NOW)
    assert two.digests == DIGESTS


class KnownMachine(RuleBasedStateMachine):
    """The known customers beside a dictionary: whatever is done to both, they agree."""

    names = st.sampled_from(["a", "A", "ä", "a b", "z"])

    def __init__(self) -> None:
        super().__init__()
        self.store = store_on(open_in_memory())
        self.model: dict[str, tuple[int | None, datetime | None]] = {}

    @rule(rows=st.lists(st.tuples(names, st.none() | st.integers(1, 2**62)), max_size=4))
    def put(self, rows: list[tuple[str, int | None]]) -> None:
        self.store.known.put("members", [known(name, gomus_id=number) for name, number in rows])
        self.model |= {name: (number, None) for name, number in rows}

    @rule(gone=st.lists(names, max_size=2))
    def drop(self, gone: list[str]) -> None:
        self.store.known.drop("members", gone)
        self.model = {name: row for name, row in self.model.items() if name not in gone}

    @rule(missed=st.lists(names, max_size=3), is_absent=st.booleans())
    def mark(self, missed: list[str], is_absent: bool) -> None:
        rows = [customer.row for customer in self.store.known.find("members", missed).values()]
        if is_absent:
            self.store.known.mark_absent("members", rows, NOW)
        else:
            self.store.known.mark_present("members", rows)
        since = NOW if is_absent else None
        self.model |= {name: (self.model[name][0], since) for name in missed if name in self.model}

    @rule(name=names)
    def fail(self, name: str) -> None:
        fence = self.store.runs.enter("members", b"address").fence
        with suppress(ZeroDivisionError), self.store.runs.writing("members", fence):
            self.store.known.put("members", [known(name, gomus_id=1)])
            self.store.known.drop("members", list(self.model))
            raise ZeroDivisionError

    @invariant()
    def agree(self) -> None:
        found = {brief.foreign_id: (brief.gomus_id, brief.absent_since) for brief in self.store.known.each("members")}
        assert found == self.model

    def teardown(self) -> None:
        self.store.engine.dispose()


def test_known_customers_agree_with_a_dictionary_whatever_is_done() -> None:
    run_state_machine_as_test(KnownMachine, settings=settings(max_examples=25, stateful_step_count=20))
