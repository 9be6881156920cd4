"""Tombstones hold for an instance, whichever of its name and its address still tells it."""

import json
from dataclasses import replace

import pytest
from rows import DIGESTER, LATER, MAIN, NOW, tombstone
from sqlalchemy import update

from syncd.domain.changes import Cause
from syncd.domain.trail import Entry, What
from syncd.state import tables as t
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
    store.tombstones.finish(MAIN, ONE)
    found = store.tombstones.find_requested(MAIN, ONE)
    assert found
    assert found.foreign_id is None


def test_a_request_that_was_taken_back_is_not_finished(store: Store) -> None:
    store.tombstones.finish(MAIN, ONE)
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
    store.tombstones.finish(renamed, ONE)
    assert [one.foreign_id for one in store.tombstones.requested(MAIN)] == [None]


# --- steps ---

EMPTIED = Entry(at=NOW, what=What.EMPTIED, fields=("name", "email"))
STEP = Step(at="2026-03-01T08:30:15+00:00", action="delete", result="failed", remark="why", trail=(EMPTIED,))


def steps_of(store: Store) -> tuple[Step, ...]:
    (found,) = store.tombstones.requested(MAIN)
    return found.steps


def test_steps_are_kept_as_they_were_written_down(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1"))
    steps = (STEP, replace(STEP, action="release"), replace(STEP, result="ok", trail=()))
    for step in steps:
        store.tombstones.add_step(MAIN, ONE, step)
    store.tombstones.finish(MAIN, ONE)
    assert steps_of(store) == steps


def test_a_step_that_fails_again_and_again_is_counted(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1", foreign_id="M-1"))
    later = replace(STEP, at="2026-03-01T09:30:15+00:00", trail=(replace(EMPTIED, at=LATER),))
    for step in (STEP, STEP, later):
        store.tombstones.add_step(MAIN, ONE, step)
    assert steps_of(store) == (replace(later, times=3),)


def test_an_erasure_that_is_over_has_no_further_step(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    store.tombstones.add_step(MAIN, ONE, STEP)
    assert steps_of(store) == ()


def test_steps_of_an_earlier_version_have_no_trail(store: Store) -> None:
    store.tombstones.put(MAIN, tombstone("M-1"))
    written = {"at": "2026-03-01T08:30:15+00:00", "action": "delete", "result": "ok", "remark": None}
    store.tombstones.db.write(update(t.tombstone).values(steps=json.dumps([written])))
    assert steps_of(store) == (replace(STEP, result="ok", remark=None, trail=()),)
