"""Reads of what changed: what they may conclude, when the watermark moves, and when the source is read whole again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, Feed, Museum, member, sqlite_url

from syncd.domain.runs import Status, Summary, Trigger
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.runs.run import run
from syncd.sandbox.switches import Switches
from syncd.sources.base import SourceOptions
from syncd.state.runs import Runs

WEEK = 7 * 86400


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def museum(tmp_path: Path, feed: Feed) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=feed, grace=timedelta(days=1))
    for number in range(1, 6):
        feed.put(member(number))
    assert museum.run().status is Status.DONE
    yield museum
    museum.close()


def names(museum: Museum) -> set[str]:
    return {str(customer.foreign_id) for customer in museum.sandbox.customers}


def present(museum: Museum) -> set[str]:
    """Who is known, and not absent."""
    return {known.foreign_id for known in museum.store.known.each("members") if known.absent_since is None}


def wait(museum: Museum, days: float) -> None:
    museum.clock.sleep(days * 86400)


# --- where a read begins ---


def test_after_a_whole_read_only_changes_are_asked_for(museum: Museum, feed: Feed) -> None:
    museum.run()
    assert feed.cursors == [None, "5"]


def test_no_change_costs_no_call(museum: Museum) -> None:
    assert museum.run().status is Status.DONE
    assert museum.calls() == []


def test_a_change_is_one_update_of_the_changed_field(museum: Museum, feed: Feed) -> None:
    feed.put(member(2, phone="+493023125999"))
    museum.run()
    [call] = museum.writes()
    assert call.body == {"customer": {"tel": "+493023125999"}}


def test_the_watermark_follows_what_is_settled(museum: Museum, feed: Feed) -> None:
    feed.put(member(6))
    museum.run()
    museum.run()
    assert feed.cursors == [None, "5", "6"]


def test_the_source_is_read_whole_again_in_time(museum: Museum, feed: Feed) -> None:
    wait(museum, 6.9)
    museum.run()
    wait(museum, 0.2)
    museum.run()
    assert feed.cursors == [None, "5", None]


def test_another_mapping_concerns_everybody(museum: Museum, feed: Feed) -> None:
    ids = ForeignIdSpec.model_validate({"from": "id", "prefix": museum.prefix})
    fields = {"name": FieldSpec.model_validate({"from": "given"}), "fax": FieldSpec.model_validate({"from": "phone"})}
    sync = replace(museum.sync, mapper=Mapper(foreign_id=ids, fields=fields, catalogue=museum.sync.catalogue))
    with museum.world() as world:
        run(sync, world, trigger=Trigger.COMMAND_LINE)
    assert feed.cursors == [None, None]
    assert all(customer["fax"] for customer in museum.sandbox.customers)


def test_other_options_of_the_source_make_its_cursors_useless(museum: Museum, feed: Feed) -> None:
    feed.options = SourceOptions(type="feed")
    museum.run()
    assert feed.cursors == [None, None]


def test_a_source_without_a_bound_on_changes_is_always_read_whole(museum: Museum, feed: Feed) -> None:
    feed.full_every = None
    museum.run()
    assert feed.cursors == [None, None]


# --- who is gone ---


def test_absence_from_changes_means_nothing(museum: Museum, feed: Feed) -> None:
    feed.vanish(3)
    for _ in range(3):
        wait(museum, 2)
        museum.run()
    assert feed.cursors == [None, "5", "5", "5"]
    assert "M-0003" in names(museum)


def test_whoever_vanished_untold_is_erased_by_whole_reads(museum: Museum, feed: Feed) -> None:
    feed.vanish(3)
    for _ in range(2):
        wait(museum, 7.1)
        museum.run()
    assert "M-0003" not in names(museum)


def test_whom_the_source_tells_to_be_deleted_is_erased_after_grace_by_reads_of_changes(
    museum: Museum, feed: Feed
) -> None:
    feed.delete(3)
    museum.run()
    museum.run()
    assert "M-0003" in names(museum)
    wait(museum, 1.1)
    museum.run()
    assert None not in feed.cursors[1:]
    assert "M-0003" not in names(museum)
    assert museum.sandbox.deleted[-1]["surname"] != "Muster3"


def test_a_record_without_an_id_keeps_nobody_who_is_told_to_be_deleted(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    feed.put(member(9, id=""))
    museum.run()
    wait(museum, 1.1)
    museum.run()
    assert "M-0003" not in names(museum)


def test_a_deletion_is_told_once_and_remembered_when_the_cursor_has_passed_it(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    museum.run()
    feed.put(member(6))
    museum.run()
    wait(museum, 1.1)
    museum.run()
    assert feed.cursors[-1] == "7"
    assert "M-0003" not in names(museum)


def test_a_deletion_that_was_told_is_remembered_by_a_whole_read(museum: Museum, feed: Feed) -> None:
    """Which tells it no more, and in which a record without an id would keep anybody else."""
    feed.delete(3)
    museum.run()
    feed.deleted.clear()
    feed.put(member(9, id=""))
    wait(museum, 7.1)
    museum.run()
    assert feed.cursors[-1] is None
    assert "M-0003" not in names(museum)


def test_an_erasure_that_was_refused_stays_listed_though_the_deletion_is_told_again(museum: Museum, feed: Feed) -> None:
    museum.sandbox.switches = Switches(address="nested")
    museum.sandbox.add_address(museum.sandbox.by_foreign_id("M-0003")[0].id, city="Köln")
    feed.delete(3)
    museum.run()
    wait(museum, 1.1)
    for _ in range(2):
        museum.run()
        assert museum.listed().keys() == {"M-0003"}


def test_a_refused_change_of_who_is_told_to_be_deleted_is_no_failure_any_more(museum: Museum, feed: Feed) -> None:
    feed.put(member(3, family=""))
    museum.run()
    feed.delete(3)
    museum.run()
    assert museum.listed() == {}


def test_back_within_grace_and_nothing_happened(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    museum.run()
    feed.put(member(3))
    museum.run()
    wait(museum, 2)
    museum.run()
    assert "M-0003" in names(museum)
    assert museum.writes() == []


def test_back_after_the_deletion_is_a_new_customer(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    museum.run()
    wait(museum, 1.1)
    museum.run()
    feed.put(member(3))
    museum.run()
    assert "M-0003" in names(museum)


def test_told_deletions_of_the_unknown_are_nothing(museum: Museum, feed: Feed) -> None:
    feed.put(member(9))
    feed.delete(9)
    assert museum.run().status is Status.DONE
    assert museum.calls() == []


def test_too_many_told_deletions_are_held(museum: Museum, feed: Feed) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    feed.delete(1)
    feed.delete(2)
    museum.run()
    wait(museum, 1.1)
    assert museum.run().status is Status.HELD
    assert names(museum) == {f"M-000{number}" for number in range(1, 6)}


def test_after_approval_the_held_deletions_go_through(museum: Museum, feed: Feed) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    feed.vanish(1)
    feed.vanish(2)
    wait(museum, 7.1)
    museum.run()
    wait(museum, 7.1)
    assert museum.run().status is Status.HELD
    assert museum.approve()
    assert museum.run().status is Status.DONE
    assert names(museum) == {"M-0003", "M-0004", "M-0005"}


# --- when the watermark stays ---


def test_what_failed_is_read_again(museum: Museum, feed: Feed) -> None:
    feed.put(member(2, phone="+493023125999"))
    museum.run(lambda request, _n: Fault.UNAVAILABLE if request.method == "PUT" else None)
    museum.run()
    assert feed.cursors[-1] == "5"
    assert museum.sandbox.by_foreign_id("M-0002")[0]["tel"] == "+493023125999"
    museum.run()
    assert feed.cursors[-1] == "6"


def test_a_crash_between_settling_and_the_cursor_reads_again_and_sends_nothing_twice(
    museum: Museum, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise Killed

    feed.put(member(6))
    monkeypatch.setattr(Runs, "move_watermark", crash)
    with pytest.raises(Killed):
        museum.run()
    monkeypatch.undo()
    museum.run()
    assert feed.cursors[-1] == "5"
    assert museum.calls() == []
    assert len(museum.sandbox.by_foreign_id("M-0006")) == 1


def test_held_updates_are_read_again_until_they_are_approved(museum: Museum, feed: Feed) -> None:
    museum.limits = replace(DEFAULT_LIMITS, update_percent=0)
    for number in range(10, 40):
        feed.put(member(number))
    museum.run()
    for number in range(10, 40):
        feed.put(member(number, notes="anders"))
    assert museum.run().status is Status.HELD
    cursor = feed.cursors[-1]
    assert museum.run().status is Status.HELD
    assert feed.cursors[-1] == cursor


def test_refused_is_settled_until_the_pause_is_over(museum: Museum, feed: Feed) -> None:
    feed.put(member(6, family=""))
    assert museum.run().status is Status.PROBLEMS
    assert museum.run().status is Status.PROBLEMS
    assert feed.cursors[-1] == "6"
    wait(museum, 1.1 / 24)
    museum.run()
    assert feed.cursors[-1] is None


def test_who_is_no_longer_in_the_source_is_no_failure_any_more(museum: Museum, feed: Feed) -> None:
    feed.put(member(6, family=""))
    feed.put(member(2, mail="ada1@example.org", family=""))
    museum.run()
    feed.vanish(6)
    feed.vanish(2)
    wait(museum, 1)
    museum.run()
    assert museum.store.failures.refused("members") == []


def test_a_state_restored_from_a_backup_hears_of_deletions_again(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    museum.run()
    museum.store.forget_absence("members")
    museum.run()
    assert feed.cursors[-1] is None
    wait(museum, 1.1)
    museum.run()
    assert "M-0003" not in names(museum)


def test_the_watermark_stays_while_an_erasure_rests_of_somebody_who_is_back(museum: Museum, feed: Feed) -> None:
    museum.sandbox.switches = Switches(address="nested")
    feed.delete(3)
    museum.run()
    wait(museum, 1.1)
    museum.run(lambda request, _n: Fault.UNAVAILABLE if request.method == "DELETE" else None)
    [anonymized] = museum.sandbox.by_foreign_id("M-0003")
    museum.sandbox.add_address(anonymized.id, city="Köln")
    feed.put(member(3))
    museum.run()
    museum.run()
    assert feed.cursors[-1] == feed.cursors[-2]
    museum.holds_addresses = False
    wait(museum, 1.1 / 24)
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0003")[0]["surname"] == "Muster3"


def test_the_watermark_stays_while_somebody_who_is_back_waits_for_a_lost_call(museum: Museum, feed: Feed) -> None:
    feed.delete(3)
    museum.run()
    wait(museum, 1.1)
    museum.run(lambda request, _n: Fault.UNAVAILABLE if request.method == "PUT" else None)
    feed.put(member(3, phone="+493023125999"))
    museum.run()
    museum.run()
    assert feed.cursors[-1] == feed.cursors[-2]
    wait(museum, 1 / 24)
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0003")[0]["tel"] == "+493023125999"


def test_the_watermark_stays_after_a_broken_read_that_is_applied(museum: Museum, feed: Feed) -> None:
    museum.run()
    broken(museum, feed, "apply")
    feed.breaks_after = None
    before = feed.cursors[-1]
    museum.run()
    assert feed.cursors[-1] == before


# --- several records of one customer ---


def test_of_several_changes_of_one_customer_the_last_counts(museum: Museum, feed: Feed) -> None:
    feed.put(member(2, mail="not an address"))
    feed.told_twice = [(member(2, phone="+493023125999"), False)]
    assert museum.run().status is Status.DONE
    assert museum.sandbox.by_foreign_id("M-0002")[0]["tel"] == "+493023125999"


def test_changed_and_deleted_in_one_read_is_decided_by_a_whole_one(museum: Museum, feed: Feed) -> None:
    feed.put(member(2, phone="+493023125999"))
    feed.told_twice = [({"id": "0002"}, True)]
    for _ in range(2):
        museum.run()
        wait(museum, 1.1)
    assert feed.cursors == [None, "5", "5"]
    assert "M-0002" in names(museum)


@pytest.mark.parametrize("order", [1, -1])
def test_in_a_whole_read_whoever_stands_there_is_not_gone(tmp_path: Path, order: int) -> None:
    feed = Feed()
    museum = Museum(state_url=sqlite_url(tmp_path), shelf=feed)
    feed.told_twice = [(member(1), False), ({"id": "0001"}, True)][::order]
    museum.run()
    museum.run()
    assert names(museum) == {"M-0001"}
    museum.close()


def test_a_record_on_two_pages_of_a_shifting_list_ends_the_read(museum: Museum, feed: Feed) -> None:
    feed.shifts, feed.page_size = True, 3
    feed.told_twice = [(feed.rows[0], False)]
    feed.vanish(5)
    wait(museum, WEEK)
    summary = museum.run()
    assert summary.status is Status.FAILED
    assert summary.error
    assert "feed page 1 record 1" in summary.error
    assert present(museum) == {f"M-000{number}" for number in range(1, 6)}


def test_two_records_of_one_id_on_a_shifting_list_stop_only_themselves_and_hide_who_may_be_lost(
    museum: Museum, feed: Feed
) -> None:
    feed.shifts, feed.page_size = True, 3
    feed.told_twice = [(dict(feed.rows[0], notes="anders"), False)]
    feed.vanish(5)
    feed.put(member(6))
    for _ in range(3):
        wait(museum, 8)
        assert museum.run().status is Status.PROBLEMS
    assert {"M-0005", "M-0006"} <= names(museum)


@pytest.mark.parametrize("phone", ["+493023125006", "+493023125999"])
def test_a_shift_among_changes_keeps_the_watermark(museum: Museum, feed: Feed, phone: str) -> None:
    feed.shifts, feed.page_size = True, 1
    feed.put(member(6))
    feed.told_twice = [(member(6, phone=phone), False)]
    assert museum.run().status is Status.DONE
    museum.run()
    assert feed.cursors == [None, "5", "5"]


# --- what is listed ---


def invalid(museum: Museum) -> set[str | None]:
    return {row.foreign_id for row in museum.store.failures.invalid("members")}


def test_an_invalid_record_stays_listed_when_the_cursor_has_passed_it(museum: Museum, feed: Feed) -> None:
    feed.put(member(2, mail="not an address"))
    museum.run()
    feed.put(member(3, mail="not an address"))
    assert museum.run().status is Status.PROBLEMS
    feed.put(member(6))
    assert museum.run().status is Status.PROBLEMS
    assert invalid(museum) == {"M-0002", "M-0003"}
    feed.put(member(2))
    museum.run()
    assert invalid(museum) == {"M-0003"}


def test_a_record_without_an_id_is_listed_once_however_often_it_comes(museum: Museum, feed: Feed) -> None:
    feed.told_twice = [(member(0, id=""), False)]
    for _ in range(3):
        assert museum.run().status is Status.PROBLEMS
    assert len(museum.store.failures.invalid("members")) == 1


def test_whoever_was_erased_on_request_is_listed_once_and_without_an_id(museum: Museum, feed: Feed) -> None:
    museum.erase("M-0005")
    for _ in range(3):
        museum.run()
    assert [row.foreign_id for row in museum.store.failures.invalid("members")] == [None]


# --- a read that broke off ---


def broken(museum: Museum, feed: Feed, on_incomplete: str) -> Summary:
    feed.options = SourceOptions(type="feed", on_incomplete=on_incomplete)  # type: ignore[arg-type]
    feed.put(member(6))
    feed.rows.insert(0, feed.rows.pop())
    feed.vanish(5)
    feed.delete(4)
    feed.breaks_after = 3
    return museum.run()


def test_by_default_nothing_of_a_broken_read_is_carried_out(museum: Museum, feed: Feed) -> None:
    assert broken(museum, feed, "stop").status is Status.FAILED
    assert museum.calls() == []


def test_where_it_is_wanted_what_was_read_is_carried_out_and_the_run_has_failed_all_the_same(
    museum: Museum, feed: Feed
) -> None:
    summary = broken(museum, feed, "apply")
    assert (summary.status, summary.error, summary.remedy) == (
        Status.FAILED,
        "feed record 3: the read broke off",
        "read it again",
    )
    assert "M-0006" in names(museum)


def test_a_broken_read_that_is_applied_deletes_nobody_and_leaves_the_watermark(museum: Museum, feed: Feed) -> None:
    broken(museum, feed, "apply")
    wait(museum, 30)
    museum.run()
    assert {"M-0004", "M-0005"} <= names(museum)
    assert present(museum) == {f"M-000{number}" for number in range(1, 7)}
    assert feed.cursors[-1] is None
