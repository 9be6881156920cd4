"""Who wins where go~mus has another value than the source: `write`, `empty`, and first contact with what was there."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, FIELDS_MAPPED, Museum, member, sqlite_url
from structlog.testing import LogCapture

from syncd.domain.guards import Guard
from syncd.domain.records import Origin
from syncd.domain.runs import Status
from syncd.sandbox.switches import Switches

HERE, THERE, LATER = (
    "+49301",
    "+49302",
    "+49303",
)  # what the source says, what the desk enters, what the source says next
EVERY = ["always", "create", "if-empty", "unless-changed"]


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(3)
    yield museum
    museum.close()


@pytest.fixture
def events() -> list[Any]:
    log = LogCapture()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"), processors=[log])
    return log.entries


def told(events: list[Any]) -> list[Any]:
    """What the log says of those whose values were kept."""
    return [event for event in events if event.get("error")]


def shown(museum: Museum, name: str = "tel", number: int = 2) -> object:
    [customer] = museum.sandbox.by_foreign_id(f"M-{number:04d}")
    return customer[name]


def says(museum: Museum, value: object, name: str = "tel", number: int = 2) -> None:
    museum.row(number)[FIELDS_MAPPED[name]] = value


def starting(museum: Museum, write: str, value: object = HERE, name: str = "tel") -> None:
    """The field was sent with the new customer."""
    museum.who_wins[name] = write
    says(museum, value, name)
    museum.run()


def assert_at_rest(museum: Museum) -> None:
    for _ in range(2):
        assert (museum.run().status, museum.calls()) == (Status.DONE, [])


# --- write ---


@pytest.mark.parametrize("write", EVERY)
def test_a_new_customer_gets_every_field(museum: Museum, write: str) -> None:
    starting(museum, write)
    assert shown(museum) == HERE


@pytest.mark.parametrize(
    ("write", "sent"), [("always", LATER), ("create", HERE), ("if-empty", HERE), ("unless-changed", LATER)]
)
def test_a_change_in_the_source_is_sent_as_write_says(museum: Museum, write: str, sent: str) -> None:
    starting(museum, write)
    says(museum, LATER)
    assert museum.run().status is Status.DONE
    assert shown(museum) == sent
    assert_at_rest(museum)


@pytest.mark.parametrize(
    ("write", "left"), [("always", LATER), ("create", THERE), ("if-empty", THERE), ("unless-changed", THERE)]
)
def test_what_the_desk_has_changed_stands_as_write_says(museum: Museum, write: str, left: str) -> None:
    starting(museum, write)
    museum.change_remotely(2, tel=THERE)
    says(museum, LATER)
    museum.run()
    assert shown(museum) == left
    assert_at_rest(museum)
    says(museum, HERE)
    museum.run()
    assert shown(museum) == (HERE if write == "always" else left)


@pytest.mark.parametrize(
    ("write", "filled"), [("always", LATER), ("create", None), ("if-empty", LATER), ("unless-changed", LATER)]
)
def test_an_empty_field_is_filled_as_write_says(museum: Museum, write: str, filled: str | None) -> None:
    starting(museum, write, value=None)
    says(museum, LATER)
    museum.run()
    assert shown(museum) == filled


@pytest.mark.parametrize(
    ("write", "left"), [("always", LATER), ("create", THERE), ("if-empty", THERE), ("unless-changed", THERE)]
)
def test_a_field_that_the_desk_has_filled_is_no_longer_empty(museum: Museum, write: str, left: str) -> None:
    starting(museum, write, value=None)
    museum.change_remotely(2, tel=THERE)
    says(museum, LATER)
    museum.run()
    assert shown(museum) == left
    assert_at_rest(museum)


@pytest.mark.parametrize(("write", "left"), [("always", None), ("unless-changed", None), ("create", HERE)])
def test_what_syncd_has_put_there_is_emptied(museum: Museum, write: str, left: str | None) -> None:
    starting(museum, write)
    says(museum, None)
    museum.run()
    assert shown(museum) == left
    assert_at_rest(museum)


@pytest.mark.parametrize("write", EVERY)
def test_what_the_desk_has_entered_in_an_empty_field_stays(museum: Museum, write: str) -> None:
    starting(museum, write, value=None)
    museum.change_remotely(2, tel=THERE)
    museum.audit_per_run, museum.fix_drift = 10, True
    says(museum, "Anders", "name")
    assert "drifted" not in museum.run().counts
    museum.run()
    assert museum.verify(fix=True).drifts == ()
    assert shown(museum) == THERE


def test_the_fields_beside_a_kept_one_are_sent(museum: Museum) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=THERE)
    says(museum, LATER)
    says(museum, "Anders", "name")
    museum.run()
    assert (shown(museum), shown(museum, "name")) == (THERE, "Anders")
    [put] = museum.writes()
    assert "tel" not in str(put.body)
    assert_at_rest(museum)


@pytest.mark.parametrize("others", [{}, {"name": "Anders"}])
def test_a_kept_value_is_named(museum: Museum, events: list[Any], others: dict[str, str]) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=THERE)
    for name, value in {"tel": LATER, **others}.items():
        says(museum, value, name)
    museum.run()
    [event] = told(events)
    assert (event["foreign_id"], event["error"]) == ("M-0002", "left as go~mus has it: tel")
    assert event["fields"] == list(others)


def test_a_kept_value_follows_again_once_both_agree(museum: Museum) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=THERE)
    for value in (LATER, THERE):
        says(museum, value)
        museum.run()
    says(museum, HERE)
    museum.run()
    assert shown(museum) == HERE


def test_whom_staff_have_brought_what_the_source_says_follows_it_still(museum: Museum) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=LATER)
    for value in (LATER, HERE):
        says(museum, value)
        museum.run()
    assert shown(museum) == HERE


def test_one_look_decides_and_nobody_else_is_read(museum: Museum) -> None:
    starting(museum, "unless-changed")
    says(museum, LATER)
    museum.run()
    assert [call.split()[0] for call in museum.calls()] == ["GET", "PUT"]


def test_no_call_is_made_for_a_value_that_is_there_already(museum: Museum) -> None:
    starting(museum, "if-empty", value=None)
    museum.change_remotely(2, tel=LATER)
    says(museum, LATER)
    museum.run()
    assert museum.writes() == []
    assert_at_rest(museum)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.READ_TIMEOUT])
def test_a_look_that_is_lost_sends_nothing_and_loses_nothing(museum: Museum, fault: Fault) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=THERE)
    says(museum, LATER)
    museum.run(lambda request, _: fault if request.method == "GET" else None)
    assert (museum.writes(), shown(museum)) == ([], THERE)
    museum.run()
    assert shown(museum) == THERE
    assert_at_rest(museum)


# --- drift ---


@pytest.mark.parametrize(
    ("write", "left"), [("always", HERE), ("create", THERE), ("if-empty", THERE), ("unless-changed", THERE)]
)
@pytest.mark.parametrize("by", ["audit", "verify"])
def test_drift_is_mended_as_write_says(museum: Museum, write: str, left: str, by: str) -> None:
    starting(museum, write)
    museum.change_remotely(2, tel=THERE)
    if by == "verify":
        assert bool(museum.verify(fix=True).drifts) is (left == HERE)
    else:
        museum.audit_per_run, museum.fix_drift = 3, True
        museum.run()
        museum.run()
    assert shown(museum) == left
    assert museum.verify().drifts == ()


@pytest.mark.parametrize(
    ("write", "left"), [("always", HERE), ("create", None), ("if-empty", HERE), ("unless-changed", None)]
)
@pytest.mark.parametrize("by", ["audit", "verify"])
def test_what_the_desk_has_emptied_is_filled_as_write_says(
    museum: Museum, write: str, left: str | None, by: str
) -> None:
    starting(museum, write)
    museum.change_remotely(2, tel=None)
    if by == "verify":
        museum.verify(fix=True)
    else:
        museum.audit_per_run, museum.fix_drift = 3, True
        museum.run()
        museum.run()
    assert shown(museum) == left
    assert museum.verify().drifts == ()


# --- another configuration ---


@pytest.mark.parametrize("before", EVERY)
@pytest.mark.parametrize("after", EVERY)
def test_another_write_sends_nothing_by_itself(museum: Museum, before: str, after: str) -> None:
    starting(museum, before)
    museum.who_wins["tel"] = after
    assert_at_rest(museum)


def test_a_change_that_write_held_back_is_sent_once_it_no_longer_does(museum: Museum) -> None:
    starting(museum, "create")
    says(museum, LATER)
    museum.run()
    museum.who_wins["tel"] = "always"
    museum.run()
    assert shown(museum) == LATER


# --- first contact ---


def losing_state(museum: Museum, **corrected: object) -> None:
    museum.run()
    for number in range(1, len(museum.rows) + 1):
        museum.change_remotely(number, **corrected)
    museum.lose_state()


@pytest.mark.parametrize(
    ("write", "left"), [("always", HERE), ("create", THERE), ("if-empty", THERE), ("unless-changed", THERE)]
)
def test_few_are_overwritten_as_write_says(museum: Museum, write: str, left: str) -> None:
    museum.who_wins["tel"] = write
    says(museum, HERE)
    losing_state(museum, tel=THERE)
    assert museum.run().status is Status.DONE
    assert shown(museum) == left
    assert_at_rest(museum)


@pytest.mark.parametrize(
    ("write", "left"), [("always", HERE), ("create", None), ("if-empty", HERE), ("unless-changed", HERE)]
)
def test_what_is_empty_is_filled_as_write_says(museum: Museum, write: str, left: str | None) -> None:
    museum.fill(30)
    museum.who_wins["tel"] = write
    says(museum, HERE)
    losing_state(museum, tel=None)
    assert museum.run().status is Status.DONE
    assert shown(museum) == left
    assert_at_rest(museum)


@pytest.mark.parametrize("write", EVERY)
def test_nothing_is_emptied_now_or_later(museum: Museum, write: str) -> None:
    museum.who_wins["tel"] = write
    says(museum, None)
    losing_state(museum, tel=THERE)
    museum.run()
    says(museum, "Anders", "name")
    museum.run()
    museum.who_wins["tel"] = "always"
    museum.run()
    assert shown(museum) == THERE


def test_a_kept_value_is_named_at_first_contact(museum: Museum, events: list[Any]) -> None:
    museum.who_wins["tel"] = "unless-changed"
    losing_state(museum, tel=THERE)
    museum.run()
    assert [event["error"] for event in told(events)] == ["left as go~mus has it: tel"] * 3


def test_beyond_the_limit_overwriting_is_held_and_filling_passes(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE, notes=None)
    summary = museum.run()
    assert summary.status is Status.HELD
    assert (shown(museum), shown(museum, "notes")) == (THERE, "Mitglied 2")
    [held] = summary.held
    assert held.reason == (
        "of 30 customers whom go~mus had before, values that syncd did not put there would be overwritten (tel 30); "
        "the limit is 20 customers"
    )
    assert [call for call in museum.writes() if "tel" in str(call.body)] == []


def test_what_is_held_stays_held_without_a_call(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE)
    museum.run()
    for _ in range(2):
        assert (museum.run().status, museum.calls()) == (Status.HELD, [])
    assert shown(museum) == THERE


def test_an_approval_releases_what_was_held(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE)
    museum.run()
    assert museum.approve()
    assert museum.run().status is Status.DONE
    assert [shown(museum, number=number) for number in range(1, 31)] == [
        museum.row(number)["phone"] for number in range(1, 31)
    ]
    assert_at_rest(museum)


def test_an_approval_does_not_cover_who_is_met_later(museum: Museum) -> None:
    museum.fill(60)
    late = museum.rows[30:]
    losing_state(museum, tel=THERE)
    museum.rows[:] = museum.rows[:30]
    museum.run()
    assert museum.approve()
    museum.rows.extend(late)
    summary = museum.run()
    assert summary.status is Status.HELD
    assert "tel 30" in summary.held[0].reason
    assert shown(museum, number=2) == museum.row(2)["phone"]
    assert shown(museum, number=50) == THERE


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_held_stays_held_though_others_come(museum: Museum, is_there: bool) -> None:
    museum.fill(31)
    losing_state(museum, tel=THERE)
    late = museum.rows.pop()
    museum.run()
    museum.rows.append(late if is_there else member(32))
    summary = museum.run()
    assert f"(tel {30 + is_there})" in summary.held[0].reason
    assert [shown(museum, number=number) for number in range(1, 31)] == [THERE] * 30


@pytest.mark.parametrize(("limit", "status"), [(0, Status.HELD), (29, Status.HELD), (30, Status.DONE)])
def test_the_limit_is_a_number_of_customers(museum: Museum, limit: int, status: Status) -> None:
    museum.fill(30)
    museum.limits = replace(DEFAULT_LIMITS, first_contact=limit)
    losing_state(museum, tel=THERE, name="Adele")
    assert museum.run().status is status


def test_those_who_were_met_in_a_run_that_died_are_counted_with_the_rest(museum: Museum) -> None:
    museum.fill(40)
    losing_state(museum, tel=THERE)
    with pytest.raises(Killed):
        museum.run(lambda _, number: Fault.KILLED_AFTER if number == 25 else None)
    assert museum.run().status is Status.HELD
    assert [shown(museum, number=number) for number in range(1, 41)] == [THERE] * 40


def test_those_who_could_not_be_looked_up_may_be_such(museum: Museum) -> None:
    museum.fill(40)
    losing_state(museum, tel=THERE)
    museum.run(lambda request, _: Fault.UNAVAILABLE if int(request.url.path[-4:]) % 2 else None)
    assert [shown(museum, number=number) for number in range(1, 41)] == [THERE] * 40
    assert museum.run().status is Status.HELD


@pytest.mark.in_part(3)
@pytest.mark.parametrize("call", range(1, 12))
def test_a_run_that_is_killed_while_it_fills_overwrites_nobody(museum: Museum, call: int) -> None:
    museum.fill(24)
    museum.batch_size = 5
    losing_state(museum, tel=THERE, notes=None)
    sent = 0

    def kill(request: object, _number: int) -> Fault | None:
        nonlocal sent
        sent += request.method == "PUT"  # type: ignore[attr-defined]  # a request
        return Fault.KILLED_AFTER if request.method == "PUT" and sent == call else None  # type: ignore[attr-defined]

    try:
        museum.run(kill)
    except Killed:
        museum.run()
    assert [shown(museum, number=number) for number in range(1, 25)] == [THERE] * 24
    assert museum.approve()
    museum.run()
    assert shown(museum) == museum.row(2)["phone"]


FORMS = [
    ({"tel_form": "compact"}, "phone", "+49 (30) 23125-{}"),
    ({"name_form": "upper"}, "family", "von Muster{}"),
    ({"notes_form": "escaped"}, "notes", "Mitglied & Freund {}"),
]


@pytest.mark.parametrize(("switches", "column", "pattern"), FORMS)
def test_a_form_is_not_counted_and_comes_to_rest(
    tmp_path: Path, switches: dict[str, str], column: str, pattern: str
) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), switches=Switches(**switches))  # type: ignore[arg-type]
    museum.fill(30)
    for row in museum.rows:
        row[column] = pattern.format(row["id"])
    museum.run()
    museum.lose_state()
    assert museum.run().status is Status.DONE
    assert_at_rest(museum)
    assert museum.verify(fix=True).drifts == ()
    museum.close()


def test_a_correction_of_capitals_is_no_form_that_is_learned(museum: Museum) -> None:
    says(museum, "ada", "name")
    museum.run()
    museum.change_remotely(2, name="Ada")
    assert museum.verify(fix=True).drifts
    assert shown(museum, "name") == "ada"
    museum.change_remotely(2, name="Ada")
    museum.lose_state()
    museum.run()
    assert shown(museum, "name") == "ada"


def test_how_a_customer_came_to_be_known_is_remembered(museum: Museum) -> None:
    museum.run()
    museum.lose_state()
    museum.fill(4)
    museum.run()
    says(museum, "Anders", "name")
    museum.run()
    found = museum.store.known.find("members", ["M-0002", "M-0004"])
    assert {name: known.origin for name, known in found.items()} == {
        "M-0002": Origin.ADOPTED,
        "M-0004": Origin.CREATED,
    }


# --- what the guards are told ---


def test_what_is_overwritten_at_first_contact_is_no_update_among_many(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE)
    for _ in range(2):
        assert [held.guard for held in museum.run().held] == [Guard.FIRST_CONTACT]


def test_what_is_changed_beside_is_an_update_among_many(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE)
    museum.run()
    for row in museum.rows:
        row["given"] = "Anders"
    summary = museum.run()
    assert [held.guard for held in summary.held] == [Guard.UPDATE, Guard.FIRST_CONTACT]
    assert "30 of 30 known customers would be updated" in summary.held[0].reason
    assert museum.writes() == []


def test_a_field_that_is_filled_is_none_that_is_overwritten(museum: Museum) -> None:
    museum.fill(30)
    losing_state(museum, tel=THERE)
    for number in range(1, 12):
        museum.change_remotely(number, tel=None)
    assert museum.run().status is Status.DONE


# --- what was cut off ---


def test_an_update_that_was_cut_off_teaches_what_it_sent_and_nothing_else(museum: Museum) -> None:
    starting(museum, "unless-changed")
    museum.change_remotely(2, tel=THERE)
    says(museum, "Anders", "name")
    with pytest.raises(Killed):
        museum.run(lambda request, _: Fault.KILLED_AFTER if request.method == "PUT" else None)
    says(museum, LATER)
    museum.run()
    assert (shown(museum), shown(museum, "name")) == (THERE, "Anders")


def test_a_customer_made_anew_by_staff_keeps_what_we_never_had(museum: Museum) -> None:
    says(museum, None)
    museum.run()
    [old] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.recreate(old.id, tel=THERE, notes=None)
    says(museum, "Anders", "name")
    museum.run()
    museum.run()
    assert (shown(museum), shown(museum, "name"), shown(museum, "notes")) == (THERE, "Anders", "Mitglied 2")
    assert_at_rest(museum)


# --- the page ---

PAGE = (Path(__file__).parents[2] / "docs/who-wins.md").read_text(encoding="utf-8")
SITUATIONS = [re.split(r" *[|] *", row)[1:7] for row in re.findall(r"(?m)^[|] (?:has|is) (?:[^|]*[|]){6}$", PAGE)]
SAYS = {"has another value": LATER, "is empty now": None, "is as before": HERE}
HOLDS = {
    "is as syncd left it": HERE,
    "was changed by staff": THERE,
    "was emptied by staff": None,
    "never held anything": None,
}


def test_the_page_has_every_situation_but_those_in_which_both_agree() -> None:
    agree = {("is as before", "is as syncd left it"), ("is empty now", "was emptied by staff")}
    never = {("is as before", "never held anything"), ("is empty now", "never held anything")}  # nothing to send
    assert {(one[0], one[1]) for one in SITUATIONS} == {(a, b) for a in SAYS for b in HOLDS} - agree - never


@pytest.mark.parametrize(("cell", "write"), [*enumerate(EVERY, start=2)])
def test_each_situation_comes_out_as_the_page_says(museum: Museum, cell: int, write: str) -> None:
    museum.fill(len(SITUATIONS))
    museum.who_wins["tel"] = write
    for number, (_, held, *_) in enumerate(SITUATIONS, start=1):
        says(museum, None if held == "never held anything" else HERE, number=number)
    museum.run()
    for number, (said, held, *_) in enumerate(SITUATIONS, start=1):
        if held.endswith("by staff"):
            museum.change_remotely(number, tel=HOLDS[held])
        says(museum, SAYS[said], number=number)
    museum.run()
    wins = {"the list's": SAYS, "go~mus's": HOLDS}
    expected = [wins[one[cell]][one[0] if one[cell] == "the list's" else one[1]] for one in SITUATIONS]
    assert [shown(museum, number=number) for number in range(1, len(SITUATIONS) + 1)] == expected
