"""Records that could not be synced: invalid ones, refused ones, and those without an id."""

from datetime import timedelta

from rows import LATER, NOW, invalid, refused

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


def test_records_without_an_id_are_those_of_the_last_read(store: Store) -> None:
    store.failures.replace_nameless("members", {b"1" * 16: NOW, b"2" * 16: LATER})
    store.failures.replace_nameless("members", {b"2" * 16: LATER})
    assert store.failures.nameless("members") == {b"2" * 16: LATER}
