"""The guards: pure checks of the figures of a whole plan. A guard that trips says what it holds and why, in numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    FIRST_CONTACT = "first_contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may happen at once: percentages of the known customers; `invalid_percent` is one of the records.

    `first_contact` and `delete_count` are numbers of customers.
    """

    delete_percent: float
    delete_count: int
    update_percent: float
    clear_percent: float
    first_contact: int
    invalid_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the guards look at. `vanished`: customers absent for the first time; `unknown`: ids never seen before.

    `updates` are those that change what syncd wrote. `overwritten`: customers of whom values of somebody else would be
    replaced, `overwriting`: how often which field; `unlooked`: those who could not be looked up, and may be such.
    """

    known: int = 0
    records: int = 0
    invalid: int = 0
    deletes: int = 0
    vanished: int = 0
    unknown: int = 0
    updates: int = 0
    cleared: Mapping[str, int] = field(default_factory=dict)
    overwritten: int = 0
    overwriting: Mapping[str, int] = field(default_factory=dict)
    unlooked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A guard that tripped; `fields` are those whose clearing is held.

    `spares_planned`: those who were known before this run are let through, for a person has approved them.
    """

    guard: Guard
    reason: str
    fields: frozenset[str] = frozenset()
    spares_planned: bool = False

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
            case Guard.FIRST_CONTACT:
                if not isinstance(change, Update) or (self.spares_planned and not change.is_adopted):
                    return False
                return bool(change.overwriting)


def held_part(change: Change, held: Sequence[Held]) -> Change | None:
    """What of a change is held: at first contact only the overwriting, else all of it."""
    guards = {guard.guard for guard in held if guard.holds(change)}
    if guards == {Guard.FIRST_CONTACT} and isinstance(change, Update):
        return replace(change, fields={name: change.fields[name] for name in change.overwriting})
    return change if guards else None


def free_part(change: Change, held: Sequence[Held]) -> Change | None:
    """What of a change goes on."""
    part = held_part(change, held)
    if part is None:
        return change
    if not isinstance(change, Update) or not isinstance(part, Update) or len(part.fields) == len(change.fields):
        return None
    return change.without(part.fields)


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
    yield from ask_at_first_contact(figures, limits)
    if exceeds(figures.invalid, figures.records, percent=limits.invalid_percent):
        yield Held(
            guard=Guard.INVALID,
            reason=f"{figures.invalid} of {figures.records} records are invalid; the limit is "
            f"{limits.invalid_percent:g} %, so nobody is deleted on this read",
        )


def ask_at_first_contact(figures: Figures, limits: Limits, *, spares_planned: bool = False) -> Iterator[Held]:
    """Asked again once all were looked up: no plan knows what go~mus shows of whom syncd does not know."""
    if not figures.overwritten or figures.overwritten + figures.unlooked <= limits.first_contact:
        return
    counts = ", ".join(f"{name} {count}" for name, count in sorted(figures.overwriting.items()))
    unlooked = f", and {figures.unlooked} could not be looked up" if figures.unlooked else ""
    yield Held(
        guard=Guard.FIRST_CONTACT,
        spares_planned=spares_planned,
        reason=f"of {figures.overwritten} customers whom go~mus had before, values that syncd did not put there would "
        f"be overwritten ({counts}){unlooked}; the limit is {limits.first_contact} customers",
    )
