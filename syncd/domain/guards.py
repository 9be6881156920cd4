"""The guards: pure checks of the figures of a whole plan. A guard that trips says what it holds and why, in numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import chain, islice

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.letters.misread import Misreading

FLOOR = 20  # under this many, percentages mean nothing
ABSENT_AND_NEW_PERCENT = 5
NEW_PERCENT = 50
FEWEST_DELETED = 3  # fewer are never held for their share
FEWEST_EXCHANGED = 5
SHOWN_PAIRS = 3
OF_IDENTITY = ("surname", "email", "date_of_birth")


class Guard(Enum):
    DELETE = "delete"
    UPDATE = "update"
    CLEAR = "clear"
    INVALID = "invalid"
    IDENTITY = "identity"  # the ids look changed
    PAIR = "pair"  # an absent id and a new one that differ in their spelling alone
    PERSON = "identity_percent"  # who it is looks changed
    CREATE = "create"
    CONFIGURATION = "configuration"
    FIRST_CONTACT = "first_contact"
    LETTERS = "letters"  # names look misread


ALL_KINDS: frozenset[type[Change]] = frozenset((Create, Update, Erase))
HELD_KINDS: Mapping[Guard, frozenset[type[Change]]] = {
    Guard.IDENTITY: ALL_KINDS,
    Guard.PAIR: frozenset((Create, Erase)),
    Guard.CREATE: frozenset((Create,)),
    Guard.LETTERS: frozenset((Create, Update)),
    **dict.fromkeys((Guard.DELETE, Guard.INVALID, Guard.CONFIGURATION), frozenset((Erase,))),
    **dict.fromkeys((Guard.UPDATE, Guard.CLEAR, Guard.PERSON, Guard.FIRST_CONTACT), frozenset((Update,))),
}


class Word(Enum):
    """What a person has decided on a change that was held."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may happen at once: percentages of the known customers; `invalid_percent` is one of the records.

    `first_contact` and `delete_count` are numbers of customers. Of what is not among `actions` nothing happens at all.
    """

    delete_percent: float
    delete_count: int
    update_percent: float
    clear_percent: float
    identity_percent: float
    first_contact: int
    invalid_percent: float
    actions: frozenset[type[Change]] = ALL_KINDS  # what else is planned is shown alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the guards look at: changes on which no person has decided yet.

    `deletes` are due, `deleted` were erased for absence within the last day without a person's word; `known_before`
    were known when that day began. `absent`: those who are absent, since whenever; `unknown`: ids never seen before.
    `pairs`: new ids with the absent ones that they equal but for their spelling. `updates` are those that change what
    syncd wrote; `exchanged`: customers of whom a value that tells who they are would become another one, `exchanging`:
    how often which. `overwritten`: customers of whom values of somebody else would be replaced, `overwriting`: how
    often which field; `unlooked`: those who could not be looked up, and may be such.
    """

    known: int = 0
    records: int = 0
    invalid: int = 0
    deletes: int = 0
    deleted: int = 0
    known_before: int = 0
    absent: int = 0
    unknown: int = 0
    is_absence_known: bool = True
    is_configuration_new: bool = False
    pairs: Mapping[str, str] = field(default_factory=dict)
    updates: int = 0
    exchanged: int = 0
    exchanging: Mapping[str, int] = field(default_factory=dict)
    cleared: Mapping[str, int] = field(default_factory=dict)
    overwritten: int = 0
    overwriting: Mapping[str, int] = field(default_factory=dict)
    unlooked: int = 0
    misread: frozenset[str] = frozenset()
    misreading: Misreading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How near a guard is: it holds what is more than `most`."""

    guard: Guard
    count: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A guard that tripped. `fields` are those whose clearing or exchange is held, `ids` the customers that it concerns
    where it does not concern all.
    """

    guard: Guard
    reason: str
    fields: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def holds(self, change: Change) -> bool:
        match self.guard:
            case Guard.IDENTITY:
                return True
            case Guard.PAIR:
                return change.foreign_id in self.ids
            case Guard.LETTERS:
                return change.foreign_id in self.ids and not isinstance(change, Erase)
            case Guard.DELETE | Guard.INVALID | Guard.CONFIGURATION:
                return isinstance(change, Erase) and not change.anonymized
            case Guard.CREATE:
                return isinstance(change, Create)
            case Guard.UPDATE:
                return isinstance(change, Update)
            case Guard.CLEAR:
                return isinstance(change, Update) and not self.fields.isdisjoint(change.cleared)
            case Guard.PERSON:
                return isinstance(change, Update) and not self.fields.isdisjoint(change.exchanged)
            case Guard.FIRST_CONTACT:
                return isinstance(change, Update) and bool(change.overwriting)


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


def most_of(whole: int, *, percent: float, floor: int = FLOOR) -> int:
    """The most of so many that no guard holds."""
    return max(floor, int(whole * percent // 100))


def exceeds(count: int, whole: int, *, percent: float, floor: int = FLOOR) -> bool:
    return count > most_of(whole, percent=percent, floor=floor)


def gauge(figures: Figures, limits: Limits) -> tuple[Gauge, ...]:
    """How near each guard is that has a limit and something to count."""
    known, deletes = figures.known, figures.deletes
    counted = {
        Guard.IDENTITY: (min(figures.absent, figures.unknown), most_of(known, percent=ABSENT_AND_NEW_PERCENT)),
        Guard.DELETE: (deletes and deletes + figures.deleted, _most_deleted(figures, limits)),
        Guard.INVALID: (deletes and figures.invalid, most_of(figures.records, percent=limits.invalid_percent)),
        Guard.UPDATE: (figures.updates, most_of(known, percent=limits.update_percent)),
        Guard.PERSON: (
            figures.exchanged,
            most_of(known, percent=limits.identity_percent, floor=FEWEST_EXCHANGED),
        ),
        Guard.CLEAR: (max(figures.cleared.values(), default=0), most_of(known, percent=limits.clear_percent)),
        Guard.FIRST_CONTACT: (figures.overwritten and figures.overwritten + figures.unlooked, limits.first_contact),
    }
    return tuple(
        Gauge(guard=guard, count=count, most=most)
        for guard, (count, most) in counted.items()
        if count and HELD_KINDS[guard] & limits.actions
    )


def _most_deleted(figures: Figures, limits: Limits) -> int:
    whole = figures.known_before or figures.known
    return min(limits.delete_count, most_of(whole, percent=limits.delete_percent, floor=FEWEST_DELETED - 1))


def ask_guards(figures: Figures, limits: Limits) -> tuple[Held, ...]:
    tripped = chain(_of_ids(figures), _of_letters(figures), _of_deletes(figures, limits), _of_updates(figures, limits))
    return tuple(held for held in tripped if HELD_KINDS[held.guard] & limits.actions)


def _of_ids(figures: Figures) -> Iterator[Held]:
    known = figures.known
    if exceeds(min(figures.absent, figures.unknown), known, percent=ABSENT_AND_NEW_PERCENT):
        yield Held(
            guard=Guard.IDENTITY,
            reason=f"{figures.absent} of {known} known ids are absent and {figures.unknown} unknown ones have "
            "appeared: the ids themselves look changed (leading zeros gone, another prefix, another column)",
        )
    if figures.pairs:
        examples = ", ".join(f"{new} for {old}" for new, old in islice(sorted(figures.pairs.items()), SHOWN_PAIRS))
        yield Held(
            guard=Guard.PAIR,
            ids=frozenset(chain(figures.pairs, figures.pairs.values())),
            reason=f"{len(figures.pairs)} new ids equal absent ones but for their spelling ({examples}): `syncd link "
            "--renamed` says that they are the same customers, `syncd approve` that they are not",
        )
    if known and not figures.is_absence_known and exceeds(figures.unknown, known, percent=NEW_PERCENT):
        yield Held(
            guard=Guard.CREATE,
            reason=f"{figures.unknown} customers would be created beside {known} known ones, and this read does not "
            f"show who is absent; the limit is {NEW_PERCENT} %",
        )


def _of_letters(figures: Figures) -> Iterator[Held]:
    if (found := figures.misreading) is None:
        return
    yield Held(
        guard=Guard.LETTERS,
        ids=figures.misread,
        reason=f"{len(figures.misread)} customers have words that look misread, as where a list in {found.meant} was "
        f"opened as {found.taken_for} ({found.seen!r} for {found.letter!r}): export it anew from the program itself",
    )


def _of_deletes(figures: Figures, limits: Limits) -> Iterator[Held]:
    if not figures.deletes:
        return
    count, whole = figures.deletes + figures.deleted, figures.known_before or figures.known
    if count > _most_deleted(figures, limits):
        earlier = f", {figures.deleted} of them in the last 24 hours" if figures.deleted else ""
        yield Held(
            guard=Guard.DELETE,
            reason=f"{count} of {whole} known customers would be deleted within 24 hours{earlier}; "
            f"the limit is {limits.delete_percent:g} % and {limits.delete_count}",
        )
    if figures.is_configuration_new:
        yield Held(
            guard=Guard.CONFIGURATION,
            reason=f"{figures.deletes} of {figures.known} known customers would be deleted, for what decides who is "
            "absent has changed in the configuration (source, foreign_id, where, delete.mode or delete.grace)",
        )
    if exceeds(figures.invalid, figures.records, percent=limits.invalid_percent):
        yield Held(
            guard=Guard.INVALID,
            reason=f"{figures.invalid} of {figures.records} records are invalid; the limit is "
            f"{limits.invalid_percent:g} %, so nobody is deleted on this read",
        )


def _of_updates(figures: Figures, limits: Limits) -> Iterator[Held]:
    known = figures.known
    if exceeds(figures.updates, known, percent=limits.update_percent):
        yield Held(
            guard=Guard.UPDATE,
            reason=f"{figures.updates} of {known} known customers would be updated at once; "
            f"the limit is {limits.update_percent:g} %",
        )
    if exceeds(figures.exchanged, known, percent=limits.identity_percent, floor=FEWEST_EXCHANGED):
        yield Held(
            guard=Guard.PERSON,
            fields=frozenset(figures.exchanging),
            reason=f"{figures.exchanged} of {known} known customers would become somebody else "
            f"({_counts(figures.exchanging)}): a column looks sorted alone; the limit is {limits.identity_percent:g} %",
        )
    cleared = {
        name: count for name, count in figures.cleared.items() if exceeds(count, known, percent=limits.clear_percent)
    }
    if cleared:
        yield Held(
            guard=Guard.CLEAR,
            fields=frozenset(cleared),
            reason=f"fields would be emptied ({_counts(cleared)} of {known} known customers); "
            f"the limit is {limits.clear_percent:g} %",
        )
    yield from ask_at_first_contact(figures, limits)


def ask_at_first_contact(figures: Figures, limits: Limits) -> Iterator[Held]:
    """Asked again once all were looked up: no plan knows what go~mus shows of whom syncd does not know."""
    if not figures.overwritten or figures.overwritten + figures.unlooked <= limits.first_contact:
        return
    unlooked = f", and {figures.unlooked} could not be looked up" if figures.unlooked else ""
    yield Held(
        guard=Guard.FIRST_CONTACT,
        reason=f"of {figures.overwritten} customers whom go~mus had before, values that syncd did not put there would "
        f"be overwritten ({_counts(figures.overwriting)}){unlooked}; the limit is {limits.first_contact} customers",
    )


def _counts(fields: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(fields.items()))
