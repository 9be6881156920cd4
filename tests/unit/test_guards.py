"""Guards: what trips them, and what they hold."""

from dataclasses import replace

import pytest

from syncd.assembly import make_limits
from syncd.config.model import DeleteOptions, GuardOptions
from syncd.domain.changes import Cause, Create, Erase, Update
from syncd.domain.guards import Figures, Guard, Held, ask_guards, free_part, held_part
from syncd.domain.records import Digests

LIMITS = make_limits(DeleteOptions(), GuardOptions())
NONE = Digests(record=b"", fields={})
CREATE = Create(foreign_id="M-1", fields={"name": "Ada"}, digests=NONE, source_digest=b"")
UPDATE = Update(foreign_id="M-2", gomus_id=2, fields={"tel": None}, digests=NONE, source_digest=b"")
ERASE = Erase(foreign_id="M-3", gomus_id=3, cause=Cause.ABSENCE)


def tripped(**figures: object) -> list[Guard]:
    return [held.guard for held in ask_guards(Figures(**figures), LIMITS)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figures", "guard"),
    [
        ({"known": 420, "deletes": 22}, Guard.DELETE),
        ({"known": 100, "updates": 51}, Guard.UPDATE),
        ({"known": 100, "updates": 21, "cleared": {"tel": 21}}, Guard.CLEAR),
        ({"known": 100, "records": 104, "invalid": 21}, Guard.INVALID),
        ({"known": 100, "vanished": 30, "unknown": 30}, Guard.IDENTITY),
        ({"known": 0, "overwritten": 21}, Guard.FIRST_CONTACT),
        ({"known": 0, "overwritten": 1, "unlooked": 20}, Guard.FIRST_CONTACT),
    ],
)
def test_over_the_limit_a_guard_trips(figures: dict[str, object], guard: Guard) -> None:
    assert tripped(**figures) == [guard]


@pytest.mark.parametrize(
    "figures",
    [
        {"known": 440, "deletes": 22},  # exactly 5 %
        {"known": 21, "deletes": 20},  # nearly all, but not more than 20
        {"known": 20, "updates": 20},
        {"known": 20, "updates": 20, "cleared": {"tel": 20}},
        {"records": 20, "invalid": 20},
        {"known": 20, "vanished": 20, "unknown": 20},
        {"known": 1000, "vanished": 400, "unknown": 10},  # many leave, few come: for the delete guard to judge, in time
        {"known": 0, "unknown": 5000},  # a first run
        {"known": 0, "overwritten": 20},
        {"known": 0, "overwritten": 0, "unlooked": 5000},  # nobody would be overwritten
    ],
)
def test_at_the_limit_or_under_the_floor_none_trips(figures: dict[str, object]) -> None:
    assert tripped(**figures) == []


@pytest.mark.parametrize(
    ("guard", "held"),
    [
        (Guard.IDENTITY, [CREATE, UPDATE, ERASE]),
        (Guard.DELETE, [ERASE]),
        (Guard.INVALID, [ERASE]),
        (Guard.UPDATE, [UPDATE]),
        (Guard.FIRST_CONTACT, []),
    ],
)
def test_a_guard_holds_what_it_guards_and_lets_the_rest_through(guard: Guard, held: list[object]) -> None:
    assert [change for change in (CREATE, UPDATE, ERASE) if Held(guard=guard, reason="").holds(change)] == held


def test_the_clear_guard_holds_the_updates_that_empty_the_field() -> None:
    assert Held(guard=Guard.CLEAR, reason="", fields=frozenset({"tel"})).holds(UPDATE)
    assert not Held(guard=Guard.CLEAR, reason="", fields=frozenset({"mobile"})).holds(UPDATE)


MET = Update(
    foreign_id="M-4",
    gomus_id=4,
    fields={"tel": "+49301", "notes": "new", "email": "ada@example.org"},
    digests=Digests(fields={"tel": b"ours", "notes": b"note", "email": b"mail"}),
    source_digest=b"record",
    before=Digests(fields={"notes": b"", "email": b"old"}, shown={"tel": b"theirs", "email": b"OLD"}),
)
AT_FIRST_CONTACT = Held(guard=Guard.FIRST_CONTACT, reason="")


def test_at_first_contact_the_overwriting_alone_is_held() -> None:
    held, free = held_part(MET, [AT_FIRST_CONTACT]), free_part(MET, [AT_FIRST_CONTACT])
    assert isinstance(held, Update)
    assert isinstance(free, Update)
    assert held.fields == {"tel": "+49301"}
    assert free.fields == {"notes": "new", "email": "ada@example.org"}


def test_the_free_part_is_no_more_than_what_it_says() -> None:
    free = free_part(MET, [AT_FIRST_CONTACT])
    assert isinstance(free, Update)
    assert free.digests == Digests(fields={"notes": b"note", "email": b"mail"}, shown={"tel": b"theirs"})
    assert free.source_digest == b""  # the record is compared again


def test_what_only_overwrites_is_held_as_a_whole() -> None:
    update = replace(MET, fields={"tel": "+49301"})
    assert held_part(update, [AT_FIRST_CONTACT]) == update
    assert free_part(update, [AT_FIRST_CONTACT]) is None


def test_another_guard_holds_the_filling_too() -> None:
    held = [AT_FIRST_CONTACT, Held(guard=Guard.UPDATE, reason="")]
    assert held_part(MET, held) == MET
    assert free_part(MET, held) is None


def test_those_who_were_approved_are_spared() -> None:
    spares = replace(AT_FIRST_CONTACT, spares_planned=True)
    assert held_part(MET, [spares]) is None
    assert held_part(replace(MET, is_adopted=True), [spares]) is not None


def test_a_guard_says_its_numbers() -> None:
    (held,) = ask_guards(Figures(known=420, deletes=22), LIMITS)
    assert held.reason == "22 of 420 known customers would be deleted at once; the limit is 5 % and 20"


def test_first_contact_is_told_by_field_and_with_those_who_could_not_be_looked_up() -> None:
    figures = Figures(overwritten=30, overwriting={"tel": 2, "addr_street": 30}, unlooked=3)
    (held,) = ask_guards(figures, LIMITS)
    assert held.reason == (
        "of 30 customers whom go~mus had before, values that syncd did not put there would be overwritten "
        "(addr_street 30, tel 2), and 3 could not be looked up; the limit is 20 customers"
    )
