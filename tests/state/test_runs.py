"""Runs, and the fencing number that lets only the latest of them write."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from rows import DIGESTER, LATER, MAIN, NOW, create, known

from syncd.domain.changes import Action
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import LeaseLost
from syncd.state.ledger import Ledger
from syncd.state.runs import Watermark
from syncd.state.store import Store

# --- syncs and the fence ---


def test_each_start_takes_the_next_fencing_number(store: Store) -> None:
    assert [store.runs.enter("members", b"address").fence for _ in range(3)] == [1, 2, 3]


def test_an_instance_is_new_where_only_others_were_before_or_this_sync_was_elsewhere(store: Store) -> None:
    entered = [("members", b"address"), ("members", b"address"), ("donors", b"address"), ("donors", b"another")]
    assert [store.runs.enter(*entry).is_new_there for entry in [*entered, ("schools", b"third")]] == [
        *(False, False, False, True),
        True,
    ]


def test_a_state_of_another_instance_is_noticed_at_every_start_until_it_is_reset(store: Store) -> None:
    assert store.runs.enter("members", b"address").is_same_instance
    store.known.put("members", [known("M-1")])
    store.known.put("donors", [known("D-1")])
    entries = [store.runs.enter("members", b"another") for _ in range(2)]
    assert [entry.is_same_instance for entry in entries] == [False, False]
    fence = entries[-1].fence
    ledger = Ledger(
        store=store,
        digester=DIGESTER,
        sync="members",
        instance=MAIN,
        run_id="run",
        fence=fence,
        clock=lambda: NOW,
        patience=timedelta(minutes=10),
    )
    ledger.move_to(b"another")
    assert store.runs.enter("members", b"another").is_same_instance
    assert (store.known.count("members"), store.known.count("donors")) == (0, 1)


def test_who_was_overtaken_writes_nothing(store: Store, other: Store) -> None:
    fence = store.runs.enter("members", b"address").fence
    other.runs.enter("members", b"address")
    with pytest.raises(LeaseLost), store.runs.writing("members", fence):
        store.known.put("members", [known("M-1")])
    assert store.known.count("members") == 0


def test_a_transaction_is_written_as_a_whole_or_not_at_all(store: Store, other: Store) -> None:
    fence = store.runs.enter("members", b"address").fence

    def write_and_fail() -> None:
        with store.runs.writing("members", fence):
            store.known.put("members", [known("M-1")])
            store.journal.begin("run", "members", [create("M-1")], Action.CREATE, NOW)
            assert store.known.count("members") == 1  # it sees its own writes
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert (other.known.count("members"), other.journal.open_intents("members")) == (0, [])
    with store.runs.writing("members", fence):
        store.known.put("members", [known("M-1")])
    assert other.known.count("members") == 1


def test_who_looks_waits_for_no_writer(store: Store, other: Store) -> None:
    fence = store.runs.enter("members", b"address").fence
    store.known.put("members", [known("M-1")])
    with store.runs.writing("members", fence):
        store.known.drop("members", ["M-1"])
        assert other.known.find_one("members", "M-1") is not None  # as it was before


def test_another_thread_does_not_join_the_transaction_that_is_open(store: Store) -> None:
    fence = store.runs.enter("members", b"address").fence
    seen: list[int] = []
    with store.runs.writing("members", fence):
        store.known.put("members", [known("M-1")])
        looker = Thread(target=lambda: seen.append(store.known.count("members")))
        looker.start()
        looker.join()
    assert (seen, store.known.count("members")) == ([0], 1)


# --- runs ---


def test_runs_are_remembered_with_their_counts_the_latest_first(store: Store) -> None:
    store.runs.begin("run-1", "members", "main", Trigger.SCHEDULE, NOW)
    store.runs.begin("run-2", "donors", "main", Trigger.COMMAND_LINE, LATER)
    store.runs.finish(Summary(sync="members", run_id="run-1", status=Status.DONE, counts={"create.ok": 3}), LATER)
    latest, first = store.runs.latest()
    assert (latest.id, latest.finished_at, latest.status, latest.counts) == ("run-2", None, None, {})
    assert (first.status, first.counts, first.finished_at) == ("done", {"create.ok": 3}, LATER)
    assert (first.trigger, first.error, first.remedy) == ("schedule", None, None)
    assert [run.id for run in store.runs.latest("members")] == ["run-1"]


def test_the_last_run_of_an_ending_is_the_latest_that_one_of_these_triggers_started(store: Store) -> None:
    for number, (status, trigger) in enumerate(
        [
            (Status.DONE, Trigger.SCHEDULE),
            (Status.PROBLEMS, Trigger.SCHEDULE),
            (Status.DONE, Trigger.COMMAND_LINE),
            (Status.FAILED, Trigger.SCHEDULE),
        ]
    ):
        store.runs.begin(f"run-{number}", "members", "main", trigger, NOW + timedelta(seconds=number))
        done = Summary(sync="members", run_id=f"run-{number}", status=status, counts={}, error="x", remedy="y")
        store.runs.finish(done, LATER)
    found = [
        store.runs.last_ended("members", [Status.DONE]),
        store.runs.last_ended("members", [Status.DONE, Status.PROBLEMS], [Trigger.SCHEDULE]),
        store.runs.last_ended("members", [Status.HELD]),
        store.runs.last_ended("donors", [Status.DONE]),
    ]
    assert [run and run.id for run in found] == ["run-2", "run-1", None, None]
    store.runs.begin("donors-1", "donors", "main", Trigger.SCHEDULE, NOW)
    store.runs.finish(Summary(sync="donors", run_id="donors-1", status=Status.DONE, counts={}), LATER)
    each = store.runs.last_ended_of(["members", "donors", "schools"], [Status.DONE])
    assert {sync: run.id for sync, run in each.items()} == {"members": "run-2", "donors": "donors-1"}
    run = store.runs.find("run-3")
    assert run is not None
    assert (run.status, run.error, run.remedy) == ("failed", "x", "y")
    assert store.runs.find("run-9") is None


def test_each_sync_has_its_watermark(store: Store) -> None:
    mark = Watermark(cursor="5", context=b"c", full_at=NOW)
    store.runs.move_watermark("members", mark)
    store.runs.move_watermark("members", replace(mark, cursor="6"))
    assert (store.runs.watermark("members"), store.runs.watermark("donors")) == (replace(mark, cursor="6"), None)


def test_the_syncs_of_an_instance_are_told_by_its_address(store: Store) -> None:
    for sync, address in (("members", b"one"), ("donors", b"one"), ("friends", b"two")):
        store.runs.enter(sync, address)
    store.runs.move_to("donors", b"two")
    assert (store.runs.syncs_at(b"one"), sorted(store.runs.syncs_at(b"two"))) == (["members"], ["donors", "friends"])
