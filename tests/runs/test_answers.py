"""What one answer leads to: what is sent again and after which wait, what is given up, what is learned."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from faults import Fault, Killed
from museum import Museum, member, sqlite_url
from werkzeug.wrappers import Response

from syncd.domain.changes import Cause
from syncd.domain.diff import DeleteMode
from syncd.domain.records import Stage
from syncd.domain.runs import Status
from syncd.sandbox.proxy import Hook, Passing, html, in_json
from syncd.sandbox.switches import Switches
from syncd.state.tombstones import Tombstone

SETTLE = 600.0  # seconds
A_WHILE = SETTLE + 100


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(4)
    museum.run()
    museum.clock.sleep(3600)
    yield museum
    museum.close()


def writes(museum: Museum, method: str) -> list[Mapping[str, object]]:
    return [one for call in museum.writes() if call.method == method for one in call.customers]


def moments(museum: Museum, method: str, answer: Hook) -> list[datetime]:
    """When such calls arrive, each of which is answered so."""
    seen: list[datetime] = []

    def hook(call: Passing) -> Response:
        if call.method != method:
            return call.act()
        seen.append(museum.clock.now)
        return answer(call)

    museum.sandbox.hook = hook
    return seen


def kept(museum: Museum, number: int, **fields: object) -> Hook:
    """Whatever is sent, these stay as they are, and the answer shows it."""

    def hook(call: Passing) -> Response:
        answer = call.act()
        if call.method != "PUT":
            return answer
        museum.change_remotely(number, **fields)
        return in_json(200, {"customer": {**answer.get_json()["customer"], **fields}})

    return hook


def says_nothing(call: Passing) -> Response:
    """It is done all the same."""
    call.act()
    return in_json(200, {})


def gaps(moments: list[datetime]) -> list[float]:
    return [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]


# --- an erasure's calls ---


@pytest.mark.parametrize("answer", [lambda _call: html(200), lambda _call: html(502), lambda _call: in_json(200, {})])
def test_fields_that_nothing_happens_to_are_emptied_again_after_growing_waits(museum: Museum, answer: Hook) -> None:
    sent = moments(museum, "PUT", answer)
    museum.attempts = 4
    museum.remove(2)
    museum.run()
    first, second, third = gaps(sent)[:3]
    assert 0.4 < first < second < third


def test_a_field_that_is_seen_to_stay_is_sent_once_in_each_spelling(museum: Museum) -> None:
    museum.sandbox.hook = kept(museum, 2, notes="Mitglied 2")
    museum.remove(2)
    museum.run()
    sent = [one["notes"] for one in writes(museum, "PUT") if "notes" in one]
    assert len(sent) == len(set(map(str, sent))) > 1


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_shows_nobody_is_no_end_of_it(museum: Museum, lost: int) -> None:
    left = [lost]

    def hook(call: Passing) -> Response:
        if call.method == "PUT" and left[0]:
            left[0] -= 1
            return in_json(200, {})
        return call.act()

    museum.sandbox.hook = hook
    museum.remove(2)
    assert museum.run().status is Status.DONE
    assert [one["surname"] for one in museum.sandbox.deleted] == ["anonymisiert"]


@pytest.mark.parametrize("field", ["tel", "notes"])
@pytest.mark.parametrize("status", [429, 503])
def test_who_was_emptied_in_part_and_returns_is_made_whole(museum: Museum, field: str, status: int) -> None:
    value = {"tel": "+493023125002", "notes": "Mitglied 2"}[field]
    keep, calls = kept(museum, 2, **{field: value}), [0]

    def once(call: Passing) -> Response:
        calls[0] += call.method == "PUT"
        return keep(call) if call.method != "PUT" or calls[0] == 1 else html(status)

    museum.sandbox.hook = once
    museum.remove(2)
    museum.run()
    museum.sandbox.hook = None
    museum.rows.append(member(2))
    for _ in range(3):
        museum.clock.sleep(A_WHILE)
        museum.run()
    assert [one["surname"] for one in museum.sandbox.by_foreign_id("M-0002")] == ["Muster2"]


def test_whom_a_restored_state_leaves_half_erased_though_the_request_is_over_is_erased_once(museum: Museum) -> None:
    name = museum.digester.name("M-0002")
    long_ago = museum.clock.now - timedelta(days=9)
    museum.store.tombstones.put(museum.instance, Tombstone(name=name, sync="members", cause=Cause.REQUEST, at=long_ago))
    museum.store.known.set_stage("members", ["M-0002"], Stage.ERASING)
    museum.change_remotely(2, tel=None)
    assert museum.run().outcomes == {("anonymize", "ok"): 1, ("delete", "ok"): 1}


# --- a release that was begun ---


@pytest.mark.parametrize("mode", [DeleteMode.IGNORE, DeleteMode.ANONYMIZE_THEN_DELETE])
def test_a_release_that_never_arrived_is_as_if_it_had_never_been_planned(museum: Museum, mode: DeleteMode) -> None:
    """What staff have emptied since is no sign of it."""
    museum.mode = DeleteMode.RELEASE
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.remove(2)
    with suppress(Killed):
        museum.run([None, Fault.KILLED_BEFORE])
    museum.reopen()
    museum.change_remotely(2, tel=None)
    museum.mode = mode
    museum.rows.append(member(2))
    for _ in range(3):
        museum.clock.sleep(A_WHILE)
        museum.run()
    assert [one.id for one in museum.sandbox.by_foreign_id("M-0002")] == [leaver.id]


# --- an update's calls ---


def test_a_form_that_is_seen_after_an_answer_that_shows_nobody_is_the_servers_own(museum: Museum) -> None:
    def shorten(call: Passing) -> Response:
        answer = call.act()
        if call.method == "PUT":
            museum.change_remotely(2, notes="(siehe Akte)")
            return in_json(200, {})
        return answer

    museum.sandbox.hook = shorten
    museum.row(2)["notes"] = "changed"
    assert museum.run().status is Status.DONE
    assert len(writes(museum, "PUT")) == 1


def test_who_is_deleted_while_a_field_is_emptied_is_told_as_missing(museum: Museum) -> None:
    [customer] = museum.sandbox.by_foreign_id("M-0002")

    def delete(call: Passing) -> Response:
        answer = call.act()
        if call.method == "PUT":
            museum.sandbox.remove(customer)
            return in_json(200, {"customer": {**answer.get_json()["customer"], "tel": "+493023125002"}})
        return answer

    museum.sandbox.hook = delete
    museum.row(2)["phone"] = ""
    assert museum.run().status is Status.PROBLEMS
    assert "no longer in go~mus" in museum.listed()["M-0002"]


# --- what is an outage ---


@pytest.mark.parametrize(("size", "unclear"), [(1, 3), (2, 2 + 3), (3, 3 + 3)])
def test_creates_that_are_not_answered_in_time_are_an_outage_where_each_goes_alone(
    museum: Museum, size: int, unclear: int
) -> None:
    """However well reads work; a batch may only have been too much at once."""
    museum.concurrency, museum.batch_size = 1, size
    museum.sandbox.hook = lambda call: html(504) if call.method == "POST" else call.act()
    museum.fill(20)
    summary = museum.run()
    assert (summary.status, summary.counts["unclear"]) == (Status.FAILED, unclear)


# --- read lag ---


@pytest.mark.parametrize("lag", [2, 4])
def test_a_lag_that_grows_is_learned_from_whoever_is_found_after_more_than_one_look(museum: Museum, lag: int) -> None:
    before = museum.store.instances.learned("main")["read_lag"]
    museum.sandbox.switches = Switches(reads="seconds-later", lag=lag, bad_entry="partial-422")
    museum.rows.extend([member(5), member(6, family=""), member(7)])
    museum.run(probe=False)
    assert museum.store.instances.learned("main")["read_lag"] != before


# --- what was cut off ---


@pytest.mark.parametrize("number", [1, 2, 4])
def test_updates_that_were_cut_off_after_they_took_effect_are_not_sent_again(museum: Museum, number: int) -> None:
    for row in museum.rows[:number]:
        row["notes"] = "changed"
    with pytest.raises(Killed):
        museum.run(lambda request, _n: Fault.KILLED_AFTER if request.method == "PUT" else None)
    museum.reopen()
    assert (museum.run().status, museum.writes()) == (Status.DONE, [])


def test_who_is_deleted_by_staff_just_before_the_first_step_is_gone(museum: Museum) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")

    def hook(call: Passing) -> Response:
        if call.method == "PUT" and leaver in museum.sandbox.customers:
            museum.sandbox.remove(leaver)
        return call.act()

    museum.sandbox.hook = hook
    museum.remove(2)
    assert museum.run().status is Status.DONE
    assert (museum.listed(), museum.store.known.find_one("members", "M-0002")) == ({}, None)


# --- a create's answers ---


@pytest.mark.parametrize("errors", [["surname is invalid"], {"surname": ["is invalid"]}])
def test_a_customer_that_a_refusal_shows_was_not_created(museum: Museum, errors: object) -> None:
    def hook(call: Passing) -> Response:
        if call.method != "POST":
            return call.act()
        return in_json(200, {"customer": {"id": 9999, **call.customers[0]}, "errors": errors})

    museum.sandbox.hook = hook
    museum.rows.append(member(5))
    assert museum.run().status is Status.PROBLEMS
    assert (list(museum.listed()), museum.store.known.find_one("members", "M-0005")) == (["M-0005"], None)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_of_a_batch_that_is_refused_by_200_only_the_bad_one_fails(museum: Museum, size: int) -> None:
    def hook(call: Passing) -> Response:
        if call.method == "POST" and len(call.customers) > 1:
            return in_json(200, {"customers": [], "errors": ["surname can't be blank"]})
        return call.act()

    museum.sandbox.hook = hook
    museum.fill(4 + size)
    museum.row(5)["family"] = ""
    museum.run()
    assert list(museum.listed()) == ["M-0005"]
    assert len(museum.sandbox.customers) == 3 + size


def test_how_long_go_mus_takes_to_carry_a_create_out_is_no_lag_of_its_reads(museum: Museum) -> None:
    def hook(call: Passing) -> Response:
        if call.method != "POST":
            return call.act()
        call.act_later(timedelta(seconds=12))
        return in_json(202, {})

    before = museum.store.instances.learned("main")["read_lag"]
    museum.sandbox.hook = hook
    museum.rows.append(member(5))
    assert museum.run().status is Status.DONE
    assert museum.store.instances.learned("main")["read_lag"] == before


# --- a release's answers ---


@pytest.mark.parametrize("seconds", [3, 12, 25])
def test_a_release_that_is_carried_out_later_is_waited_for(museum: Museum, seconds: int) -> None:
    def hook(call: Passing) -> Response:
        if call.method != "PUT":
            return call.act()
        call.act_later(timedelta(seconds=seconds))
        return in_json(202, {})

    museum.mode, museum.sandbox.hook = DeleteMode.RELEASE, hook
    museum.remove(2)
    assert museum.run().status is Status.DONE
    assert museum.sandbox.by_foreign_id("M-0002") == []


def test_a_release_of_whose_id_staff_gave_to_another_has_not_begun(museum: Museum) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.mode = DeleteMode.RELEASE
    museum.sandbox.rename(leaver.id, "DESK-2")
    museum.sandbox.add_customer(foreign_id="M-0002", surname="Anders")
    museum.remove(2)
    museum.run()
    known = museum.store.known.find_one("members", "M-0002")
    assert known is not None
    assert (known.stage, len(museum.sandbox.by_foreign_id("DESK-2"))) == (Stage.ACTIVE, 1)


# --- one that go~mus stumbles over ---


@pytest.mark.parametrize("status", [409, 423])
@pytest.mark.parametrize("count", [2, 5, 9])
def test_a_customer_that_is_locked_keeps_nobody_else_from_being_written(
    museum: Museum, status: int, count: int
) -> None:
    locked = ("M-0002", f"M-{4 + count:04d}")

    def hook(call: Passing) -> Response:
        is_locked = call.method in ("PUT", "POST") and any(one in f"{call.path} {call.body}" for one in locked)
        return in_json(status, {"error": "Locked"}) if is_locked else call.act()

    for row in museum.rows:
        row["notes"] = "changed"
    museum.rows.extend(member(4 + number) for number in range(1, count + 1))
    museum.sandbox.hook = hook
    for _ in range(2):  # a create that was not answered waits
        assert museum.run().status is Status.PROBLEMS
        museum.clock.sleep(A_WHILE)
    shown = {str(one.foreign_id): one["notes"] for one in museum.sandbox.customers}
    assert [shown[f"M-{number:04d}"] for number in (1, 3, 4)] == ["changed"] * 3
    assert len(shown) == 4 + count - 1


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_a_look_that_fails_is_no_sign_that_go_mus_changes_ids(museum: Museum, reads: int) -> None:
    """The answer to the batch shows names and numbers alone."""
    museum.fill(4 + 3)

    def without_ids(call: Passing) -> Response:
        answer = call.act()
        if call.method != "POST":
            return answer
        body = answer.get_json()
        for one in body["customers"]:
            del one["foreign_id"]
        return in_json(201, body)

    failing = [f"M-{5 + number:04d}" for number in range(3)][:reads]
    museum.sandbox.hook = lambda call: (
        html(503) if call.method == "GET" and call.path.endswith(tuple(failing)) and failing else without_ids(call)
    )
    museum.run(probe=False)
    museum.sandbox.hook = None
    museum.rows.append(member(9))
    for _ in range(2):
        museum.clock.sleep(A_WHILE)
        summary = museum.run()
    assert (summary.status, summary.outcomes) == (Status.DONE, {})
    assert len(museum.sandbox.customers) == 8


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
@pytest.mark.parametrize("count", [3, 4])
def test_leavers_that_go_mus_stumbles_over_are_listed_and_keep_nobody_from_being_created(
    museum: Museum, method: str, count: int
) -> None:
    museum.fill(10)
    museum.run()
    museum.limits = replace(museum.limits, delete_percent=100)
    museum.clock.sleep(3600)
    museum.sandbox.hook = lambda call: in_json(500, {"error": "x"}) if call.method == method else call.act()
    museum.remove(*range(1, count + 1))
    for number in (11, 12):
        museum.rows.append(member(number))
        assert museum.run().status is Status.PROBLEMS
        museum.clock.sleep(60)
    assert [one["surname"] for one in museum.sandbox.customers][-2:] == ["Muster11", "Muster12"]
    assert set(museum.listed()) == {f"M-{number:04d}" for number in range(1, count + 1)}
