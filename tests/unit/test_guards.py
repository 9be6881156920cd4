"""Guards: what trips them, and what they hold."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.assembly import make_limits
from syncd.config.model import DeleteOptions, GuardOptions
from syncd.domain.changes import Cause, Create, Erase, Update
from syncd.domain.guards import Figures, Guard, Held, Limits, ask_guards, free_part, gauge, held_part
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
        ({"known": 3, "deletes": 3}, Guard.DELETE),
        ({"known": 25, "deletes": 20}, Guard.DELETE),
        ({"known": 10_000, "deletes": 101}, Guard.DELETE),
        ({"known": 10_000, "deletes": 1, "deleted": 100}, Guard.DELETE),
        ({"known": 440, "deletes": 2, "deleted": 21}, Guard.DELETE),
        ({"known": 200, "known_before": 300, "deletes": 16}, Guard.DELETE),
        ({"known": 100, "deletes": 1, "is_configuration_new": True}, Guard.CONFIGURATION),
        ({"known": 100, "unknown": 51, "is_absence_known": False}, Guard.CREATE),
        ({"known": 100, "unknown": 1, "pairs": {"M-47": "M-0047"}}, Guard.PAIR),
        ({"known": 100, "updates": 6, "exchanged": 6, "exchanging": {"email": 6}}, Guard.PERSON),
        ({"known": 100, "updates": 51}, Guard.UPDATE),
        ({"known": 100, "updates": 21, "cleared": {"tel": 21}}, Guard.CLEAR),
        ({"known": 100, "records": 104, "invalid": 21, "deletes": 1}, Guard.INVALID),
        ({"known": 100, "absent": 30, "unknown": 30}, Guard.IDENTITY),
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
        {"known": 2, "deletes": 2},  # fewer than three
        {"known": 440, "deletes": 1, "deleted": 21},
        {"known": 10, "deletes": 0, "deleted": 9},  # nothing is due
        {"known": 20, "updates": 20},
        {"known": 20, "updates": 20, "cleared": {"tel": 20}},
        {"records": 20, "invalid": 20, "deletes": 1},
        {"known": 100, "records": 104, "invalid": 90},  # nobody would be deleted
        {"known": 20, "absent": 20, "unknown": 20},
        {"known": 1000, "absent": 400, "unknown": 10},  # many leave, few come: for the delete guard to judge, in time
        {"known": 0, "unknown": 5000},  # a first run
        {"known": 0, "unknown": 5000, "is_absence_known": False},
        {"known": 100, "unknown": 50, "is_absence_known": False},
        {"known": 100, "unknown": 500},
        {"known": 100, "updates": 5, "exchanged": 5, "exchanging": {"email": 5}},  # no more than five
        {"known": 200, "updates": 10, "exchanged": 10, "exchanging": {"surname": 10}},  # exactly 5 %
        {"known": 0, "overwritten": 20},
        {"known": 0, "overwritten": 0, "unlooked": 5000},  # nobody would be overwritten
        {"known": 100, "is_configuration_new": True},
    ],
)
def test_at_the_limit_or_under_the_floor_none_trips(figures: dict[str, object]) -> None:
    assert tripped(**figures) == []


@pytest.mark.parametrize(
    ("guard", "held"),
    [
        (Guard.IDENTITY, [CREATE, UPDATE, ERASE]),
        (Guard.DELETE, [ERASE]),
        (Guard.CONFIGURATION, [ERASE]),
        (Guard.CREATE, [CREATE]),
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


def test_a_pair_holds_the_two_that_it_concerns() -> None:
    (held,) = ask_guards(Figures(known=9, pairs={"M-1": "M-3"}), LIMITS)
    assert [change for change in (CREATE, UPDATE, ERASE) if held.holds(change)] == [CREATE, ERASE]


def test_an_exchange_is_held_by_its_fields() -> None:
    held = Held(guard=Guard.PERSON, reason="", fields=frozenset({"surname"}))
    assert held.holds(replace(UPDATE, exchanged=("surname",)))
    assert not held.holds(replace(UPDATE, exchanged=("email",)))
    assert not held.holds(UPDATE)


def test_what_was_anonymized_already_is_held_by_none() -> None:
    begun = replace(ERASE, anonymized=True)
    assert not Held(guard=Guard.DELETE, reason="").holds(begun)


def test_a_guard_says_its_numbers() -> None:
    (held,) = ask_guards(Figures(known=420, deletes=22, deleted=3, known_before=423), LIMITS)
    assert held.reason == (
        "25 of 423 known customers would be deleted within 24 hours, 3 of them in the last 24 hours; "
        "the limit is 5 % and 100"
    )


def test_first_contact_is_told_by_field_and_with_those_who_could_not_be_looked_up() -> None:
    figures = Figures(overwritten=30, overwriting={"tel": 2, "addr_street": 30}, unlooked=3)
    (held,) = ask_guards(figures, LIMITS)
    assert held.reason == (
        "of 30 customers whom go~mus had before, values that syncd did not put there would be overwritten "
        "(addr_street 30, tel 2), and 3 could not be looked up; the limit is 20 customers"
    )


COUNTS = st.sampled_from([2, 3, 5, 6, 20, 21]) | st.integers(0, 400)  # at the floors, and wherever
FIGURES = st.builds(
    Figures,
    known=COUNTS,
    records=COUNTS,
    invalid=COUNTS,
    deletes=COUNTS,
    deleted=COUNTS,
    known_before=COUNTS,
    absent=COUNTS,
    unknown=COUNTS,
    updates=COUNTS,
    exchanged=COUNTS,
    cleared=st.dictionaries(st.sampled_from(["email", "tel"]), COUNTS),
    overwritten=COUNTS,
    unlooked=COUNTS,
)


@given(figures=FIGURES, percent=st.sampled_from([0, 0.1, 2.5, 10, 33.3, 100]), count=COUNTS)
def test_a_guard_trips_where_its_gauge_says_so(figures: Figures, percent: float, count: int) -> None:
    limits = replace(
        LIMITS,
        delete_percent=percent,
        delete_count=count,
        update_percent=percent,
        clear_percent=percent,
        identity_percent=percent,
        invalid_percent=percent,
        first_contact=count,
    )
    assert_tripped_as_gauged(figures, limits)


@pytest.mark.parametrize("known", [60, 1000])
@pytest.mark.parametrize(
    "figures_with",
    [
        lambda count: {"deletes": count},
        lambda count: {"deletes": 1, "invalid": count},
        lambda count: {"absent": count, "unknown": count},
        lambda count: {"updates": count},
        lambda count: {"exchanged": count},
        lambda count: {"cleared": {"tel": 1, "email": count}},
        lambda count: {"overwritten": count},
    ],
    ids=["deletes", "invalid", "ids", "updates", "exchanged", "cleared", "overwritten"],
)
def test_at_each_count_a_guard_trips_where_its_gauge_says_so(
    figures_with: Callable[[int], dict[str, object]], known: int
) -> None:
    for count in range(known):
        figures = Figures(known=known, records=known, **figures_with(count))  # type: ignore[arg-type]  # as each case says
        assert_tripped_as_gauged(figures, replace(LIMITS, delete_count=7))
        assert_tripped_as_gauged(figures, replace(LIMITS, delete_count=1000))


def assert_tripped_as_gauged(figures: Figures, limits: Limits) -> None:
    held = {held.guard for held in ask_guards(figures, limits)}
    assert held == {one.guard for one in gauge(figures, limits) if one.count > one.most}
