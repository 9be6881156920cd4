"""Tombstones hold for an instance, whichever of its name and its address still tells it."""

import pytest
from rows import DIGESTER, LATER, MAIN, NOW, tombstone

from syncd.domain.changes import Cause
from syncd.state.store import Store
from syncd.state.tombstones import Instance, Step

ONE, TWO = DIGESTER.name("M-1"), DIGESTER.name("M-2")


@pytest.mark.parametrize("causes", [(Cause.ABSENCE, Cause.REQUEST), (Cause.REQUEST, Cause.ABSENCE)])
def test_one_of_a_request_stays_one(store: Store, causes: tuple[Cause, Cause]) -> None:
    for cause in causes:
        store.tombstones.put(MAIN, tombstone("M-1", cause, at=LATER))
    assert store.tombstones.find(MAIN, [ONE, TWO]) == {ONE: Cause.REQUEST}


def test_it_stays_until_it_is_lifted_for_whom_it_stands(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    store.tombstones.put(MAIN, tombstone("M-2"))
    store.tombstones.lift(MAIN, [ONE], Cause.REQUEST)
    assert store.tombstones.find(MAIN, [ONE, TWO]) == {TWO: Cause.REQUEST}


@pytest.mark.parametrize("moved", [Instance("main", b"another"), Instance("other", b"address")])
def test_it_holds_where_the_name_or_the_address_is_the_same(store: Store, moved: Instance) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    assert store.tombstones.find(moved, [ONE]) == {ONE: Cause.REQUEST}
    store.tombstones.lift(moved, [ONE], Cause.REQUEST)
    assert store.tombstones.find(MAIN, [ONE]) == {}


def test_it_does_not_hold_for_another_instance(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    assert store.tombstones.find(Instance("other", b"another"), [ONE]) == {}


def test_requests_are_listed_with_who_asked_and_why(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", by="the office", why="letter of 1 March"))
    store.tombstones.put(MAIN, tombstone("M-2", Cause.ABSENCE))
    (only,) = store.tombstones.requested(MAIN)
    assert (only.name, only.by, only.why) == (ONE, "the office", "letter of 1 March")


def test_a_tombstone_of_absence_is_lifted_and_one_of_a_request_is_not(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    store.tombstones.put(MAIN, tombstone("M-2", Cause.ABSENCE))
    store.tombstones.lift(MAIN, [ONE, TWO], Cause.ABSENCE)
    assert store.tombstones.find(MAIN, [ONE, TWO]) == {ONE: Cause.REQUEST}


def test_an_absence_does_not_end_a_request_that_is_open(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1", by="the office"))
    store.tombstones.put(MAIN, tombstone("M-1", Cause.ABSENCE))
    found = store.tombstones.find_requested(MAIN, ONE)
    assert found
    assert (found.foreign_id, found.by) == ("M-1", "the office")


def test_who_is_finished_is_no_longer_named(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1"))
    step = Step(at="2026-03-01T08:30:15+00:00", action="delete", result="ok", remark=None)
    store.tombstones.finish(MAIN, ONE, [step])
    found = store.tombstones.find_requested(MAIN, ONE)
    assert found
    assert (found.foreign_id, found.steps) == (None, (step,))


def test_a_request_that_was_taken_back_is_not_finished(store: Store) -> None:
    store.tombstones.finish(MAIN, ONE, [])
    assert store.tombstones.find(MAIN, [ONE]) == {}


def test_those_who_asked_long_ago_and_are_erased_are_not_asked_for_again(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1"))
    store.tombstones.put(MAIN, tombstone("M-2"))
    assert [one.name for one in store.tombstones.requested_lately(MAIN, LATER)] == [ONE]
    assert {one.name for one in store.tombstones.requested_lately(MAIN, NOW)} == {ONE, TWO}


def test_requests_follow_an_instance_that_is_renamed_and_then_moves(store: Store) -> None:
    renamed, moved = Instance("other", MAIN.address), Instance("other", b"another")
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1", by="the office"))
    store.tombstones.put(MAIN, tombstone("M-2", Cause.ABSENCE))
    for _ in range(2):
        store.tombstones.follow(renamed)
    (found,) = store.tombstones.requested(moved)
    assert (found.name, found.foreign_id, found.by) == (ONE, "M-1", "the office")
    assert len(store.tombstones.requested(renamed)) == 1
    store.tombstones.finish(renamed, ONE, [])
    assert [one.foreign_id for one in store.tombstones.requested(MAIN)] == [None]
