"""Guards: what trips them, and what they hold."""

import pytest

from syncd.assembly import make_limits
from syncd.config.model import DeleteOptions, GuardOptions
from syncd.domain.changes import Cause, Create, Erase, Update
from syncd.domain.guards import Figures, Guard, Held, ask_guards
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
    ],
)
def test_a_guard_holds_what_it_guards_and_lets_the_rest_through(guard: Guard, held: list[object]) -> None:
    assert [change for change in (CREATE, UPDATE, ERASE) if Held(guard=guard, reason="").holds(change)] == held


def test_the_clear_guard_holds_the_updates_that_empty_the_field() -> None:
    assert Held(guard=Guard.CLEAR, reason="", fields=frozenset({"tel"})).holds(UPDATE)
    assert not Held(guard=Guard.CLEAR, reason="", fields=frozenset({"mobile"})).holds(UPDATE)


def test_a_guard_says_its_numbers() -> None:
    (held,) = ask_guards(Figures(known=420, deletes=22), LIMITS)
    assert held.reason == "22 of 420 known customers would be deleted at once; the limit is 5 % and 20"
