"""Records that went into another one: a person merges the customers in go~mus, and syncd leaves both as they are."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from faults import Fault, Killed
from museum import Feed, FileShelf, Museum, member, mortal, sqlite_url

from syncd.domain.runs import Status
from syncd.sandbox.switches import Switches
from syncd.state.mergers import Merger


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    """Five members, known to go~mus; the list has a column for the record that one went into."""
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=FileShelf(tmp_path), ids={"merged_into": "into"})
    museum.rows[:] = [member(number, into="") for number in range(1, 6)]
    museum.run()
    yield museum
    museum.close()


def mark(museum: Museum, number: int, into: str) -> None:
    museum.row(number).update(into=into, family=f"Married{number}")


def merger_of(museum: Museum, number: int) -> Merger | None:
    return museum.store.mergers.of("members").get(f"M-{number:04d}")


def surnames(museum: Museum) -> dict[str, object]:
    return {str(one.foreign_id): one["surname"] for one in museum.sandbox.customers}


def merge_in_gomus(museum: Museum, loser: int, survivor: int) -> None:
    ids = [museum.sandbox.by_foreign_id(f"M-{number:04d}")[0].id for number in (loser, survivor)]
    museum.sandbox.merge(*ids)


ALL = {f"M-{number:04d}": f"Muster{number}" for number in range(1, 6)}


def test_who_went_into_another_one_is_not_updated(museum: Museum) -> None:
    mark(museum, 2, "0003")
    summary = museum.run()
    assert (summary.status, museum.writes(), surnames(museum)) == (Status.DONE, [], ALL)
    assert summary.counts["merged"] == 1


def test_nor_erased_though_where_leaves_the_record_out(museum: Museum) -> None:
    museum.where = [{"from": "notes", "is_not": ["out"]}]
    mark(museum, 2, "0003")
    museum.row(2)["notes"] = "out"
    museum.run()
    museum.run()
    assert surnames(museum) == ALL


def test_nor_when_the_record_leaves_the_list(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    museum.remove(2)
    for _ in range(2):
        museum.clock.sleep(86400)
        assert museum.run().status is Status.DONE
    assert surnames(museum) == ALL


def test_who_was_never_known_is_not_created(museum: Museum) -> None:
    museum.rows.append(member(9, into="0003"))
    summary = museum.run()
    assert (summary.status, summary.counts["merged"], museum.calls()) == (Status.DONE, 1, [])
    assert museum.store.mergers.of("members") == {}


def test_once_staff_have_merged_them_the_customer_is_known_no_longer(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    merge_in_gomus(museum, 2, 3)
    museum.run()
    assert museum.store.known.find_one("members", "M-0002") is None
    assert (merger := merger_of(museum, 2)) is not None
    assert not merger.is_open
    museum.run()
    assert (museum.calls(), surnames(museum).keys()) == ([], ALL.keys() - {"M-0002"})


@pytest.mark.parametrize("merged", ["gone", "by-number", "by-both"])
def test_that_they_are_merged_is_seen_whatever_go_mus_answers(museum: Museum, merged: str) -> None:
    museum.sandbox.switches = Switches(merged=merged)  # type: ignore[arg-type]
    mark(museum, 2, "0003")
    museum.run()
    merge_in_gomus(museum, 2, 3)
    assert museum.run().status is Status.DONE
    assert museum.store.known.find_one("members", "M-0002") is None
    assert museum.writes() == []


def test_the_survivor_is_kept_in_step(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.row(3)["family"] = "Neu"
    museum.run()
    merge_in_gomus(museum, 2, 3)
    museum.row(3)["family"] = "Neuer"
    museum.run()
    assert surnames(museum)["M-0003"] == "Neuer"


def test_who_was_merged_is_not_created_again_without_its_mark(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    merge_in_gomus(museum, 2, 3)
    museum.run()
    mark(museum, 2, "")
    museum.run()
    museum.run()
    assert (museum.writes(), surnames(museum).keys()) == ([], ALL.keys() - {"M-0002"})
    assert (merger := merger_of(museum, 2)) is not None
    assert merger.into is None


def test_it_is_forgotten_when_the_record_has_left(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    merge_in_gomus(museum, 2, 3)
    museum.run()
    museum.remove(2)
    museum.run()
    assert (museum.writes(), merger_of(museum, 2)) == ([], None)


def test_a_mark_that_is_taken_back_before_they_were_merged_was_a_mistake(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    mark(museum, 2, "")
    museum.run()
    assert (merger_of(museum, 2), surnames(museum)["M-0002"]) == (None, "Married2")


def test_a_chain_ends_with_the_last_one(museum: Museum) -> None:
    mark(museum, 1, "0002")
    mark(museum, 2, "0003")
    museum.run()
    mergers = museum.store.mergers.of("members")
    assert {one: merger.into for one, merger in mergers.items()} == {"M-0001": "M-0003", "M-0002": "M-0003"}


@pytest.mark.parametrize(
    ("marks", "listed"),
    [
        ({2: "0002"}, {"M-0002"}),
        ({2: "0003", 3: "0002"}, {"M-0002", "M-0003"}),
        ({1: "0002", 2: "0003", 3: "0002"}, {"M-0001", "M-0002", "M-0003"}),
        ({2: "4711"}, {"M-0002"}),
        ({2: "a b"}, {"M-0002"}),
    ],
)
def test_a_mark_that_makes_no_sense_is_told_and_nothing_done(
    museum: Museum, marks: dict[int, str], listed: set[str]
) -> None:
    for number, into in marks.items():
        mark(museum, number, into)
    summary = museum.run()
    assert (summary.status, museum.listed().keys()) == (Status.PROBLEMS, listed)
    assert (museum.writes(), surnames(museum)) == ([], ALL)


def test_who_went_into_somebody_whom_the_list_has_only_as_invalid_went_there(museum: Museum) -> None:
    museum.rows.append(member(9, mail="nobody", into=""))
    mark(museum, 2, "0009")
    museum.run()
    assert (merger := merger_of(museum, 2)) is not None
    assert (merger.into, museum.listed().keys()) == ("M-0009", {"M-0009"})


def test_a_second_run_costs_one_look_at_each_pair_that_is_open(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    museum.run()
    assert museum.calls() == ["GET /customers/:id"]


def test_an_erasure_on_request_goes_before(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    museum.erase("M-0002")
    museum.run()
    assert (merger_of(museum, 2), surnames(museum).keys()) == (None, ALL.keys() - {"M-0002"})


def test_nobody_who_was_erased_stays_as_the_survivor(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    museum.erase("M-0003")
    assert merger_of(museum, 2) is None


def test_verify_mends_nothing_of_who_went_into_another_one(museum: Museum) -> None:
    mark(museum, 2, "0003")
    museum.run()
    museum.change_remotely(2, tel="+49302312999")
    museum.verify(fix=True)
    assert museum.writes() == []


def test_a_list_that_tells_deletions_may_say_both(tmp_path: Path) -> None:
    feed = Feed()
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=feed, ids={"merged_into": "into"})
    for number in range(1, 6):
        feed.put(member(number, into=""))
    museum.run()
    feed.put(member(2, into="0003"))
    museum.run()
    feed.delete(2)
    museum.run()
    assert surnames(museum) == ALL
    museum.close()


@pytest.mark.in_part(2)
@pytest.mark.parametrize("commits", range(1, 9))
def test_killed_at_any_commit_nobody_is_erased_or_made_anew(museum: Museum, commits: int) -> None:
    mark(museum, 2, "0003")
    for is_merged in (False, True):
        if is_merged:
            merge_in_gomus(museum, 2, 3)
        try:
            with mortal(museum, commits):
                museum.run()
        except Killed:
            museum.reopen()
        museum.run()
        assert museum.writes() == []
    assert surnames(museum).keys() == ALL.keys() - {"M-0002"}
    assert museum.store.known.find_one("members", "M-0002") is None


@pytest.mark.parametrize("fault", [Fault.READ_TIMEOUT, Fault.SERVER_ERROR, Fault.UNAVAILABLE])
def test_a_look_that_fails_says_nothing(museum: Museum, fault: Fault) -> None:
    mark(museum, 2, "0003")
    museum.run()
    merge_in_gomus(museum, 2, 3)
    museum.run(lambda _request, _number: fault)
    assert museum.store.known.find_one("members", "M-0002") is not None
    museum.run()
    assert museum.store.known.find_one("members", "M-0002") is None


# --- merged in go~mus, and not in the list ---


@pytest.mark.parametrize("vanished", [False, True])
@pytest.mark.parametrize("merged", ["gone", "by-number", "by-both"])
def test_who_was_merged_by_staff_alone_is_not_written_to(museum: Museum, merged: str, vanished: bool) -> None:
    museum.sandbox.switches = Switches(merged=merged)  # type: ignore[arg-type]
    museum.recreate_vanished = vanished and merged != "gone"  # without a trace of it, nobody can tell
    merge_in_gomus(museum, 2, 3)
    before = museum.sandbox.by_foreign_id("M-0003")[0].fields
    museum.row(2)["family"] = "Neu"
    for _ in range(3):
        museum.run()
        museum.clock.sleep(timedelta(days=2).total_seconds())
    assert (museum.sandbox.by_foreign_id("M-0003")[0].fields, museum.sandbox.by_foreign_id("M-0002")) == (before, [])
