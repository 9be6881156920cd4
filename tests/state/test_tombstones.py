"""Tombstones hold for an instance, whichever of its name and its address still tells it."""

import pytest
from rows import DIGESTER, LATER, MAIN, tombstone

from syncd.domain.changes import Cause
from syncd.state.store import Store
from syncd.state.tombstones import Instance

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
