"""What becomes of who leaves: whom an erasure touches, when it is taken back, what a changed configuration ends."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, Killed
from museum import Museum, member, sqlite_url
from werkzeug.wrappers import Response

from syncd.domain.diff import DeleteMode
from syncd.domain.records import Origin, Stage
from syncd.domain.runs import Status, Trigger
from syncd.domain.trail import What
from syncd.runs.run import opening
from syncd.sandbox.customers import Complaint
from syncd.sandbox.proxy import Hook, Passing, html, in_json
from syncd.sandbox.switches import Switches
from syncd.state.known import KnownRow

A_WHILE = 700.0  # longer than a lost call may still take effect


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}")
    museum.fill(4)
    museum.run()
    yield museum
    museum.close()


def before(method: str, act: Callable[[], object]) -> Hook:
    """Something happens in go~mus just before the first such call."""
    left = [act]

    def hook(call: Passing) -> Response:
        if call.method == method and left:
            left.pop()()
        return call.act()

    return hook


def turned_away(call: Passing) -> Response:
    return html(503) if call.method == "PUT" else call.act()


def link(museum: Museum, number: int) -> None:
    """As a customer that go~mus had before."""
    name = f"M-{number:04d}"
    known = museum.store.known.find_one("members", name)
    assert known is not None
    museum.store.known.drop("members", [name])
    row = KnownRow(foreign_id=name, gomus_id=known.gomus_id, digests=known.digests, origin=Origin.LINKED)
    museum.store.known.put("members", [row])


def erasure_of(museum: Museum, number: int, action: str = "anonymize") -> list[str | None]:
    lines = museum.store.journal.of_customer("members", f"M-{number:04d}")
    return [line.error for line in lines if line.action == action]


# --- who is gone already ---


@pytest.mark.parametrize("kept", ["as-sent", "lower", "upper"])
def test_that_somebody_is_gone_is_believed_where_others_are_there_in_whichever_letters(
    tmp_path: Path, kept: Any
) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), switches=Switches(foreign_id_form=kept))
    museum.rows.extend(member(number, id=f"x{number}") for number in range(1, 5))
    museum.run()
    museum.clock.sleep(3600)
    museum.sandbox.remove(next(one for one in museum.sandbox.customers if one["surname"] == "Muster2"))
    del museum.rows[1]
    assert museum.run().status is Status.DONE
    assert museum.store.known.count("members") == 3


# --- who is not shown yet ---


@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
@pytest.mark.parametrize("on_request", [False, True])
@pytest.mark.parametrize("lag", [10, 120])
def test_who_was_taken_lately_and_is_not_shown_is_not_taken_for_gone(
    museum: Museum, mode: DeleteMode, on_request: bool, lag: int
) -> None:
    """Reads never lagged before."""
    museum.mode = mode
    museum.clock.sleep(3600)
    museum.sandbox.switches = replace(museum.sandbox.switches, reads="seconds-later", lag=lag)
    museum.rows.append(member(9))
    museum.run()
    museum.remove(9)
    if on_request:
        museum.erase("M-0009")
    else:
        assert museum.run().status is Status.PROBLEMS
    museum.clock.sleep(3600)
    museum.run()
    museum.clock.sleep(3600)
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0009") == []
    assert on_request is False or not [one for one in museum.sandbox.customers if one["surname"] == "Muster9"]


@pytest.mark.parametrize(("reads", "waits"), [(0, False), (3, True)])
def test_where_reads_have_never_lagged_who_leaves_is_looked_for_at_once(
    museum: Museum, reads: int, waits: bool
) -> None:
    museum.store.instances.learn("main", {"read_lag": f"5.000 {reads}"})
    museum.remove(1)
    began = museum.clock.now
    assert museum.run().status is Status.DONE
    assert ((museum.clock.now - began).total_seconds() > 0.5) is waits  # of the 5 a part before each look


@pytest.mark.parametrize("minutes", [9, 11])
def test_who_is_not_shown_for_long_is_gone(museum: Museum, minutes: int) -> None:
    museum.clock.sleep(3600)
    museum.rows.append(member(9))
    museum.run()
    [customer] = museum.sandbox.by_foreign_id("M-0009")
    museum.sandbox.remove(customer)
    museum.remove(9)
    museum.clock.sleep(60 * minutes)
    museum.run()
    assert (museum.store.known.find_one("members", "M-0009") is None) is (minutes > 10)


# --- whom it touches ---


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
def test_who_has_lost_its_id_at_any_moment_is_nobody_else(museum: Museum, method: str, mode: DeleteMode) -> None:
    """Its number then means the foreign_id of a stranger: 1002 is one."""
    museum.mode = mode
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.hook = before(method, lambda: museum.sandbox.remove(leaver))
    museum.remove(2)
    for _ in range(3):
        museum.run()
        museum.clock.sleep(A_WHILE)
    assert museum.sandbox.touched_strangers() == []
    assert [one.foreign_id for one in museum.sandbox.customers if one.id != leaver.id] == ["M-0001", "M-0003", "M-0004"]


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
def test_an_id_that_begins_with_a_strangers_number_is_not_the_stranger(
    tmp_path: Path, lenient: bool, mode: DeleteMode
) -> None:
    switches = Switches(lenient_numeric=lenient)
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}", prefix="", switches=switches, mode=mode)
    museum.sandbox.add_stranger(id=2024, foreign_id="OTHER-1", surname="Fremd")
    museum.rows[:] = [member(number, id=f"2024-{number}") for number in range(1, 4)]
    museum.run()
    museum.rows.pop()
    for _ in range(3):
        museum.run()
        museum.clock.sleep(A_WHILE)
    assert museum.sandbox.touched_strangers() == []
    shown = [one for one in museum.sandbox.customers if one.foreign_id == "2024-3"]
    assert lenient or shown == []
    museum.close()


@pytest.mark.parametrize("email", [None, "jemand@example.org"])
def test_without_a_foreign_id_only_our_placeholder_makes_it_ours(museum: Museum, email: str | None) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.rename(leaver.id, None)
    museum.sandbox.save({"email": email}, next(one for one in museum.sandbox.customers if one.id == leaver.id))
    before_it = [one.fields for one in museum.sandbox.customers]
    museum.remove(2)
    museum.run()
    assert [one.fields for one in museum.sandbox.customers] == before_it
    assert "foreign_id" in museum.listed()["M-0002"]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
def test_twins_of_one_foreign_id_go_together(museum: Museum, count: int, mode: DeleteMode) -> None:
    museum.sandbox.switches, museum.mode = Switches(foreign_ids="repeatable"), mode
    for number in range(count):
        museum.sandbox.add_customer(foreign_id="M-0002", surname=f"Muster2 {number}", email=f"z{number}@example.org")
    museum.remove(2)
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0002") == []
    names = [str(one["surname"]) for one in museum.sandbox.customers if one.foreign_id is None]
    stays = 0 if mode is DeleteMode.ANONYMIZE_THEN_DELETE else count + 1
    is_released = mode is DeleteMode.RELEASE
    assert (len(names), all(name.startswith("Muster") for name in names)) == (stays, is_released or not stays)


def test_how_many_had_one_foreign_id_is_told(museum: Museum) -> None:
    museum.sandbox.switches = Switches(foreign_ids="repeatable")
    for number in range(2):
        museum.sandbox.add_customer(foreign_id="M-0002", surname=f"Muster2 {number}")
    museum.remove(2)
    museum.run()
    assert erasure_of(museum, 2, "delete") == ["3 customers had this foreign_id"]


def test_a_number_that_answers_another_customer_is_not_used(museum: Museum) -> None:
    """Not even where that one has the foreign_id."""
    museum.sandbox.switches = Switches(foreign_ids="repeatable", merged="by-number")
    [loser] = museum.sandbox.by_foreign_id("M-0002")
    survivor = museum.sandbox.add_customer(foreign_id="M-0002", surname="Muster2")
    museum.sandbox.merge(loser.id, survivor.id)
    with museum.world() as world, opening(museum.sync, world, trigger=Trigger.COMMAND_LINE) as run:
        assert [run.delivery.number_shows(number, "M-0002") for number in (loser.id, survivor.id)] == [False, True]


def test_who_was_renamed_before_the_delete_is_not_told_as_deleted(museum: Museum) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.hook = before("DELETE", lambda: museum.sandbox.rename(leaver.id, "DESK-2"))
    museum.remove(2)
    museum.run()
    assert [one.foreign_id for one in museum.sandbox.customers if one.id == leaver.id] == ["DESK-2"]
    assert "another foreign_id" in str(erasure_of(museum, 2, "delete"))
    assert "M-0002" in museum.listed()


def test_who_was_renamed_before_it_is_read_back_is_not_told_as_anonymized(museum: Museum) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")

    def rename_after(call: Passing) -> Response:
        answer = call.act()
        if call.method == "PUT":
            museum.sandbox.rename(leaver.id, "DESK-2")
        return answer

    museum.sandbox.hook = rename_after
    museum.remove(2)
    museum.run()
    assert "another foreign_id" in str(erasure_of(museum, 2))


def test_of_a_plain_deletion_there_is_nothing_to_say(museum: Museum) -> None:
    museum.remove(2)
    museum.run()
    assert [erasure_of(museum, 2, action) for action in ("anonymize", "delete")] == [[None], [None]]


def test_who_is_deleted_and_still_shown_for_a_while_is_not_deleted_again(museum: Museum) -> None:
    museum.sandbox.switches = Switches(reads="seconds-later", lag=20)
    museum.clock.sleep(60)
    museum.remove(2)
    assert museum.run().status is Status.DONE
    assert museum.calls().count("DELETE /customers/:id") == 1


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_delete_that_is_not_answered_is_tried_so_often(museum: Museum, attempts: int) -> None:
    museum.attempts = attempts
    museum.remove(2)
    museum.run(lambda request, _n: Fault.UNAVAILABLE if request.method == "DELETE" else None)
    assert [one.method for one in museum.transport.happened].count("DELETE") == attempts


@pytest.mark.parametrize("seconds", [5, 15, 25])
def test_a_delete_that_comes_late_is_waited_for_by_the_run_after_a_crash(tmp_path: Path, seconds: float) -> None:
    """A delete by number: once more, and it might be the foreign_id of a stranger that is meant."""
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}", prefix="1-")
    museum.fill(3)
    museum.run()
    [leaver] = museum.sandbox.by_foreign_id("1-0002")
    museum.sandbox.add_stranger(foreign_id=str(leaver.id), surname="Fremd")
    museum.transport.late_for = timedelta(seconds=seconds)
    museum.remove(2)
    faults = iter([Fault.LATE, Fault.KILLED_BEFORE])
    with pytest.raises(Killed):
        museum.run(lambda request, _n: next(faults) if request.method == "DELETE" or museum.transport._late else None)
    museum.reopen()
    museum.run()
    museum.transport.flush()
    assert museum.sandbox.touched_strangers() == []
    assert museum.sandbox.by_foreign_id("1-0002") == []
    museum.close()


@pytest.mark.parametrize("orders", [0, 1])
def test_who_was_made_anew_while_a_delete_was_lost_is_anonymized_first(museum: Museum, orders: int) -> None:
    museum.sandbox.switches = Switches(delete_with_orders="refused-409")
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    again: list[int] = []

    def make_anew(call: Passing) -> Response:
        if call.method != "DELETE" or again:
            return call.act()
        again.append(museum.sandbox.recreate(leaver.id, surname="Muster2", tel="+49301").id)
        for _ in range(orders):
            museum.sandbox.add_order(again[0])
        return html(502)

    museum.sandbox.hook = make_anew
    museum.remove(2)
    museum.run()
    [left] = [one for one in (*museum.sandbox.customers, *museum.sandbox.deleted) if one.id == again[0]]
    assert (left["surname"], left["tel"], left in museum.sandbox.customers) == ("anonymisiert", None, bool(orders))
    assert museum.sandbox.by_foreign_id("M-0002") == []


# --- when it is taken back ---


@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.RELEASE])
@pytest.mark.parametrize("column", ["phone", "mail", "given"])
def test_who_returns_before_anything_happened_is_compared(museum: Museum, mode: DeleteMode, column: str) -> None:
    museum.mode, museum.sandbox.hook = mode, turned_away
    row = dict(museum.row(2), **{column: "+493023125999" if column == "phone" else "neu@example.org"})
    museum.remove(2)
    museum.run()
    museum.sandbox.hook = None
    museum.clock.sleep(A_WHILE)
    museum.rows.append(row)
    museum.run()
    assert len(museum.writes()) == 1
    assert [
        one[{"phone": "tel", "mail": "email", "given": "name"}[column]]
        for one in museum.sandbox.by_foreign_id("M-0002")
    ] == [row[column]]
    assert museum.sandbox.deleted == []


@pytest.mark.parametrize("minutes", [1, 4, 9])
@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.RELEASE])
def test_who_returns_while_a_lost_call_may_still_come_waits(museum: Museum, minutes: int, mode: DeleteMode) -> None:
    museum.mode, museum.attempts = mode, 1
    museum.transport.late_for = timedelta(minutes=minutes)
    museum.remove(2)
    museum.run(lambda request, _number: Fault.LATE if request.method == "PUT" else None)
    museum.rows.append(member(2))
    for _ in range(4):
        museum.run()
        museum.clock.sleep(A_WHILE)
    museum.transport.flush()
    museum.run()
    assert [one["surname"] for one in museum.sandbox.by_foreign_id("M-0002")] == ["Muster2"]
    assert (museum.run().status, museum.calls()) == (Status.DONE, [])


@pytest.mark.parametrize("fault", [Fault.KILLED_AFTER, Fault.READ_TIMEOUT])
def test_an_erasure_that_has_begun_is_finished_and_the_person_made_anew(museum: Museum, fault: Fault) -> None:
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.remove(2)
    with suppress(Killed):
        museum.run([None, fault, Fault.KILLED_BEFORE])
    museum.rows.append(member(2))
    for _ in range(3):
        museum.run()
    [again] = museum.sandbox.by_foreign_id("M-0002")
    assert (again["surname"], again.id != leaver.id) == ("Muster2", True)
    assert [one["surname"] for one in museum.sandbox.deleted] == ["anonymisiert"]


def test_who_is_still_absent_is_not_waited_for(museum: Museum) -> None:
    museum.remove(2)
    museum.run(lambda request, _number: Fault.UNAVAILABLE if request.method == "PUT" else None)
    assert museum.run().status is Status.DONE
    assert museum.sandbox.by_foreign_id("M-0002") == []


def begin_erasures(museum: Museum, count: int) -> None:
    museum.fill(count)
    museum.run()
    museum.store.known.set_stage("members", [f"M-{number:04d}" for number in range(1, count + 1)], Stage.ERASING)


def test_who_could_not_be_looked_at_is_left_to_the_next_run(museum: Museum) -> None:
    museum.store.known.set_stage("members", ["M-0002"], Stage.ERASING)
    museum.remove(2)
    museum.run([Fault.UNAVAILABLE] * museum.attempts)
    assert (museum.calls(), len(museum.sandbox.by_foreign_id("M-0002"))) == ([], 1)
    museum.clock.sleep(A_WHILE)
    museum.run()
    assert museum.sandbox.by_foreign_id("M-0002") == []


def test_looks_for_those_begun_that_fail_in_a_row_end_the_run(museum: Museum) -> None:
    begin_erasures(museum, 9)
    assert museum.run(lambda _request, _n: Fault.UNAVAILABLE).status is Status.FAILED
    assert len(museum.transport.happened) == 3 * museum.attempts


def test_looks_for_those_begun_that_fail_now_and_then_end_no_run(museum: Museum) -> None:
    begin_erasures(museum, 6)
    unreachable = ("M-0001", "M-0002", "M-0004", "M-0005")
    summary = museum.run(lambda request, _n: Fault.UNAVAILABLE if request.url.path.endswith(unreachable) else None)
    assert (summary.status, summary.error) == (Status.PROBLEMS, None)
    assert summary.outcomes["anonymize", "failed"] == 4
    assert museum.run().status is Status.DONE


def test_a_placeholder_tells_that_an_erasure_has_begun_where_nothing_else_was_there(museum: Museum) -> None:
    museum.row(2).update(given="", phone="", notes="", born="")
    museum.run()
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.remove(2)
    with pytest.raises(Killed):
        museum.run([None, Fault.KILLED_AFTER])
    museum.rows.append(member(2))
    museum.run()
    assert [one.id for one in museum.sandbox.deleted] == [leaver.id]


def test_who_returns_after_fields_were_emptied_and_not_read_back_is_filled_again(museum: Museum) -> None:
    museum.remove(2)
    museum.run([None, None, *[Fault.UNAVAILABLE] * 100])
    museum.rows.append(member(2))
    for _ in range(3):
        museum.run()
        museum.clock.sleep(A_WHILE)
    assert [one["surname"] for one in museum.sandbox.by_foreign_id("M-0002")] == ["Muster2"]


# --- a changed configuration ---


@pytest.mark.parametrize("now", [DeleteMode.IGNORE, DeleteMode.RELEASE, DeleteMode.ANONYMIZE])
@pytest.mark.parametrize("step", [1, 2, 4])
def test_an_unfinished_erasure_goes_no_further_than_the_mode_of_today(
    museum: Museum, now: DeleteMode, step: int
) -> None:
    museum.remove(2)
    with suppress(Killed):
        museum.run([None] * step + [Fault.KILLED_BEFORE])
    museum.mode = now
    before_it = [one.fields for one in museum.sandbox.customers]
    museum.clock.sleep(A_WHILE)
    museum.run()
    museum.run()
    assert museum.sandbox.deleted == []
    if now is DeleteMode.IGNORE:
        assert [one.fields for one in museum.sandbox.customers] == before_it
        assert museum.store.known.unfinished("members") == []
    else:
        assert museum.sandbox.by_foreign_id("M-0002") == []


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.ANONYMIZE, DeleteMode.IGNORE])
def test_whom_go_mus_had_before_is_released_unless_configured(museum: Museum, linked: bool, mode: DeleteMode) -> None:
    museum.mode, museum.releases_linked = mode, linked
    link(museum, 2)
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.remove(2)
    museum.run()
    left = [one for one in museum.sandbox.customers if one.id == leaver.id]
    if mode is DeleteMode.IGNORE:
        assert left == [leaver]
    elif linked:
        assert [(one.foreign_id, one["surname"]) for one in left] == [(None, "Muster2")]
        assert erasure_of(museum, 2, "release") == [None]
    else:
        assert [one["surname"] for one in left] == (["anonymisiert"] if mode is DeleteMode.ANONYMIZE else [])


def test_who_was_released_and_returns_is_created(museum: Museum) -> None:
    museum.mode = DeleteMode.RELEASE
    [leaver] = museum.sandbox.by_foreign_id("M-0002")
    museum.remove(2)
    museum.run()
    museum.rows.append(member(2))
    museum.run()
    [again] = museum.sandbox.by_foreign_id("M-0002")
    assert again.id != leaver.id
    assert leaver.id in {one.id for one in museum.sandbox.customers}


@pytest.mark.parametrize("mode", [DeleteMode.RELEASE, DeleteMode.ANONYMIZE])
def test_a_foreign_id_that_go_mus_does_not_let_go_is_named(museum: Museum, mode: DeleteMode) -> None:
    museum.mode = mode
    museum.sandbox.switches = Switches(unemptied=frozenset({"foreign_id"}))
    museum.remove(2)
    museum.run()
    assert len(museum.sandbox.by_foreign_id("M-0002")) == 1
    told = [*erasure_of(museum, 2, "release"), *erasure_of(museum, 2)]
    assert told == ["go~mus does not let go of the foreign_id"]
    assert ("M-0002" in museum.listed()) is (mode is DeleteMode.RELEASE)


# --- what is left in a field ---


@pytest.mark.parametrize(
    ("name", "kept"),
    [("date_of_birth", "1980-12-31"), ("notes", "Mitglied 2"), ("notes", "MITGLIED 2")],
)
def test_a_value_that_go_mus_keeps_is_named(museum: Museum, name: str, kept: str) -> None:
    def keep(call: Passing) -> Response:
        answer = call.act()
        if call.method != "PUT":
            return answer
        museum.sandbox.save({name: kept}, museum.sandbox.by_foreign_id("M-0002")[0])
        return in_json(200, {"customer": {**answer.get_json()["customer"], name: kept}})

    museum.sandbox.hook = keep
    museum.remove(2)
    museum.run()
    assert f"does not let go of {name}" in str(erasure_of(museum, 2))


def test_a_configured_placeholder_stands_where_go_mus_insists(museum: Museum) -> None:
    museum.placeholder = {"email": "geloescht-{token}@museum.example", "date_of_birth": "1900-01-01", "tel": "0"}
    museum.sandbox.switches = Switches(unemptied=frozenset({"date_of_birth", "tel"}))
    museum.remove(2)
    museum.run()
    [left] = museum.sandbox.deleted
    assert (left["date_of_birth"], left["tel"], left["notes"]) == ("1900-01-01", "0", None)
    assert str(left["email"]).startswith("geloescht-")
    assert str(left["email"]).endswith("@museum.example")
    assert erasure_of(museum, 2) == ["go~mus takes no empty date_of_birth, tel: a placeholder stands there"]


def blanks(museum: Museum) -> dict[str, str]:
    """What is learned of how fields are emptied."""
    return {name: how for name, how in museum.store.instances.learned("main").items() if name.startswith("blank")}


def test_what_empties_a_field_is_learned_for_that_field_alone(museum: Museum) -> None:
    museum.sandbox.switches = Switches(cleared_by="empty")
    museum.row(1)["phone"] = ""
    museum.run()
    assert blanks(museum) == {"blank.tel": "empty text"}


def test_an_erasure_learns_what_empties_its_fields(museum: Museum) -> None:
    museum.sandbox.switches = Switches(cleared_by="empty")
    museum.remove(2)
    museum.run()
    assert blanks(museum) == {f"blank.{name}": "empty text" for name in ("notes", "tel")}


def test_nothing_is_learned_from_a_lost_answer(museum: Museum) -> None:
    left = [2]

    def lose(call: Passing) -> Response:
        if call.method == "PUT" and left[0]:
            left[0] -= 1
            return html(502)
        return call.act()

    museum.sandbox.hook = lose
    museum.remove(2)
    museum.run()
    sent = [write.customers[0] for write in museum.writes() if write.method == "PUT"]
    assert (len(sent), blanks(museum)) == (1, {})
    assert "" not in sent[0].values()


@pytest.mark.parametrize("field", ["tel", "notes", "email"])
def test_one_customers_field_that_stays_concerns_nobody_else(museum: Museum, field: str) -> None:
    museum.sandbox.objects = lambda fields: (
        [Complaint(field=field, text="can't be changed")]
        if fields["foreign_id"] == "M-0001" and not str(fields[field]).endswith(("@example.org", "001", " 1"))
        else []
    )
    museum.remove(1, 2)
    museum.run()
    one, other = sorted(museum.sandbox.deleted, key=lambda customer: customer.id)
    assert {
        name for name in ("tel", "notes", "email") if "1" in str(one[name]) and "invalid" not in str(one[name])
    } == {field}
    assert (other["tel"], other["notes"]) == (None, None)
    assert erasure_of(museum, 1) == [f"go~mus does not let go of {field}"]
    assert erasure_of(museum, 2) == [None]
    assert blanks(museum) == {}


def test_what_a_server_said_before_is_forgotten_with_the_person(museum: Museum) -> None:
    museum.sandbox.objects = lambda _fields: [Complaint(field="tel", text="of Ada is invalid")]
    museum.row(2)["phone"] = "+493023125999"
    museum.run()
    museum.sandbox.objects = lambda _fields: []
    museum.remove(2)
    museum.run()
    assert not [line for line in museum.store.journal.of_customer("members", "M-0002") if "Ada" in str(line.error)]


def test_who_was_filled_again_is_anonymized_again_before_the_delete(museum: Museum) -> None:
    left = [1]

    def fill_again(call: Passing) -> Response:
        if call.method == "DELETE" and left:
            left.pop()
            museum.change_remotely(2, tel="+49301", surname="Muster")
            return html(502)
        return call.act()

    museum.sandbox.hook = fill_again
    museum.remove(2)
    museum.run()
    assert [(one["surname"], one["tel"]) for one in museum.sandbox.deleted] == [("anonymisiert", None)]


def test_a_refused_first_step_keeps_nobody_from_being_active(museum: Museum) -> None:
    museum.sandbox.objects = lambda _fields: [Complaint(field="surname", text="is locked")]
    museum.remove(2)
    museum.run()
    known = museum.store.known.find_one("members", "M-0002")
    assert known is not None
    assert known.stage is Stage.ACTIVE
    assert "surname" in museum.listed()["M-0002"]


# --- what is written down for the certificate of an erasure on request ---


def trail(museum: Museum) -> list[What]:
    (asked,) = museum.store.tombstones.requested(museum.instance)
    return [entry.what for step in asked.steps for entry in step.trail]


def killed_at(museum: Museum, method: str) -> None:
    with pytest.raises(Killed):
        museum.erase("M-0002", lambda request, _n: Fault.KILLED_AFTER if request.method == method else None)
    museum.reopen()


@pytest.mark.parametrize(("method", "entries"), [("PUT", [What.REPLACED, What.READ_BACK]), ("DELETE", [])])
def test_a_call_that_was_cut_off_is_told_and_what_the_next_run_saw(
    museum: Museum, method: str, entries: list[What]
) -> None:
    killed_at(museum, method)
    assert museum.run().status is Status.PROBLEMS  # the source still has the record
    told = trail(museum)
    told = told[told.index(What.CUT_OFF) :]
    assert (set(entries) <= set(told), told[-1]) == (True, What.GONE)


def test_a_create_that_may_still_come_is_told(museum: Museum) -> None:
    museum.transport.late_for = timedelta(seconds=90)
    museum.rows.append(member(9))
    museum.run(lambda request, _n: Fault.LATE if request.method == "POST" else None)
    museum.erase("M-0009")
    assert trail(museum)[-1] is What.MAY_COME
    museum.let_late_writes_come()
    museum.clock.sleep(A_WHILE)
    museum.run()
    assert trail(museum)[-1] is What.GONE
    assert museum.sandbox.by_foreign_id("M-0009") == []


def test_a_second_customer_of_the_same_id_is_told(museum: Museum) -> None:
    museum.sandbox.switches = Switches(foreign_ids="repeatable")
    museum.sandbox.add_customer(foreign_id="M-0002", surname="Muster2")
    museum.erase("M-0002")
    told = trail(museum)
    assert (told.count(What.TWIN), told.count(What.DELETED), told[-1]) == (1, 2, What.GONE)


def test_an_erasure_for_absence_leaves_no_trail(museum: Museum) -> None:
    museum.remove(2)
    museum.run()
    assert museum.store.tombstones.requested(museum.instance) == []
