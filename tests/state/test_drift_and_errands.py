"""What the owner of the data looks at besides failures: drift, and what the source itself says."""

from datetime import timedelta

from rows import LATER, NOW, invalid, known

from syncd.state.store import Store
from syncd.state.worklist import DriftRow


def test_drift_keeps_its_date_and_ends_field_by_field(store: Store) -> None:
    store.known.put("members", [known("M-1")])
    store.worklist.note_drift("members", {"M-1": ["tel", "email"]}, NOW)
    store.worklist.note_drift("members", {"M-1": ["email", "tel", "name"]}, LATER)
    assert store.worklist.drifts("members") == [DriftRow(foreign_id="M-1", fields=("email", "name", "tel"), since=NOW)]
    store.worklist.end_drift("members", {"M-1": ["tel", "name"], "M-2": ["email"]})
    assert store.worklist.drifts("members") == [DriftRow(foreign_id="M-1", fields=("email",), since=NOW)]
    store.worklist.end_drift("members", {"M-1": ["email"]})
    assert store.worklist.drifts("members") == []


def test_drift_of_one_sync_is_none_of_another(store: Store) -> None:
    for sync in ("members", "donors"):
        store.known.put(sync, [known("M-1")])
        store.worklist.note_drift(sync, {"M-1": ["tel"]}, NOW)
    store.worklist.end_drift("members", {"M-1": ["tel"]})
    assert [len(store.worklist.drifts(sync)) for sync in ("members", "donors")] == [0, 1]


def test_what_is_told_is_replaced_for_those_who_were_read(store: Store) -> None:
    store.known.put("members", [known("M-1"), known("M-2")])
    store.worklist.replace_errands("members", [("M-1", ["call"]), ("M-2", ["write"])])
    store.worklist.replace_errands("members", [("M-1", []), ("M-2", ["write", "wait"])])
    assert store.worklist.errands("members") == [("M-2", ("write", "wait"))]
    store.worklist.replace_errands("members", None)
    assert store.worklist.errands("members") == []


def test_who_has_left_is_not_told_of_and_is_forgotten(store: Store) -> None:
    store.known.put("members", [known("M-1"), known("M-2")])
    store.failures.replace_invalid("members", "run-1", [invalid("M-3", 1)])
    store.worklist.replace_errands("members", [(f"M-{number}", ["call"]) for number in range(1, 5)])
    (row,) = [one.row for one in store.known.find_briefs("members", ["M-2"])]
    store.known.mark_absent("members", [row], NOW - timedelta(days=1))
    assert [foreign_id for foreign_id, _ in store.worklist.errands("members")] == ["M-1", "M-3"]
    store.worklist.forget_who_left("members")
    store.known.mark_present("members", [row])
    assert [foreign_id for foreign_id, _ in store.worklist.errands("members")] == ["M-1", "M-3"]


def test_whoever_is_forgotten_is_on_no_list(store: Store) -> None:
    store.known.put("members", [known("M-1")])
    store.worklist.note_drift("members", {"M-1": ["tel"]}, NOW)
    store.worklist.replace_errands("members", [("M-1", ["call"])])
    store.forget_customer("members", "M-1")
    store.known.put("members", [known("M-1")])
    assert (store.worklist.drifts("members"), store.worklist.errands("members")) == ([], [])


def test_drift_of_many_is_noted_at_once(store: Store) -> None:
    store.known.put("members", [known(f"M-{number}") for number in range(3)])
    store.worklist.note_drift("members", {"M-0": ["tel"], "M-1": ["tel"]}, NOW)
    store.worklist.note_drift("members", {"M-0": [], "M-2": ["email"]}, NOW)
    assert [(row.foreign_id, row.fields) for row in store.worklist.drifts("members")] == [
        ("M-1", ("tel",)),
        ("M-2", ("email",)),
    ]
