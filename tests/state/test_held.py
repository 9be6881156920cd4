"""What guards hold, and a person's word on it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest
from rows import LATER, NOW, ids

from syncd.domain.guards import Guard, Held, Word
from syncd.state.held import Decided, HeldChange, Signature
from syncd.state.store import Store

DELETE = Held(guard=Guard.DELETE, reason="1500 of 2000")
EARLIER = NOW - timedelta(hours=1)
LONG_AGO = datetime.min.replace(tzinfo=NOW.tzinfo)


def change(foreign_id: str, action: str = "delete", content: bytes = b"c") -> HeldChange:
    return HeldChange(foreign_id=foreign_id, action=action, content=content)


def hold(store: Store, names: Sequence[str], run: str = "run-1", at: datetime = NOW) -> None:
    store.held.put("members", run, [DELETE], map(change, names), at)


def decide(
    store: Store, word: Word, *, run: str | None = "run-1", but: Collection[str] = (), at: datetime = NOW
) -> bool:
    return store.held.decide("members", run, word, but=but, said=Signature(by="ada", why="year's end", at=at))


def decided(store: Store, names: Sequence[str], since: datetime = LONG_AGO) -> dict[str, Word]:
    return {one.foreign_id: one.word for one in store.held.decided("members", names, approved_since=since)}


def test_what_is_held_now_takes_the_place_of_what_was(store: Store) -> None:
    hold(store, ids(1_500))
    store.held.put("members", "run-2", [Held(guard=Guard.UPDATE, reason="")], [change("M-1", "update")], NOW)
    row = store.held.find("members")
    assert row is not None
    assert (row.run_id, row.guards, store.held.count_changes("members")) == ("run-2", {"update": ""}, {"update": 1})
    store.held.clear("members")
    assert (store.held.find("members"), store.held.count_changes("members")) == (None, {})


def test_what_is_still_held_keeps_its_date(store: Store) -> None:
    hold(store, ["M-1"], at=EARLIER)
    hold(store, ["M-1", "M-2"], "run-2")
    row = store.held.find("members")
    assert row is not None
    assert (row.held_at, row.run_id) == (EARLIER, "run-2")


def test_an_approval_is_of_all_that_is_held_and_the_exceptions_are_rejected(store: Store) -> None:
    hold(store, ids(1_500))
    assert decide(store, Word.APPROVED, but=ids(1_500)[:2])
    found = decided(store, ids(1_500))
    assert found == dict.fromkeys(ids(1_500), Word.APPROVED) | dict.fromkeys(ids(1_500)[:2], Word.REJECTED)
    assert store.held.count_changes("members") == {}
    said = {one.word: one for one in store.held.said("members")}
    assert {word: one.number for word, one in said.items()} == {Word.APPROVED: 1_498, Word.REJECTED: 2}
    assert said[Word.APPROVED].signature == Signature(by="ada", why="year's end", at=NOW)


def test_what_was_decided_outlives_the_hold(store: Store) -> None:
    hold(store, ["M-1", "M-2"])
    decide(store, Word.APPROVED)
    hold(store, ["M-3"], "run-2")
    store.held.clear("members")
    assert decided(store, ["M-1", "M-2", "M-3"]) == {"M-1": Word.APPROVED, "M-2": Word.APPROVED}


def test_what_is_held_anew_is_decided_no_more(store: Store) -> None:
    hold(store, ["M-1"])
    decide(store, Word.APPROVED)
    hold(store, ["M-1"], "run-2")
    assert (decided(store, ["M-1"]), store.held.count_changes("members")) == ({}, {"delete": 1})


def test_what_another_run_held_meanwhile_is_not_decided(store: Store) -> None:
    hold(store, ["M-1"], "run-2")
    assert not decide(store, Word.APPROVED, run="run-1")
    assert decided(store, ["M-1"]) == {}


def test_an_approval_ends_and_a_rejection_does_not(store: Store) -> None:
    hold(store, ["M-1", "M-2"])
    decide(store, Word.APPROVED, but=["M-2"])
    assert decided(store, ["M-1", "M-2"], since=NOW) == {"M-2": Word.REJECTED}
    store.held.forget_approvals("members", EARLIER)
    assert set(decided(store, ["M-1", "M-2"])) == {"M-1", "M-2"}
    store.held.forget_approvals("members", NOW)
    assert list(store.held.each_decided("members")) == ["M-2"]


def test_what_was_rejected_can_be_approved_once_nothing_else_is_held(store: Store) -> None:
    hold(store, ["M-1", "M-2"])
    decide(store, Word.REJECTED)
    store.held.clear("members")
    assert store.held.count_open("members") == {"delete": 2}
    assert store.held.open_among("members", ["M-1", "M-9"]) == ["M-1"]
    assert decide(store, Word.APPROVED, run=None, but=["M-2"], at=LATER)
    assert decided(store, ["M-1", "M-2"]) == {"M-1": Word.APPROVED, "M-2": Word.REJECTED}


def test_while_something_is_held_the_word_is_on_that_alone(store: Store) -> None:
    hold(store, ["M-1"])
    decide(store, Word.REJECTED)
    hold(store, ["M-2"], "run-2")
    assert store.held.count_open("members") == {"delete": 1}
    assert decide(store, Word.APPROVED, run="run-2")
    assert decided(store, ["M-1", "M-2"]) == {"M-1": Word.REJECTED, "M-2": Word.APPROVED}


def test_each_decided_is_told_page_by_page_and_forgotten_by_name(store: Store) -> None:
    hold(store, ids(1_500))
    decide(store, Word.APPROVED)
    assert list(store.held.each_decided("members")) == sorted(ids(1_500))
    store.held.forget("members", ids(1_500)[1:])
    assert decided(store, ids(1_500)) == {ids(1_500)[0]: Word.APPROVED}


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_change_keeps_what_it_is_and_what_would_be_done(store: Store, action: str) -> None:
    hold(store, ["M-1"])
    store.held.put("members", "run-2", [DELETE], [change("M-1", action, b"other")], NOW)
    decide(store, Word.APPROVED, run="run-2")
    found = store.held.decided("members", ["M-1"], approved_since=LONG_AGO)
    assert found == [Decided("M-1", action, b"other", Word.APPROVED)]
