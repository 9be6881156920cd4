"""The guards: pure checks of the figures of a whole plan. A guard that trips says what it holds and why, in numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from syncd.domain.changes import Change, Erase, Update

FLOOR = 20  # under this many, percentages mean nothing
IDENTITY_PERCENT = 5


class Guard(Enum):
    DELETE = "delete"
    UPDATE = "update"
    CLEAR = "clear"
    INVALID = "invalid"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may happen at once: percentages of the known customers; `invalid_percent` is one of the records."""

    delete_percent: float
    delete_count: int
    update_percent: float
    clear_percent: float
    invalid_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the guards look at. `vanished`: customers absent for the first time; `unknown`: ids never seen before."""

    known: int = 0
    records: int = 0
    invalid: int = 0
    deletes: int = 0
    vanished: int = 0
    unknown: int = 0
    updates: int = 0
    cleared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A guard that tripped; `fields` are those whose clearing is held."""

    guard: Guard
    reason: str
    fields: frozenset[str] = frozenset()

    def holds(self, change: Change) -> bool:
        match self.guard:
            case Guard.IDENTITY:
                return True
            case Guard.DELETE | Guard.INVALID:  # a source that can't be read well does not prove absence
                return isinstance(change, Erase) and not change.anonymized
            case Guard.UPDATE:
                return isinstance(change, Update)
            case Guard.CLEAR:
                return isinstance(change, Update) and not self.fields.isdisjoint(change.cleared)


def how_to_release(sync: str) -> str:
    """The remedy for what a guard holds."""
    return f"see `syncd plan {sync}`; release it with `syncd approve {sync}`, or mend the source"


def exceeds(count: int, whole: int, *, percent: float, floor: int = FLOOR) -> bool:
    return count > floor and count * 100 > whole * percent


def ask_guards(figures: Figures, limits: Limits) -> tuple[Held, ...]:
    return tuple(_ask(figures, limits))


def _ask(figures: Figures, limits: Limits) -> Iterator[Held]:
    known = figures.known
    if exceeds(min(figures.vanished, figures.unknown), known, percent=IDENTITY_PERCENT):
        yield Held(
            guard=Guard.IDENTITY,
            reason=f"{figures.vanished} of {known} known ids have vanished and {figures.unknown} unknown ones have "
            "appeared: the ids themselves look changed (leading zeros gone, another prefix, another column)",
        )
    if exceeds(figures.deletes, known, percent=limits.delete_percent, floor=limits.delete_count):
        yield Held(
            guard=Guard.DELETE,
            reason=f"{figures.deletes} of {known} known customers would be deleted at once; "
            f"the limit is {limits.delete_percent:g} % and {limits.delete_count}",
        )
    if exceeds(figures.updates, known, percent=limits.update_percent):
        yield Held(
            guard=Guard.UPDATE,
            reason=f"{figures.updates} of {known} known customers would be updated at once; "
            f"the limit is {limits.update_percent:g} %",
        )
    cleared = {
        name: count for name, count in figures.cleared.items() if exceeds(count, known, percent=limits.clear_percent)
    }
    if cleared:
        counts = ", ".join(f"{name} for {count}" for name, count in sorted(cleared.items()))
        yield Held(
            guard=Guard.CLEAR,
            fields=frozenset(cleared),
            reason=f"fields would be emptied ({counts} of {known} known customers); "
            f"the limit is {limits.clear_percent:g} %",
        )
    if exceeds(figures.invalid, figures.records, percent=limits.invalid_percent):
        yield Held(
            guard=Guard.INVALID,
            reason=f"{figures.invalid} of {figures.records} records are invalid; the limit is "
            f"{limits.invalid_percent:g} %, so nobody is deleted on this read",
        )
