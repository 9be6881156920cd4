"""`actions`: what a run may do; the rest is planned and shown, and nothing of it happens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from museum import DEFAULT_LIMITS, Feed, Museum, member, sqlite_url

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.guards import ALL_KINDS
from syncd.domain.runs import Status


def only(museum: Museum, *kinds: type[Change]) -> None:
    museum.limits = replace(DEFAULT_LIMITS, actions=frozenset(kinds))


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(5)
    yield museum
    museum.close()


@pytest.fixture
def changed(museum: Museum) -> Museum:
    """One is new, one has changed, one has left."""
    museum.run()
    museum.rows.append(member(6))
    museum.row(1)["family"] = "Neu"
    museum.remove(5)
    return museum


def shown(museum: Museum) -> dict[str, object]:
    return {str(one["foreign_id"])[-1]: one["surname"] for one in museum.sandbox.customers}


BEFORE = {str(number): f"Muster{number}" for number in range(1, 6)}


@pytest.mark.parametrize(
    ("kinds", "undone", "expected"),
    [
        ([Create], 2, BEFORE | {"6": "Muster6"}),
        ([Update], 2, BEFORE | {"1": "Neu"}),
        ([Erase], 2, {number: surname for number, surname in BEFORE.items() if number != "5"}),
        ([], 3, BEFORE),
    ],
)
def test_a_run_does_what_it_may_and_counts_the_rest(changed, kinds, undone, expected):
    only(changed, *kinds)
    summary = changed.run()
    assert (summary.status, shown(changed)) == (Status.DONE, expected)
    assert summary.counts["shown_only"] == undone


@pytest.mark.parametrize("kinds", [[Create], [Update], [Erase], []])
def test_what_was_left_is_done_once_it_may_be(changed, kinds):
    only(changed, *kinds)
    changed.run()
    only(changed, *ALL_KINDS)
    changed.run()
    assert shown(changed) == {"1": "Neu", "2": "Muster2", "3": "Muster3", "4": "Muster4", "6": "Muster6"}


def test_whom_go_mus_has_already_is_adopted_and_filled_where_only_updates_are_allowed(museum):
    museum.run()
    museum.lose_state()
    museum.change_remotely(2, tel=None)
    museum.rows.append(member(6))
    only(museum, Update)
    summary = museum.run()
    assert (summary.status, len(shown(museum))) == (Status.DONE, 5)
    assert museum.sandbox.by_foreign_id("M-0002")[0]["tel"] == member(2)["phone"]
    assert museum.store.known.count("members") == 5


def test_nothing_is_even_looked_up_where_only_erasures_are_allowed(changed):
    only(changed, Erase)
    changed.remove(5)
    changed.fill(4)
    changed.rows.append(member(7))
    changed.run()
    assert not [call for call in changed.sandbox.calls if call.path.endswith("M-0007")]


def test_a_guard_of_what_a_run_may_not_do_holds_nothing(museum):
    museum.run()
    museum.remove(1, 2, 3, 4)
    only(museum, Create, Update)
    assert museum.run().status is Status.DONE
    only(museum, *ALL_KINDS)
    assert museum.run().status is Status.HELD


def test_an_erasure_on_request_is_no_matter_of_a_run(museum):
    museum.run()
    only(museum)
    museum.erase("M-0002")
    assert sorted(shown(museum)) == ["1", "3", "4", "5"]


@pytest.mark.parametrize("kinds", [[Create], [Update], [Erase], []])
def test_changes_that_were_left_are_told_again(tmp_path, kinds):
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=Feed(), grace=timedelta(0))
    for number in range(1, 5):
        museum.shelf.put(member(number))
    museum.run()
    museum.shelf.put(member(5))
    museum.shelf.put(member(1, family="Neu"))
    museum.shelf.delete(2)
    only(museum, *kinds)
    museum.run()
    only(museum, *ALL_KINDS)
    museum.run()
    assert shown(museum) == {"1": "Neu", "3": "Muster3", "4": "Muster4", "5": "Muster5"}
    museum.close()
