"""How daemons and commands reach each other: signs of life, requests, and what becomes of a dead daemon's runs."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from rows import NOW, create

from syncd.domain.changes import Action
from syncd.domain.runs import Status, Summary, Trigger
from syncd.state.board import ALIVE, KEPT, Board, Replica
from syncd.state.store import Store

SECOND = timedelta(seconds=1)
EVERY = tuple(Trigger)


@pytest.fixture
def board(store: Store) -> Board:
    return Board(store.engine)


def replica(name: str = "one", *, ago: timedelta = timedelta(), running: Sequence[str] = ()) -> Replica:
    return Replica(name=name, seen_at=NOW - ago, agenda={"members": NOW, "donors": None}, running=tuple(running))


def open_syncs(board: Board) -> list[str]:
    return [request.sync for request in board.open_requests()]


def run(
    store: Store, run_id: str, ago: timedelta, *, is_cut: bool = False, trigger: Trigger = Trigger.SCHEDULE
) -> None:
    store.runs.begin(run_id, "members", "main", trigger, NOW - ago)
    if not is_cut:
        store.runs.finish(Summary(sync="members", run_id=run_id, status=Status.DONE, counts={}), NOW - ago)


# --- signs of life ---


def test_the_last_sign_of_life_counts(board: Board) -> None:
    board.beat(replica(ago=SECOND, running=["members"]))
    board.beat(replica("two", ago=2 * SECOND))
    board.beat(replica())
    assert board.replicas() == [replica(), replica("two", ago=2 * SECOND)]


def test_who_gave_none_for_half_a_minute_is_dead(board: Board) -> None:
    board.beat(replica("dead", ago=ALIVE))
    board.beat(replica("alive", ago=ALIVE - SECOND))
    assert [one.name for one in board.alive(NOW)] == ["alive"]


def test_who_leaves_is_no_more_and_its_unfinished_runs_are_asked_for_once(board: Board) -> None:
    board.beat(replica())
    board.ask("members", at=NOW, expires_at=NOW + SECOND)
    board.leave("one", ["members", "donors"], NOW)
    assert (board.replicas(), sorted(open_syncs(board))) == ([], ["donors", "members"])


def test_what_it_had_taken_is_free_again(board: Board) -> None:
    taken = [board.ask(sync, at=NOW, expires_at=NOW + SECOND) for sync in ("members", "donors")]
    for id_ in taken:
        board.take(id_, "one")
    board.note_run(taken, "run")
    board.finish(taken[1:], "done", NOW)
    board.leave("one", [], NOW)
    [request] = board.open_requests()
    assert (request.id, request.replica, request.run_id) == (taken[0], None, None)


# --- the dead ---


@pytest.mark.parametrize(
    ("cuts", "unfinished"),
    [([False, False], []), ([False, True], ["members"]), ([True, False], []), ([True, True], [])],
)
def test_a_run_that_was_cut_off_is_asked_for_again_but_not_one_that_kills_the_process_twice(
    store: Store, board: Board, cuts: list[bool], unfinished: list[str]
) -> None:
    for number, is_cut in enumerate(cuts):
        run(store, f"run {number}", timedelta(hours=2 - number), is_cut=is_cut)
    id_ = board.ask("members", at=NOW, expires_at=NOW + SECOND)
    board.take(id_, "one")
    assert board.succeed("two", NOW) == unfinished
    request = board.request(id_)
    assert request is not None
    assert (request.status, open_syncs(board)) == (("failed", []) if all(cuts) else (None, ["members"]))


def test_what_a_replica_has_taken_itself_stays_its_own_when_it_is_at_work_again(board: Board) -> None:
    id_ = board.ask("members", at=NOW, expires_at=NOW + SECOND)
    board.take(id_, "one")
    board.succeed("one", NOW)
    assert open_syncs(board) == []


def test_with_a_queue_only_what_is_in_hand_stays_taken(board: Board) -> None:
    kept, left = (board.ask(sync, at=NOW, expires_at=NOW + SECOND) for sync in ("members", "donors"))
    for id_ in (kept, left):
        board.take(id_, "one")
    board.succeed("one", NOW, kept=[kept])
    assert open_syncs(board) == ["donors"]


def test_who_died_is_forgotten_after_a_day(board: Board) -> None:
    board.beat(replica("dead", ago=KEPT + SECOND))
    board.beat(replica("seen", ago=KEPT))
    board.tidy(NOW)
    assert [one.name for one in board.replicas()] == ["seen"]


# --- requests ---


def test_exactly_one_replica_takes_a_request(board: Board) -> None:
    id_ = board.ask("members", at=NOW, expires_at=NOW + SECOND)
    assert [board.take(id_, name) for name in ("one", "two")] == [True, False]
    assert (board.withdraw(id_), open_syncs(board)) == (False, [])


def test_one_that_nobody_has_taken_can_be_withdrawn(board: Board) -> None:
    id_ = board.ask("members", at=NOW, expires_at=NOW + SECOND)
    assert (board.withdraw(id_), board.request(id_)) == (True, None)


def test_they_are_taken_in_their_order(board: Board) -> None:
    for sync, ago in (("b", 1), ("a", 2), ("c", 3)):
        board.ask(sync, at=NOW - ago * SECOND, expires_at=NOW)
    assert open_syncs(board) == ["c", "a", "b"]


def test_who_asked_sees_what_became_of_it(board: Board) -> None:
    mine, other = (board.ask("members", at=NOW, expires_at=NOW) for _ in range(2))
    board.take(mine, "one")
    board.note_run([mine], "run")
    board.finish([mine], "held", NOW)
    found = [board.request(id_) for id_ in (mine, other)]
    assert [(one.run_id, one.status) for one in found if one] == [("run", "held"), (None, None)]


def test_the_first_answer_counts(board: Board) -> None:
    id_ = board.ask("members", at=NOW, expires_at=NOW + SECOND)
    for status in ("done", "failed"):
        board.finish([id_], status, NOW)
    request = board.request(id_)
    assert request is not None
    assert request.status == "done"


def test_nothing_is_forgotten_before_its_time(board: Board) -> None:
    answered, expired, waiting, taken = (board.ask("members", at=NOW, expires_at=NOW) for _ in range(4))
    for id_ in (answered, taken):
        board.take(id_, "one")
    board.finish([answered], "done", NOW)
    board.leave("none", ["donors"], NOW)  # asked for by nobody, so it never expires
    board.tidy(NOW)
    assert all(board.request(id_) for id_ in (answered, expired, waiting, taken))
    board.tidy(NOW + SECOND)
    assert [bool(board.request(id_)) for id_ in (answered, expired, waiting, taken)] == [True, False, False, True]
    board.tidy(NOW + KEPT + SECOND)
    assert [bool(board.request(id_)) for id_ in (answered, taken)] == [False, True]
    assert open_syncs(board) == ["donors"]


# --- runs ---


def test_the_last_start_is_the_latest_of_these_triggers_before_a_moment(store: Store, board: Board) -> None:
    run(store, "a", 3 * SECOND)
    run(store, "b", 2 * SECOND, trigger=Trigger.COMMAND_LINE)
    run(store, "c", SECOND)
    assert board.last_start("members", EVERY, NOW) == NOW - SECOND
    assert board.last_start("members", EVERY, NOW - SECOND) == NOW - 2 * SECOND
    assert board.last_start("members", [Trigger.SCHEDULE], NOW - SECOND) == NOW - 3 * SECOND
    assert board.last_start("donors", EVERY, NOW) is None


def test_when_the_last_create_was_sent_whose_fate_is_unknown(store: Store, board: Board) -> None:
    numbers = store.journal.begin("run", "members", [create("M-1"), create("M-2")], Action.CREATE, NOW)
    store.journal.begin("run", "donors", [create("D-1")], Action.UPDATE, NOW)
    store.journal.send_again(numbers[:1], NOW + SECOND)
    assert board.unclear() == {"members": NOW + SECOND}
