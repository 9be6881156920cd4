"""What guards hold, and a person's approval of it."""

from rows import LATER, NOW, ids

from syncd.domain.guards import Guard, Held
from syncd.state.held import HeldChange
from syncd.state.store import Store


def test_what_is_held_now_takes_the_place_of_what_was_and_of_its_approval(store: Store) -> None:
    old = [HeldChange(name, "delete", b"p" * 16) for name in ids(1_500)]
    store.held.put("members", "run-1", [Held(guard=Guard.DELETE, reason="1500 of 2000")], iter(old), NOW)
    assert store.held.approve("members", "run-1", by="ada", expires_at=LATER)
    row = store.held.find("members")
    assert row is not None
    assert (row.run_id, row.guards, row.held_at) == ("run-1", {"delete": "1500 of 2000"}, NOW)
    assert (row.approved_by, row.expires_at) == ("ada", LATER)
    assert store.held.find_changes("members", [change.foreign_id for change in old]) == set(old)
    store.held.put("members", "run-2", [Held(guard=Guard.UPDATE, reason="")], [HeldChange("M-1", "update", b"q")], NOW)
    row = store.held.find("members")
    assert row is not None
    assert (row.run_id, row.approved_by, row.expires_at) == ("run-2", None, None)
    assert store.held.count_changes("members") == {"update": 1}
    store.held.clear("members")
    assert (store.held.find("members"), store.held.count_changes("members")) == (None, {})


def test_what_another_run_held_meanwhile_is_not_approved(store: Store) -> None:
    store.held.put("members", "run-2", [Held(guard=Guard.UPDATE, reason="")], [], NOW)
    assert not store.held.approve("members", "run-1", by="ada", expires_at=LATER)
    row = store.held.find("members")
    assert row is not None
    assert row.approved_by is None
