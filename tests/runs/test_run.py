"""Whole runs: source to go~mus and back to the journal, on a real state database and the sandbox over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, FIELDS_MAPPED, Museum, member

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status, Trigger
from syncd.errors import LeaseTaken, StateUnusable
from syncd.mapping.mapper import Mapper
from syncd.runs.run import run
from syncd.sandbox.customers import Complaint
from syncd.sandbox.switches import Switches
from syncd.state.connect import engine_path
from syncd.state.lease import take_lease

SETTLE = 600.0  # seconds
LOST = [Fault.READ_TIMEOUT, Fault.READ_ERROR, Fault.DISCONNECTED, Fault.SERVER_ERROR_AFTER, Fault.GATEWAY_TIMEOUT]

# Read, anonymized, read back; looked at once more, deleted; and neither the foreign_id nor the number shows it any more
STEPS = 34  # so many calls and waits there are at least in the run that is stopped
ERASURE = [f"{method} /customers/:id" for method in "GET PUT GET GET DELETE GET GET".split()]


# --- the main job ---


def test_a_thousand_records_are_ten_posts_after_one_that_is_read_back(museum: Museum) -> None:
    museum.fill(1001)
    assert museum.run().status is Status.DONE
    assert [len(write.customers) for write in museum.writes()] == [1, *[100] * 10]
    assert len(museum.sandbox.customers) == 1001


def test_an_empty_instance_need_not_be_probed(here: Museum) -> None:
    here.fill(251)
    here.run(probe=False)
    assert here.calls() == ["POST /customers", "GET /customers/:id", *["POST /customers"] * 3]


def test_an_id_without_capital_letters_is_looked_for_once(here: Museum) -> None:
    here.prefix = "m-"
    here.fill(1)
    here.run()
    here.fill(2)
    here.run()
    assert here.calls() == ["GET /customers/:id", "POST /customers"]


def test_what_verify_can_not_mend_is_no_success(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.change_remotely(1, tel="+49 30 9")
    here.sandbox.merge(*(here.sandbox.by_foreign_id(f"M-000{number}")[0].id for number in (2, 3)))
    assert here.verify(fix=True).summary.status is Status.PROBLEMS
    here.remove(2)
    here.change_remotely(1, tel="+49 30 9")
    assert here.verify(fix=True).summary.status is Status.DONE


def test_an_unchanged_run_makes_no_call(museum: Museum) -> None:
    museum.fill(50)
    museum.run()
    assert museum.run().status is Status.DONE
    assert museum.calls() == []


def test_an_unchanged_record_is_not_even_mapped(here: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    here.fill(3)
    here.run()
    monkeypatch.setattr(Mapper, "customer", lambda *_: pytest.fail("it is mapped again"))
    assert here.run().status is Status.DONE


def test_a_changed_field_is_sent_alone(museum: Museum) -> None:
    museum.fill(5)
    museum.run()
    museum.row(3)["phone"] = "+493023125999"
    museum.run()
    (write,) = museum.writes()
    assert write.customers == [{"tel": "+493023125999"}]


def test_many_updates_are_one_put(here: Museum) -> None:
    here.fill(30)
    here.run()
    for row in here.rows[:15]:
        row["phone"] = None
    here.run()
    assert here.calls() == ["PUT /customers"]
    assert here.sandbox.by_foreign_id("M-0001")[0]["tel"] is None


def test_a_removed_customer_is_read_anonymized_read_back_and_deleted(museum: Museum) -> None:
    museum.fill(3)
    museum.run()
    museum.remove(2)
    assert museum.run().status is Status.DONE
    assert museum.calls() == ERASURE


def test_what_was_deleted_held_no_personal_value(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.sandbox.add_order(here.sandbox.by_foreign_id("M-0002")[0].id)
    before = {str(value) for value in here.row(2).values()} - {"0002"}
    here.remove(2)
    here.run()
    (deleted,) = here.sandbox.deleted
    assert before.isdisjoint(str(value) for value in deleted.fields.values())
    assert str(deleted["email"]).endswith(".invalid")


def test_a_customer_that_go_mus_has_already_is_adopted(museum: Museum) -> None:
    museum.sandbox.add_customer(foreign_id="M-0001", name="Ada1", surname="Muster1", tel="+49301")
    museum.fill(2)
    museum.run()
    assert museum.sandbox.duplicates() == []
    assert [write.customers[0].keys() for write in museum.writes() if write.method == "PUT"] == [
        {"email", "tel", "notes", "date_of_birth"}
    ]
    museum.run()
    assert museum.calls() == []


def test_an_adopted_customer_that_agrees_costs_no_write(here: Museum) -> None:
    here.fill(20)
    here.run()
    fresh = Museum(state_url=here.state_url.replace("state.db", "lost.db"), shelf=here.shelf)
    fresh.sandbox = here.sandbox
    fresh.transport = here.transport
    fresh.run()
    assert fresh.writes() == []
    assert fresh.store.known.count("members") == 20
    fresh.close()


# --- absence ---


def test_within_grace_nobody_is_deleted_and_back_in_time_nothing_happened(here: Museum) -> None:
    here.grace = timedelta(days=7)
    here.fill(3)
    here.run()
    row = here.row(2)
    here.remove(2)
    here.run()
    here.clock.sleep(6 * 86400)
    here.rows.append(row)
    here.run()
    here.remove(2)
    here.run()
    here.clock.sleep(6 * 86400)
    here.run()
    assert here.calls() == []
    here.clock.sleep(86400)
    here.run()
    assert "DELETE /customers/:id" in here.calls()


def test_a_read_that_broke_off_deletes_nobody(museum: Museum) -> None:
    museum.fill(10)
    museum.run()
    museum.shelf.breaks_after = 5
    summary = museum.run()
    assert (summary.status, museum.calls()) == (Status.FAILED, [])
    museum.shelf.breaks_after = None
    assert museum.run().status is Status.DONE
    assert len(museum.sandbox.customers) == 10


def test_an_invalid_record_is_present(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.row(2)["mail"] = "not an address"
    assert here.run().status is Status.PROBLEMS
    assert here.calls() == []


def test_identical_rows_are_one_customer_and_differing_ones_none(here: Museum) -> None:
    here.fill(4)
    here.rows.extend([dict(here.row(2)), dict(here.row(3), phone="+493023125444")])
    summary = here.run()
    assert (summary.status, summary.counts["duplicates"]) == (Status.PROBLEMS, 1)
    assert {customer.foreign_id for customer in here.sandbox.customers} == {"M-0001", "M-0002", "M-0004"}
    assert [(row.foreign_id, row.position) for row in here.store.failures.invalid("members")] == [
        ("M-0003", "shelf line 4"),
        ("M-0003", "shelf line 7"),
    ]


def test_a_contradiction_far_away_is_noticed_and_the_customer_stays(here: Museum) -> None:
    here.fill(2500)
    here.run(probe=False)
    here.rows.append(dict(here.row(1), phone="+493023125444"))
    here.run()
    assert here.calls() == []
    assert len(here.store.failures.invalid("members")) == 2


def test_a_record_that_lost_its_id_keeps_its_customer_and_only_it(here: Museum) -> None:
    here.fill(5)
    here.run()
    here.row(2)["id"] = ""
    here.run()
    assert here.writes() == []
    here.remove(4)  # might be the nameless one now, for all we know: but it was seen beside it
    here.run()
    assert [customer.foreign_id for customer in here.sandbox.deleted] == ["M-0004"]


def test_a_record_without_an_id_is_listed_with_all_that_is_wrong_with_it(here: Museum) -> None:
    here.rows.append(member(1, id="", mail="not an address"))
    here.run()
    [row] = here.store.failures.invalid("members")
    assert {problem.field for problem in row.problems} == {"foreign_id", "email"}


def test_a_record_without_an_id_that_is_gone_hides_nobody_any_more(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.row(2)["id"] = ""
    here.run()
    here.rows[:] = [row for row in here.rows if row["id"]]
    here.run()
    assert [customer.foreign_id for customer in here.sandbox.deleted] == ["M-0002"]


@pytest.mark.parametrize("before", [1, 2, 3])
def test_one_more_record_without_an_id_may_be_who_is_absent_though_it_is_like_the_others(
    here: Museum, before: int
) -> None:
    here.fill(3)
    here.rows.extend(member(9, id="") for _ in range(before))
    here.run()
    here.remove(2)
    here.rows.append(member(9, id=""))
    here.run()
    assert here.sandbox.deleted == []


def test_a_customer_that_comes_back_after_deletion_is_created_anew(here: Museum) -> None:
    here.fill(3)
    here.run()
    row = here.row(2)
    here.remove(2)
    here.run()
    here.rows.append(row)
    here.run()
    assert [customer["surname"] for customer in here.sandbox.by_foreign_id("M-0002")] == ["Muster2"]


# --- guards ---


def test_too_many_deletions_are_held_and_the_rest_goes_through(museum: Museum) -> None:
    museum.fill(100)
    museum.run()
    museum.remove(*range(1, 31))
    museum.rows.append(member(200))
    summary = museum.run()
    assert summary.status is Status.HELD
    assert [write.method for write in museum.writes()] == ["POST"]
    assert summary.held[0].reason.startswith("30 of 100 known customers")


def test_ids_that_changed_shape_hold_the_whole_run(museum: Museum) -> None:
    museum.fill(100)
    museum.run()
    for row in museum.rows:
        row["id"] = str(row["id"]).lstrip("0")
    assert museum.run().status is Status.HELD
    assert museum.calls() == []
    museum.fill(100)
    museum.run()
    assert museum.calls() == []


def test_an_approval_releases_what_was_held_and_nothing_beyond(museum: Museum) -> None:
    museum.fill(100)
    museum.run()
    museum.remove(*range(1, 31))
    museum.run()
    museum.approve()
    museum.remove(*range(50, 60))
    summary = museum.run()
    assert (summary.status, len(museum.sandbox.customers)) == (Status.HELD, 70)
    assert "10 of 100 known customers" in summary.held[0].reason
    museum.approve()
    assert museum.run().status is Status.DONE
    assert len(museum.sandbox.customers) == 60


# --- failure ---


@pytest.mark.parametrize("fault", LOST)
def test_a_create_whose_answer_is_lost_makes_no_duplicate(here: Museum, fault: Fault) -> None:
    here.sandbox.switches = Switches(foreign_ids="repeatable")
    here.fill(3)
    summary = here.run([None, None, None, fault])
    assert (summary.status, here.sandbox.duplicates()) == (Status.DONE, [])
    assert [len(write.customers) for write in here.writes()] == [1, 2]
    here.run()
    assert here.calls() == []


@pytest.mark.parametrize("fault", [Fault.NO_CONNECTION, Fault.THROTTLED])
def test_a_create_that_did_not_arrive_is_sent_again(here: Museum, fault: Fault) -> None:
    here.fill(3)
    assert here.run([None, None, None, fault]).status is Status.DONE
    assert len(here.sandbox.customers) == 3


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.SERVER_ERROR])
def test_a_create_that_is_not_there_after_an_error_is_sent_again_once_its_time_is_over(
    here: Museum, fault: Fault
) -> None:
    here.fill(3)
    summary = here.run([None, None, None, None, fault])
    assert (summary.status, summary.counts["unclear"], len(here.sandbox.customers)) == (Status.PROBLEMS, 1, 2)
    here.clock.sleep(SETTLE - 60)
    assert (here.run().status, here.writes()) == (Status.PROBLEMS, [])
    here.clock.sleep(60)
    assert (here.run().status, len(here.sandbox.customers)) == (Status.DONE, 3)


def at_moment(number: int) -> Callable[[], bool]:
    """A signal at the n-th call or wait of a run, counted from 0."""
    moments = count()
    return lambda: next(moments) >= number


def test_when_it_is_asked_to_stop_a_lost_create_is_left_to_the_next_run(here: Museum) -> None:
    here.sandbox.switches = Switches(foreign_ids="repeatable")
    here.transport._late_by = 1000
    here.fill(1)
    assert here.run([None, None, Fault.LATE], stops=at_moment(4)).status is Status.STOPPED
    assert here.store.journal.open_intents("members")
    here.transport.flush()
    here.run()
    assert len(here.sandbox.customers) == 1


def test_when_it_is_asked_to_stop_what_go_mus_has_accepted_for_later_is_not_set_aside(here: Museum) -> None:
    here.sandbox.switches = Switches(foreign_ids="repeatable", writes="accepted", accepted_for=1000)
    here.fill(1)
    assert here.run(stops=at_moment(3)).status is Status.STOPPED
    assert (here.store.failures.refused("members"), len(here.store.journal.open_intents("members"))) == ([], 1)
    here.sandbox.apply_accepted()
    here.run()
    assert (len(here.sandbox.customers), here.sandbox.duplicates()) == (1, [])


def test_a_stop_while_open_intents_are_settled_proves_nothing(here: Museum) -> None:
    here.transport._late_by = 1000
    here.fill(1)
    here.run([None, None, Fault.LATE], stops=at_moment(4))
    (before,) = here.store.journal.open_intents("members")
    assert here.run(stops=at_moment(0)).status is Status.STOPPED
    assert here.store.journal.open_intents("members") == [before]
    assert here.calls() == ["GET /customers/:id"]


def test_nothing_is_written_once_the_lease_is_lost(here: Museum) -> None:
    here.concurrency = 1
    here.fill(30)
    lock = Path(f"{engine_path(here.engine)}.{here.name}.lock")

    def remove(request: httpx.Request, _number: int) -> None:
        if request.method == "POST":
            lock.unlink(missing_ok=True)

    summary = here.run(remove)
    assert summary.status is Status.FAILED
    assert "was removed while it was in use" in str(summary.error)
    assert len(here.writes()) == 1


@pytest.mark.in_part(3)
@pytest.mark.parametrize("number", range(0, STEPS + 8, 2))
def test_stopped_at_any_moment_the_next_run_does_the_rest(here: Museum, number: int) -> None:
    here.limits, here.batch_size, here.concurrency = replace(DEFAULT_LIMITS, delete_percent=100), 4, 1
    here.sandbox.switches = Switches(foreign_ids="repeatable", bad_entry="partial-422")
    here.fill(9)
    here.run()
    here.remove(1, 2)
    here.rows.extend(member(number) for number in range(10, 17))
    here.row(4)["family"] = here.row(12)["family"] = ""
    here.row(5)["phone"] = here.row(6)["phone"] = "+493023125999"
    is_stopped = here.run(stops=at_moment(number)).status is Status.STOPPED
    assert is_stopped or number >= STEPS
    here.clock.sleep(SETTLE)
    here.run()
    here.row(4)["family"] = here.row(12)["family"] = "Muster"
    here.run()
    assert here.run().status is Status.DONE
    assert (len(here.sandbox.customers), here.sandbox.duplicates(), here.calls()) == (14, [], [])


def test_a_late_create_is_found_and_not_repeated(here: Museum) -> None:
    here.sandbox.switches = Switches(foreign_ids="repeatable")
    here.fill(1)
    assert here.run([None, Fault.LATE]).status is Status.DONE
    assert len(here.sandbox.customers) == 1


def test_one_bad_record_stops_only_itself(here: Museum) -> None:
    here.fill(20)
    here.row(7)["family"] = ""
    assert here.run().status is Status.PROBLEMS
    assert len(here.sandbox.customers) == 19
    (refused,) = here.store.failures.refused("members")
    assert refused.foreign_id == "M-0007"


def test_a_refusal_is_listed_with_its_reason(here: Museum) -> None:
    here.fill(2)
    here.row(2)["family"] = ""
    here.run()
    assert "can't be blank" in here.listed()["M-0002"]


def test_a_record_that_the_server_stumbles_over_does_not_stop_its_batch_mates(here: Museum) -> None:
    here.fill(16)

    def stumble(request: httpx.Request, _number: int) -> Fault | None:
        is_touched = request.method == "POST" and b"M-0007" in request.content
        return Fault.SERVER_ERROR if is_touched else None

    here.run(stumble)
    here.clock.sleep(SETTLE)
    here.run(stumble)
    assert len(here.sandbox.customers) == 15
    here.clock.sleep(SETTLE)
    assert here.run().status is Status.DONE
    assert (len(here.sandbox.customers), here.sandbox.duplicates()) == (16, [])


def test_culprits_that_the_errors_name_are_found_without_halving(here: Museum) -> None:
    here.sandbox.switches = Switches(errors_name="foreign_id")
    here.fill(64)
    for number in (7, 40):
        here.row(number)["family"] = ""
    here.run()
    assert sorted(len(write.customers) for write in here.writes()) == [1, 1, 1, 61, 63]
    assert len(here.sandbox.customers) == 62


def test_a_refused_record_is_tried_again_when_it_changes_or_when_its_pause_is_over(here: Museum) -> None:
    here.fill(2)
    here.row(1)["family"] = ""
    here.run()
    assert here.run().status is Status.PROBLEMS
    assert here.calls() == []
    here.clock.sleep(3600)
    here.run()
    assert "POST /customers" in here.calls()
    here.row(1)["family"] = "Muster1"
    assert here.run().status is Status.DONE


def test_who_is_refused_again_and_again_rests_longer_each_time(here: Museum) -> None:
    here.fill(2)
    here.row(1)["family"] = ""
    rests = []
    for _ in range(4):
        here.run()
        [refused] = here.store.failures.refused("members")
        rests.append((refused.tries, round((refused.next_try_at - here.clock.now).total_seconds() / 3600)))
        here.clock.now = refused.next_try_at
    assert rests == [(1, 1), (2, 6), (3, 24), (4, 24)]
    assert here.clock.now - refused.since > timedelta(hours=50)


def test_a_refused_record_that_is_put_back_or_taken_out_is_no_failure_any_more(here: Museum) -> None:
    here.fill(2)
    here.run()
    here.row(1)["family"] = ""
    here.rows.append(member(3, family=""))
    here.run()
    assert {row.foreign_id for row in here.store.failures.refused("members")} == {"M-0001", "M-0003"}
    here.row(1)["family"] = "Muster1"
    here.remove(3)
    assert here.run().status is Status.DONE
    assert (here.store.failures.refused("members"), here.calls()) == ([], [])


def test_a_refused_token_stops_the_run_at_once(here: Museum) -> None:
    here.fill(500)
    here.sandbox.tokens = {"another"}
    assert here.run().status is Status.FAILED
    assert len(here.calls()) <= here.concurrency


def test_an_outage_ends_the_run_with_what_was_done_recorded(here: Museum) -> None:
    here.batch_size = 10
    here.fill(100)
    summary = here.run(lambda _request, number: Fault.NO_CONNECTION if number > 35 else None)
    assert summary.status is Status.FAILED
    before = len(here.sandbox.customers)
    assert here.store.known.count("members") == before
    assert here.run().status is Status.DONE
    assert len(here.sandbox.customers) == 100
    assert len([call for call in here.calls() if call.startswith("POST")]) <= 10


def test_a_smaller_cap_is_learned_and_kept(here: Museum) -> None:
    here.sandbox.switches = Switches(batch_cap=30)
    here.fill(200)
    assert here.run().status is Status.DONE
    here.rows.extend(member(number) for number in range(300, 400))
    here.run()
    assert [call.status for call in here.writes()] == [201] * 4


def test_a_smaller_cap_is_learned_from_updates_too(here: Museum) -> None:
    here.limits, here.batch_size = replace(DEFAULT_LIMITS, update_percent=100), 1
    here.fill(100)
    here.run()
    here.sandbox.switches, here.batch_size = Switches(batch_cap=30), 100
    for notes in ("one", "other"):
        for row in here.rows:
            row["notes"] = notes
        assert here.run().status is Status.DONE
    assert {call.status for call in here.writes()} == {200}


def test_a_smaller_cap_is_kept_though_the_run_that_met_it_failed(here: Museum) -> None:
    def revoked(_request: httpx.Request, _number: int) -> None:
        if len(here.sandbox.customers) > 250:
            here.sandbox.tokens = set()

    here.sandbox.switches = Switches(batch_cap=30)
    here.fill(400)
    tokens = here.sandbox.tokens
    assert here.run(revoked, probe=False).status is Status.FAILED
    here.sandbox.tokens = tokens
    here.run()
    assert {call.status for call in here.writes()} == {201}


def test_a_run_that_is_stopped_does_not_tidy_up_first(here: Museum) -> None:
    here.fill(3)
    assert here.run(stops=at_moment(1)).status is Status.STOPPED
    assert here.store.meta("tidied members") is None
    here.run()
    assert here.store.meta("tidied members")


def test_a_delete_that_is_refused_leaves_the_anonymized_customer(here: Museum) -> None:
    here.sandbox.switches = Switches(delete_with_orders="refused-422")
    here.fill(3)
    here.run()
    kept = here.sandbox.by_foreign_id("M-0002")[0].id
    here.sandbox.add_order(kept)
    here.remove(2)
    assert here.run().status is Status.DONE
    (customer,) = [one for one in here.sandbox.customers if one.id == kept]
    assert (customer["surname"], customer["tel"], customer.foreign_id) == ("anonymisiert", None, None)
    here.run()
    assert here.calls() == []


def test_mode_anonymize_keeps_the_customer_without_name_and_id(here: Museum) -> None:
    here.mode = DeleteMode.ANONYMIZE
    here.fill(2)
    here.run()
    kept = here.sandbox.by_foreign_id("M-0002")[0].id
    row = here.row(2)
    here.remove(2)
    here.run()
    (customer,) = [one for one in here.sandbox.customers if one.id == kept]
    assert (customer["surname"], customer["tel"], customer.foreign_id) == ("anonymisiert", None, None)
    assert (here.run().status, here.calls()) == (Status.DONE, [])
    here.rows.append(row)
    here.run()
    assert here.sandbox.by_foreign_id("M-0002")[0].id != kept


def test_mode_ignore_leaves_the_absent_alone(here: Museum) -> None:
    here.mode = DeleteMode.IGNORE
    here.fill(2)
    here.run()
    here.remove(2)
    assert (here.run().status, here.calls(), len(here.sandbox.customers)) == (Status.DONE, [], 2)


def test_an_anonymization_that_is_refused_rests_and_the_customer_may_come_back(here: Museum) -> None:
    here.fill(3)
    here.run()
    row = here.row(2)
    here.remove(2)
    here.sandbox.objects = lambda _fields: [Complaint(field="surname", text="is locked")]
    assert here.run().status is Status.PROBLEMS
    assert (here.run().status, here.calls()) == (Status.PROBLEMS, [])
    here.sandbox.objects = lambda _fields: []
    here.rows.append(dict(row, phone="+493023125777"))
    assert here.run().status is Status.DONE
    assert [write.customers for write in here.writes()] == [[{"tel": "+493023125777"}]]


@pytest.mark.parametrize("is_held", [True, False])
def test_a_customer_with_further_addresses_is_held_or_told_of_as_configured(here: Museum, is_held: bool) -> None:
    here.sandbox.switches, here.holds_addresses = Switches(address="nested"), is_held
    here.fill(2)
    here.run()
    here.sandbox.add_address(here.sandbox.by_foreign_id("M-0002")[0].id, city="Köln")
    before = here.sandbox.by_foreign_id("M-0002")
    here.remove(2)
    here.run()
    errors = [line.error for line in here.store.journal.of_customer("members", "M-0002") if line.action == "anonymize"]
    assert errors[0] is not None
    assert "has 2 addresses" in errors[0]
    assert here.sandbox.by_foreign_id("M-0002") == (before if is_held else [])
    assert ("M-0002" in here.listed()) is is_held


def test_on_request_a_customer_with_further_addresses_is_erased_and_told_of(here: Museum) -> None:
    here.sandbox.switches = Switches(address="nested")
    here.fill(2)
    here.run()
    here.sandbox.add_address(here.sandbox.by_foreign_id("M-0002")[0].id, city="Köln")
    assert here.erase("M-0002").status is Status.DONE
    assert [customer["surname"] for customer in here.sandbox.deleted] == ["anonymisiert"]


@pytest.mark.parametrize("cleared_by", ["null", "empty"])
def test_fields_are_emptied_whichever_way_the_server_knows(here: Museum, cleared_by: str) -> None:
    here.sandbox.switches = replace(Switches(), cleared_by=cleared_by)  # type: ignore[arg-type]
    here.fill(10)
    here.run()
    for number in (2, 3, 4):
        here.row(number)["phone"] = ""
    assert here.run().status is Status.DONE
    assert {here.sandbox.by_foreign_id(f"M-000{n}")[0]["tel"] for n in (2, 3, 4)} <= {None, ""}
    here.remove(5)
    assert here.run().status is Status.DONE
    assert not {here.sandbox.deleted[0][name] for name in ("tel", "notes")} - {None, ""}
    assert here.sandbox.deleted[0]["date_of_birth"] == (None if cleared_by == "null" else "1900-01-01")
    told = [line.error for line in here.store.journal.of_customer("members", "M-0005") if line.action == "anonymize"]
    assert told == [None if cleared_by == "null" else "go~mus takes no empty date_of_birth: a placeholder stands there"]


def test_a_customer_that_somebody_deleted_is_reported_or_recreated(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.sandbox.remove(here.sandbox.by_foreign_id("M-0002")[0])
    here.row(2)["phone"] = "+493023125777"
    assert here.run().status is Status.PROBLEMS
    here.recreate_vanished = True
    here.clock.sleep(3600)
    here.run()
    here.run()
    assert here.sandbox.by_foreign_id("M-0002")[0]["surname"] == "Muster2"


def test_two_runs_of_one_sync_exclude_each_other(museum: Museum) -> None:
    with take_lease(museum.engine, "members"), museum.world() as world, pytest.raises(LeaseTaken):
        run(museum.sync, world, trigger=Trigger.COMMAND_LINE)


@pytest.mark.parametrize("fault", [Fault.READ_TIMEOUT, Fault.SERVER_ERROR, Fault.NO_CONNECTION])
@pytest.mark.parametrize("step", range(4))
def test_an_erasure_that_stumbles_at_any_step_comes_to_its_end(here: Museum, fault: Fault, step: int) -> None:
    here.fill(3)
    here.run()
    here.remove(2)
    here.run([None] * step + [fault])
    here.run()
    assert [customer["surname"] for customer in here.sandbox.deleted] == ["anonymisiert"]


# --- erasure on request ---


def test_an_erasure_on_request_is_done_at_once_and_never_taken_back(museum: Museum) -> None:
    museum.grace = timedelta(days=7)
    museum.fill(3)
    museum.run()
    assert museum.erase("M-0002").status is Status.DONE
    assert museum.calls() == ERASURE
    summary = museum.run()
    assert (summary.status, museum.calls()) == (Status.PROBLEMS, [])
    assert museum.sandbox.by_foreign_id("M-0002") == []


def test_of_who_was_erased_on_request_no_id_stays(here: Museum, tmp_path: Path) -> None:
    here.fill(3)
    here.row(2)["mail"] = "not an address"
    here.run()
    here.row(2)["mail"] = "ada2@example.org"
    here.run()
    here.erase("M-0002")
    here.run()
    here.engine.dispose()
    assert not [file.name for file in tmp_path.iterdir() if b"M-0002" in file.read_bytes()]


def test_who_is_not_in_go_mus_can_be_erased_too(here: Museum) -> None:
    here.erase("M-0002")
    here.fill(3)
    here.run()
    assert [customer.foreign_id for customer in here.sandbox.customers] == ["M-0001", "M-0003"]


@pytest.mark.parametrize("step", range(4))
def test_an_erasure_on_request_that_is_cut_off_is_finished_by_the_next_run(here: Museum, step: int) -> None:
    here.fill(3)
    here.run()
    with pytest.raises(Killed):
        here.erase("M-0002", [None] * step + [Fault.KILLED_AFTER])
    here.run()
    assert [customer["surname"] for customer in here.sandbox.deleted] == ["anonymisiert"]
    here.run()
    assert here.calls() == []


# --- a state that is not what it was ---


def test_a_restored_state_deletes_nobody_in_its_first_run(here: Museum) -> None:
    here.fill(5)
    here.run()
    backup = here.back_up()
    here.rows.append(member(6))
    here.run()
    here.restore(backup)
    here.remove(2)
    here.run()
    assert (here.writes(), here.sandbox.duplicates()) == ([], [])
    here.run()
    assert [customer.foreign_id for customer in here.sandbox.deleted] == ["M-0002"]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_record_that_the_server_stumbles_over_again_and_again_is_set_aside(museum: Museum, is_known: bool) -> None:
    museum.fill(5)
    if is_known:
        museum.run()
        museum.row(3)["phone"] = "+493023125999"

    def stumble(request: httpx.Request, _number: int) -> Fault | None:
        is_touched = request.method != "GET" and b"M-0003" in request.url.raw_path + request.content
        return Fault.SERVER_ERROR if is_touched else None

    for _ in range(1 if is_known else 5):
        assert museum.run(stumble).status is Status.PROBLEMS
        museum.clock.sleep(SETTLE)
    assert [row.foreign_id for row in museum.store.failures.refused("members")] == ["M-0003"]
    assert {customer.foreign_id for customer in museum.sandbox.customers} >= {"M-0001", "M-0002", "M-0004", "M-0005"}
    assert museum.run(stumble).status is Status.PROBLEMS
    assert museum.calls() == []
    museum.clock.sleep(3601)
    assert museum.run().status is Status.DONE


def test_a_state_of_another_instance_is_rebuilt_by_adoption(museum: Museum) -> None:
    museum.fill(5)
    museum.run()
    museum.address = "https://other.gomus.de"
    museum.remove(2)
    museum.run()
    assert museum.writes() == []
    assert museum.store.known.count("members") == 4


def test_a_comparison_with_another_instance_forgets_nobody(museum: Museum) -> None:
    museum.fill(3)
    museum.run()
    museum.address = "https://other.gomus.de"
    with pytest.raises(StateUnusable, match="of another instance"):
        museum.verify()
    assert museum.store.known.count("members") == 3


def test_what_was_learned_at_another_address_is_not_believed(museum: Museum) -> None:
    museum.fill(1)
    museum.run()
    instances, kind = museum.store.instances, ("main", "country", "de")
    instances.learn("main", {"unique": "yes"})
    instances.keep_lookup(*kind, [], museum.clock())
    museum.address = "https://other.gomus.de"
    museum.run()
    since = museum.clock() - timedelta(days=1)
    assert (instances.learned("main").get("unique"), instances.lookup(*kind, since=since)) == (None, None)


def test_a_customer_that_somebody_created_anew_is_found_under_its_foreign_id(here: Museum) -> None:
    here.fill(2)
    here.run()
    old = here.sandbox.by_foreign_id("M-0001")[0]
    here.sandbox.remove(old)
    here.sandbox.add_customer(foreign_id="M-0001", surname="Muster1")
    here.row(1)["phone"] = "+493023125777"
    here.run()
    here.run()
    assert [customer["tel"] for customer in here.sandbox.by_foreign_id("M-0001")] == ["+493023125777"]
    assert here.sandbox.duplicates() == []


def test_no_value_stays_in_memory_from_run_to_run(here: Museum) -> None:
    here.fill(2)
    sync = here.sync
    with here.world() as world:
        run(sync, world, trigger=Trigger.COMMAND_LINE)
    assert len(here.sandbox.customers) == 2
    assert [field._known for field in sync.mapper._fields] == [(None, {})] * len(FIELDS_MAPPED)


# --- drift ---


def test_what_was_changed_in_go_mus_by_hand_is_found_and_mended(museum: Museum) -> None:
    museum.fill(10)
    museum.run()
    museum.change_remotely(3, tel="+49301")
    found = museum.verify()
    assert [(drift.foreign_id, drift.fields) for drift in found.drifts] == [("M-0003", ("tel",))]
    assert (found.compared, museum.writes()) == (10, [])
    museum.verify(fix=True)
    (write,) = museum.writes()
    assert write.customers == [{"tel": museum.row(3)["phone"]}]
    assert museum.verify().drifts == ()


def test_a_change_in_the_source_that_is_still_due_is_no_drift(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.row(2)["phone"] = "+493023125888"
    assert here.verify().drifts == ()


def test_a_customer_that_is_gone_is_drift_too(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.sandbox.remove(here.sandbox.by_foreign_id("M-0002")[0])
    assert [(drift.foreign_id, drift.is_missing) for drift in here.verify().drifts] == [("M-0002", True)]


def test_a_sample_compares_as_many_as_asked_for(here: Museum) -> None:
    here.fill(30)
    here.run()
    assert here.verify(sample=7).compared == 7
    assert here.calls() == ["GET /customers/:id"] * 7


def test_the_audit_sees_everybody_in_time_and_mends_in_the_next_run(museum: Museum) -> None:
    museum.fill(10)
    museum.run()
    museum.change_remotely(9, tel="+49301")
    museum.audit_per_run, museum.fix_drift = 4, True
    runs = [museum.run() for _ in range(3)]
    assert [summary.counts["audited"] for summary in runs] == [4, 4, 4]
    assert sum(summary.counts.get("drifted", 0) for summary in runs) == 1
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0009")[0]["tel"] == museum.row(9)["phone"]


def test_without_leave_to_mend_the_audit_only_tells(here: Museum) -> None:
    here.fill(3)
    here.run()
    here.change_remotely(2, tel="+49301")
    here.audit_per_run = 3
    assert [here.run().counts.get("drifted") for _ in range(2)] == [1, 1]
    assert here.writes() == []
