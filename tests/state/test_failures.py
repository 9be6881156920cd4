"""Records that could not be synced: invalid ones, refused ones, and those without an id."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rows import LATER, NOW, invalid, refused

from syncd.domain.records import FieldProblem
from syncd.state.failures import pause_after
from syncd.state.store import Store


def test_invalid_records_are_those_of_the_last_read(store: Store) -> None:
    store.failures.replace_invalid("members", "run-1", (invalid(f"M-{n}", n) for n in range(1_500)))
    assert len(store.failures.invalid("members")) == 1_500
    store.failures.replace_invalid("members", "run-2", [invalid(None, 3), invalid("M-9", 4)])
    first, second = store.failures.invalid("members")
    assert (first.run_id, first.foreign_id, first.position) == ("run-2", None, "m.csv line 3")
    assert [str(problem) for problem in first.problems] == ["email: is no address"]
    assert store.failures.invalid("members", "M-9") == [second]


def test_refused_records_are_set_aside_until_they_are_lifted(store: Store) -> None:
    store.failures.set_aside("members", refused("M-1"))
    store.failures.set_aside("members", refused("M-2", since=NOW - timedelta(days=1)))
    store.failures.set_aside("members", refused("M-1", tries=2))
    assert store.failures.refused("members") == [refused("M-2", since=NOW - timedelta(days=1)), refused("M-1", tries=2)]
    assert store.failures.find_refused("members", ["M-1", "M-3"]) == {"M-1": refused("M-1", tries=2)}
    store.failures.lift("members", ["M-1"])
    assert [row.foreign_id for row in store.failures.refused("members")] == ["M-2"]


def test_all_that_is_set_aside_can_be_made_due(store: Store) -> None:
    for name in ("M-1", "M-2"):
        store.failures.set_aside("members", refused(name))
    store.failures.set_aside("donors", refused("D-1"))
    assert store.failures.make_due("members", NOW) == 2
    assert {row.next_try_at for row in store.failures.refused("members")} == {NOW}
    assert [row.next_try_at for row in store.failures.refused("donors")] == [LATER]


@pytest.mark.parametrize(("tries", "hours"), [(1, 1), (2, 6), (3, 24), (4, 24), (99, 24)])
def test_who_is_refused_again_rests_longer(tries: int, hours: int) -> None:
    assert pause_after(tries) == timedelta(hours=hours)


def test_of_changes_the_invalid_are_replaced_among_those_that_were_read(store: Store) -> None:
    erased = [replace(invalid(None, line), name=name) for line, name in ((4, b"one"), (5, b"two"))]
    store.failures.replace_invalid("members", "run-1", [invalid("M-1", 2), invalid("M-2", 3), *erased])
    store.failures.replace_invalid("donors", "run-1", [invalid("M-1", 2), replace(invalid(None, 3), name=b"one")])
    store.failures.replace_invalid("members", "run-2", [invalid("M-3", 9)], among=["M-1", "M-3"], erased_among=[b"one"])
    assert [row.position for row in store.failures.invalid("members")] == [f"m.csv line {n}" for n in (3, 5, 9)]
    assert (store.failures.erased("members"), store.failures.erased("donors")) == ([b"two"], [b"one"])
    assert len(store.failures.invalid("donors")) == 2
    assert len(store.failures.invalid("members", limit=2)) == 2


def test_failures_are_counted_by_what_is_wrong(store: Store) -> None:
    store.failures.replace_invalid("members", "run", [invalid("M-1", 2), invalid("M-2", 3)])
    for name, reason in (("M-3", "tel: is bad"), ("M-4", "tel: is bad"), ("M-5", "email: is taken")):
        store.failures.set_aside("members", refused(name, reason=reason, action="update"))
    store.failures.set_aside("donors", refused("D-1"))
    found = store.failures
    assert (found.count("members"), found.count("donors"), found.count("others")) == (5, 1, 0)
    assert found.count_problems("members") == {FieldProblem(field="email", reason="is no address"): 2}
    assert found.count_problems("donors") == {}
    assert found.count_refusals("members") == {("update", "tel: is bad"): 2, ("update", "email: is taken"): 1}
    assert len(found.refused("members", limit=1)) == 1


def test_records_without_an_id_are_those_of_the_last_read(store: Store) -> None:
    store.failures.replace_nameless("members", {b"1" * 16: NOW, b"2" * 16: LATER})
    store.failures.replace_nameless("members", {b"2" * 16: LATER})
    assert store.failures.nameless("members") == {b"2" * 16: LATER}
