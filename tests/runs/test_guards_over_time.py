"""Guards with a memory: what they hold over days, and how what they hold ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, Feed, Museum, member, sqlite_url

from syncd.domain.diff import DeleteMode
from syncd.domain.guards import Guard, Word
from syncd.domain.runs import Status, Summary, Trigger
from syncd.runs.run import run
from syncd.sandbox.proxy import in_json

A_DAY = 86_400


@pytest.fixture
def museum(tmp_path: Path) -> Museum:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(0))
    museum.fill(100)
    museum.run()
    return museum


def guards(summary: Summary) -> list[Guard]:
    return [held.guard for held in summary.held]


def present(museum: Museum) -> int:
    return len(museum.sandbox.customers)


# --- deletions, over 24 hours ---


@pytest.mark.parametrize("step", [1, 2, 4, 20])
def test_what_leaves_bit_by_bit_is_counted_together(museum: Museum, step: int) -> None:
    for first in range(1, 41, step):
        museum.remove(*range(first, first + step))
        museum.run()
    assert present(museum) >= 95
    assert guards(museum.run()) == [Guard.DELETE]


@pytest.mark.parametrize(("known", "leave", "is_held"), [(25, 20, True), (25, 2, False), (60, 3, False), (59, 3, True)])
def test_a_short_list_is_guarded_too(tmp_path: Path, known: int, leave: int, is_held: bool) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(0))
    museum.fill(known)
    museum.run()
    museum.remove(*range(1, leave + 1))
    assert (museum.run().status is Status.HELD) is is_held


def test_a_day_later_it_is_forgotten(museum: Museum) -> None:
    museum.remove(*range(1, 6))
    assert museum.run().status is Status.DONE
    museum.remove(6)
    assert guards(museum.run()) == [Guard.DELETE]
    museum.clock.sleep(A_DAY)
    assert museum.run().status is Status.DONE
    assert present(museum) == 94


@pytest.mark.parametrize("leave", [6, 30, 90])
def test_what_was_approved_does_not_count_again(museum: Museum, leave: int) -> None:
    museum.remove(*range(1, leave + 1))
    museum.run()
    museum.approve()
    assert museum.run().status is Status.DONE
    museum.remove(100)
    assert museum.run().status is Status.DONE
    assert present(museum) == 99 - leave


def test_erasures_on_request_do_not_count(museum: Museum) -> None:
    for number in range(1, 21):
        museum.erase(f"M-{number:04d}")
    museum.remove(*range(1, 21), 50)
    assert museum.run().status is Status.DONE
    assert present(museum) == 79


def test_released_and_anonymized_ones_count_like_deleted_ones(museum: Museum) -> None:
    for mode, first in ((DeleteMode.RELEASE, 1), (DeleteMode.ANONYMIZE, 4), (DeleteMode.ANONYMIZE_THEN_DELETE, 5)):
        museum.mode = mode
        museum.remove(*range(first, first + 3))
        summary = museum.run()
    assert guards(summary) == [Guard.DELETE]


def test_a_killed_run_has_counted_whom_it_erased(museum: Museum) -> None:
    museum.remove(*range(1, 6))
    with pytest.raises(Killed):
        museum.run(lambda request, number: Fault.KILLED_AFTER if request.method == "DELETE" and number > 9 else None)
    museum.remove(6, 7)
    assert guards(museum.run()) == [Guard.DELETE]


def test_a_hold_ends_by_itself_when_enough_are_back(museum: Museum) -> None:
    gone = museum.rows[:6]
    museum.remove(*range(1, 7))
    assert museum.run().status is Status.HELD
    museum.rows.extend(gone[:2])
    assert museum.run().status is Status.DONE
    assert present(museum) == 96
    assert museum.store.held.find("members") is None


def test_a_hold_keeps_its_date(museum: Museum) -> None:
    museum.remove(*range(1, 41))
    museum.run()
    first = museum.clock.now
    for _ in range(3):
        museum.clock.sleep(7 * A_DAY)
        museum.run()
    held = museum.store.held.find("members")
    assert held
    assert held.held_at <= first


# --- ids ---


def test_ids_that_changed_are_noticed_whenever_the_old_ones_left(museum: Museum) -> None:
    museum.grace = timedelta(days=7)
    rows = [dict(row) for row in museum.rows]
    for row in museum.rows:
        row["id"] = "1,23457E+11"  # as a spreadsheet shows long numbers
    museum.run()
    museum.clock.sleep(A_DAY)
    museum.rows[:] = [{**row, "id": f"9{row['id']}"} for row in rows]
    assert Guard.IDENTITY in guards(museum.run())
    assert present(museum) == 100


@pytest.mark.parametrize("step", [5, 10])
def test_ids_that_change_bit_by_bit_are_noticed_too(museum: Museum, step: int) -> None:
    museum.grace = timedelta(days=30)
    for first in range(0, 60, step):
        for row in museum.rows[first : first + step]:
            row["id"] = f"N{row['id']}"
        summary = museum.run()
    assert Guard.IDENTITY in guards(summary)
    assert present(museum) <= 125


def test_those_who_come_before_anybody_leaves_are_no_sign_of_it(museum: Museum) -> None:
    museum.grace = timedelta(days=30)
    museum.rows.extend(member(number) for number in range(200, 260))
    museum.run()
    museum.remove(*range(1, 41))
    museum.rows.append(member(300))
    assert museum.run().status is Status.DONE


SPELLINGS: dict[str, Callable[[str], str]] = {
    "without leading zeros": lambda text: text.lstrip("0"),
    "with more": lambda text: f"00{text}",
    "as a number": lambda text: f"{int(text)}.0",
    "as a German number": lambda text: f"{int(text)},00",
}
SAME: dict[str, Callable[[str], str]] = {
    "with a mark": lambda text: f"{text}\u200e",
    "with a soft hyphen": lambda text: f"{text[:2]}\u00ad{text[2:]}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_absent_id_in_another_spelling_is_held_as_a_pair(museum: Museum, spelling: str) -> None:
    for number in (7, 8):
        museum.row(number)["id"] = SPELLINGS[spelling](f"{number:04d}")
    summary = museum.run()
    assert (guards(summary), present(museum)) == ([Guard.PAIR], 100)
    assert museum.writes() == []
    museum.clock.sleep(400 * A_DAY)
    assert (guards(museum.run()), present(museum)) == ([Guard.PAIR], 100)


@pytest.mark.parametrize("spelling", SAME)
def test_an_id_with_a_sign_that_nobody_sees_is_the_same_id(museum: Museum, spelling: str) -> None:
    for number in (7, 8):
        museum.row(number)["id"] = SAME[spelling](f"{number:04d}")
    summary = museum.run()
    assert (summary.status, guards(summary), museum.writes()) == (Status.DONE, [], [])


def test_of_ids_that_a_spreadsheet_has_shortened_nobody_is_concluded_to_be_gone(museum: Museum) -> None:
    for number in (7, 8):
        museum.row(number)["id"] = f"{number}E+00"
    assert museum.run().status is Status.PROBLEMS
    museum.clock.sleep(400 * A_DAY)
    assert museum.run().status is Status.PROBLEMS
    assert (museum.writes(), present(museum)) == ([], 100)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("003xx000004TmiQ", "003xx000004TmiQAAS"),
        ("0017000000NQk8M", "0017000000nqk8m"),
        ("AB-12", "ab-12"),
        ("Straße1", "STRASSE1"),
    ],
)
def test_letters_of_ids_pair_too(museum: Museum, old: str, new: str) -> None:
    museum.rows.append({**member(200), "id": old})
    museum.run()
    museum.rows[-1]["id"] = new
    assert guards(museum.run()) == [Guard.PAIR]


@pytest.mark.parametrize("column", [("born", "31.02.1999"), ("family", ""), ("phone", "+49 x")])
def test_a_new_id_that_is_not_fit_yet_is_one_of_a_pair_too(museum: Museum, column: tuple[str, str]) -> None:
    museum.row(7).update({"id": "7", "born": "gestern", column[0]: column[1]})
    assert guards(museum.run()) == [Guard.PAIR]
    museum.rows[6].update(member(7) | {"id": "7"})
    assert guards(museum.run()) == [Guard.PAIR]
    assert {one.foreign_id for one in museum.sandbox.customers} >= {"M-0007"}


def test_an_unfit_new_id_holds_nothing_while_the_absent_one_waits(museum: Museum) -> None:
    museum.grace = timedelta(days=7)
    museum.row(7).update({"id": "7", "born": "gestern"})
    assert museum.run().status is Status.PROBLEMS


@pytest.mark.parametrize("half", ["M-7", "M-0007"])
def test_a_pair_of_which_half_was_rejected_stays(museum: Museum, half: str) -> None:
    museum.grace = timedelta(days=2)
    museum.row(7)["id"] = "7"
    museum.run()
    museum.approve(Word.REJECTED)
    for _ in range(3):
        museum.clock.sleep(2 * A_DAY)
        museum.run()
    assert half != "M-7" or museum.sandbox.by_foreign_id("M-7") == []
    assert len(museum.sandbox.by_foreign_id("M-0007")) == 1


def test_others_are_no_pair(museum: Museum) -> None:
    museum.remove(7)
    museum.rows.append({**member(200), "id": "0700"})
    assert museum.run().status is Status.DONE


def test_a_pair_that_is_approved_is_two_persons(museum: Museum) -> None:
    museum.row(7)["id"] = "7"
    museum.run()
    museum.approve()
    assert museum.run().status is Status.DONE
    assert {one.foreign_id for one in museum.sandbox.customers} >= {"M-7"}
    assert museum.sandbox.by_foreign_id("M-0007") == []


def test_a_pair_that_was_approved_is_not_held_anew_once_the_old_one_is_due(museum: Museum) -> None:
    museum.grace = timedelta(days=2)
    museum.row(7)["id"] = "7"
    museum.run()
    museum.approve()
    assert museum.run(lambda _request, _number: Fault.UNAVAILABLE).status is Status.FAILED
    museum.clock.sleep(3 * A_DAY)
    assert museum.run().status is Status.DONE
    assert museum.sandbox.by_foreign_id("M-0007") == []


def test_a_pair_that_is_back_as_it_was_is_none(museum: Museum) -> None:
    museum.row(7)["id"] = "7"
    museum.run()
    museum.rows[6]["id"] = "0007"
    assert museum.run().status is Status.DONE
    assert museum.writes() == []


def test_an_approved_change_of_ids_is_not_told_again_of_those_who_left(museum: Museum) -> None:
    museum.grace = timedelta(days=30)
    for row in museum.rows:
        row["id"] = f"N{row['id']}"
    assert Guard.IDENTITY in guards(museum.run())
    museum.approve()
    assert museum.run().status is Status.DONE
    museum.rows.extend(member(number) for number in range(500, 530))
    assert museum.run().status is Status.DONE


def test_ids_that_were_mended_in_the_source_explain_no_absence(museum: Museum) -> None:
    museum.grace = timedelta(days=30)
    museum.remove(*range(1, 31))
    museum.run()
    right = [dict(row) for row in museum.rows]
    for row in museum.rows:
        row["id"] = f"N{row['id']}"
    assert Guard.IDENTITY in guards(museum.run())
    museum.rows[:] = right
    assert museum.run().status is Status.DONE
    museum.rows.extend(member(number) for number in range(500, 530))
    assert Guard.IDENTITY in guards(museum.run())


# --- who somebody is ---


FIELD_OF = {"family": "surname", "born": "date_of_birth"}


@pytest.mark.parametrize("column", FIELD_OF)
def test_a_column_that_was_sorted_alone_is_held(museum: Museum, column: str) -> None:
    for row in museum.rows[:10]:
        row[column] = {"family": f"Zz{row['id']}", "born": "1950-05-05"}[column]
    museum.rows[50]["notes"] = "anders"
    summary = museum.run()
    assert guards(summary) == [Guard.PERSON]
    assert f"({FIELD_OF[column]} 10)" in summary.held[0].reason
    assert len(museum.writes()) == 1


def test_filling_a_column_is_no_exchange(museum: Museum) -> None:
    for row in museum.rows[:10]:
        row["born"] = ""
    museum.run()
    for row in museum.rows[:10]:
        row["born"] = "1950-05-05"
    assert museum.run().status is Status.DONE


# --- what a person says ---


def test_whom_the_approval_leaves_out_stays(museum: Museum) -> None:
    museum.remove(*range(1, 11))
    museum.run()
    museum.approve(but=["M-0001", "M-0002"])
    for _ in range(3):
        assert museum.run().status is Status.DONE
        museum.clock.sleep(3 * A_DAY)
    assert present(museum) == 92
    assert museum.approve()
    museum.run()
    assert present(museum) == 90


def test_what_is_rejected_stays_until_the_person_is_back(museum: Museum) -> None:
    gone = museum.rows[:10]
    museum.remove(*range(1, 11))
    museum.run()
    museum.approve(Word.REJECTED)
    museum.mode = DeleteMode.ANONYMIZE
    for _ in range(2):
        assert (museum.run().status, present(museum)) == (Status.DONE, 100)
        museum.clock.sleep(2 * A_DAY)
    museum.rows.extend(gone)
    museum.run()
    museum.remove(1)
    museum.run()
    assert len(museum.sandbox.by_foreign_id("M-0001")) == 0


def test_progress_is_told_of_what_is_carried_out_and_not_of_what_was_rejected(museum: Museum) -> None:
    museum.remove(*range(1, 41))
    museum.run()
    museum.approve(Word.REJECTED)
    museum.row(50)["phone"] = "+493023125999"
    told: list[tuple[str, int, int | None]] = []
    with museum.world() as world:
        progress = replace(world, progress=lambda *step: told.append(step))
        assert not run(museum.sync, progress, trigger=Trigger.COMMAND_LINE).held
    assert told[-1] == ("carrying out", 1, 1)


def test_whom_a_rejection_leaves_out_is_still_held(museum: Museum) -> None:
    museum.remove(*range(1, 13))
    museum.run()
    museum.approve(Word.REJECTED, but=[f"M-{number:04d}" for number in range(1, 7)])
    assert museum.store.held.count_changes("members") == {"delete": 6}
    assert (guards(museum.run()), present(museum)) == ([Guard.DELETE], 100)


def test_a_rejected_update_is_sent_once_the_record_changes(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, update_percent=10)
    for row in museum.rows[:30]:
        row["notes"] = "falsch"
    museum.run()
    museum.approve(Word.REJECTED)
    assert (museum.run().status, museum.writes()) == (Status.DONE, [])
    museum.row(1)["notes"] = "richtig"
    museum.run()
    assert [customer["notes"] for customer in museum.sandbox.by_foreign_id("M-0001")] == ["richtig"]
    assert museum.run().status is Status.DONE


@pytest.mark.parametrize("days", [1, 5, 60])
def test_an_approval_waits_for_the_next_complete_run(museum: Museum, days: int) -> None:
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    museum.clock.sleep(days * A_DAY)
    assert museum.run().status is Status.DONE
    assert present(museum) == 70


def test_an_approval_that_a_complete_run_has_passed_by_is_void_after_a_day(museum: Museum) -> None:
    gone = museum.rows[:30]
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    museum.grace = timedelta(days=2)
    museum.run()
    museum.clock.sleep(3 * A_DAY)
    assert (guards(museum.run()), len(gone), present(museum)) == ([Guard.DELETE], 30, 100)


def test_an_approval_that_is_void_is_forgotten(museum: Museum) -> None:
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    museum.grace = timedelta(days=10)
    for _ in range(2):
        museum.run()
        museum.clock.sleep(2 * A_DAY)
    museum.run()
    assert museum.store.held.said("members") == []


@pytest.mark.parametrize("hours", [2, 23])
def test_an_approval_holds_for_a_day_whatever_failed_meanwhile(museum: Museum, hours: int) -> None:
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    museum.sandbox.hook = lambda call: call.act() if call.method == "GET" else in_json(422, {"error": "not now"})
    assert museum.run().status is Status.PROBLEMS
    museum.sandbox.hook = None
    museum.clock.sleep(hours * 3600)
    assert (museum.run().status, present(museum)) == (Status.DONE, 70)


def test_what_is_held_no_more_is_not_told_as_held(museum: Museum) -> None:
    museum.remove(*range(1, 31))
    museum.run()
    assert museum.store.held.find("members")
    museum.rows.extend(map(member, range(1, 31)))
    museum.run()
    assert museum.store.held.find("members") is None


def test_an_approved_create_that_is_another_now_is_held_anew(museum: Museum) -> None:
    museum.row(7)["id"] = "7"
    museum.run()
    museum.approve()
    museum.rows[6]["notes"] = "anders"
    assert guards(museum.run()) == [Guard.PAIR]
    assert museum.sandbox.by_foreign_id("M-7") == []


@pytest.mark.parametrize("column", ["notes", "phone"])
def test_approved_updates_that_are_others_now_are_held_anew(museum: Museum, column: str) -> None:
    museum.limits = replace(DEFAULT_LIMITS, update_percent=10)
    for row in museum.rows[:30]:
        row["notes"] = "neu"
    museum.run()
    museum.approve()
    for row in museum.rows[:30]:
        row[column] = "+49 30 1234" if column == "phone" else "noch neuer"
    assert (guards(museum.run()), museum.writes()) == ([Guard.UPDATE], [])


def test_an_approval_of_one_guard_covers_the_change_for_all(museum: Museum) -> None:
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    for row in museum.rows[:30]:
        row["born"] = "gestern"
    summary = museum.run()
    assert (guards(summary), present(museum)) == ([], 70)


@pytest.mark.parametrize("joined", [2, 10])
def test_what_falls_due_by_a_configuration_that_is_changed_back_is_held(museum: Museum, joined: int) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=100)
    rows = museum.rows[:]
    museum.path = "other.csv"
    museum.rows[:] = [member(number) for number in range(201, 201 + joined)]
    assert museum.run().status is Status.HELD
    museum.path = "members.csv"
    museum.rows[:] = rows
    for _ in range(2):
        assert (guards(museum.run()), len(museum.sandbox.deleted)) == ([Guard.CONFIGURATION], 0)


# --- the figures ---


@pytest.mark.parametrize(("invalid", "is_held"), [(20, False), (21, True)])
def test_invalid_records_are_a_share_of_the_records(museum: Museum, invalid: int, is_held: bool) -> None:
    museum.remove(1)
    for row in museum.rows[:invalid]:
        row["born"] = "gestern"
    museum.rows.append(member(101))  # 100 records, and 100 known
    assert (guards(museum.run()) == [Guard.INVALID]) is is_held
    museum.limits = replace(DEFAULT_LIMITS, invalid_percent=50)
    assert Guard.INVALID not in guards(museum.run())


@pytest.mark.parametrize(("records", "is_held"), [(30, True), (300, False)])
def test_that_share_is_not_of_the_known(museum: Museum, records: int, is_held: bool) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=100, delete_count=1000, clear_percent=100)
    museum.rows[:] = museum.rows[:30]
    museum.rows.extend(member(number) for number in range(1000, 1000 + records - 30))
    for row in museum.rows[:25]:
        row["born"] = "gestern"
    held = guards(museum.run())
    assert (Guard.INVALID in held) is is_held


@pytest.mark.parametrize(("emptied", "is_held"), [(20, False), (21, True)])
def test_what_is_emptied_is_counted_field_by_field(museum: Museum, emptied: int, is_held: bool) -> None:
    for row in museum.rows[:emptied]:
        row["phone"] = ""
    for row in museum.rows[40:60]:
        row["notes"] = ""
    assert (guards(museum.run()) == [Guard.CLEAR]) is is_held


# --- the configuration ---


def test_a_changed_configuration_makes_absence_count_anew(museum: Museum) -> None:
    museum.grace = timedelta(days=7)
    museum.remove(1, 2)
    museum.run()
    museum.clock.sleep(8 * A_DAY)
    museum.path = "another list"
    museum.run()
    assert present(museum) == 100
    museum.clock.sleep(8 * A_DAY)
    museum.run()
    assert present(museum) == 98


def test_with_no_grace_what_falls_due_by_it_is_held(museum: Museum) -> None:
    museum.path = "another list"
    museum.remove(1)
    for _ in range(2):
        assert guards(museum.run()) == [Guard.CONFIGURATION]
        museum.clock.sleep(3 * A_DAY)
    museum.approve()
    assert museum.run().status is Status.DONE
    museum.remove(2)
    assert (museum.run().status, present(museum)) == (Status.DONE, 98)


def test_a_changed_configuration_that_loses_nobody_is_accepted(museum: Museum) -> None:
    museum.path = "another list"
    museum.run()
    museum.remove(1)
    assert (museum.run().status, present(museum)) == (Status.DONE, 99)


# --- a source that tells changes ---


def test_ids_that_all_changed_are_held_where_nobody_is_known_to_be_absent(tmp_path: Path) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(0))
    feed = Feed()
    museum.shelf = feed  # type: ignore[assignment]
    for number in range(1, 61):
        feed.put(member(number))
    museum.run()
    for number in range(1, 61):
        feed.put({**member(number), "id": f"N{number}"})
    assert guards(museum.run()) == [Guard.CREATE]
    assert present(museum) == 60


# --- a first run ---


def test_invalid_records_hold_nothing_where_nobody_would_be_deleted(tmp_path: Path) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(0))
    museum.fill(120)
    for row in museum.rows[:35]:
        row["born"] = "gestern"
    assert museum.run().status is Status.PROBLEMS
    assert present(museum) == 85
