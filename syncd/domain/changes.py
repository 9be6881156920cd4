"""What a run intends for each customer, and what came of it: changes and outcomes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import ClassVar, TypeAlias, TypeVar

from syncd.domain.records import Digests, Value
from syncd.domain.trail import Entry

V = TypeVar("V")


class Action(Enum):
    """What is done to one customer; the names are those of the log and the journal."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"  # found under its foreign_id instead of being created
    ANONYMIZE = "anonymize"
    DELETE = "delete"
    RELEASE = "release"  # only its foreign_id is taken off
    LINK = "link"  # it gets another foreign_id


class Result(Enum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # needed no call, or go~mus will not have it and that is final


class Ending(Enum):
    """What is left of a customer that goes."""

    DELETE = "delete"  # nothing: anonymized, then deleted
    KEEP = "keep"  # the anonymized customer, without its foreign_id
    RELEASE = "release"  # the customer as it is, without its foreign_id


class Cause(Enum):
    """Why a customer is erased; it decides what the tombstone allows later."""

    ABSENCE = "absence"  # may come back: is then created anew
    REQUEST = "request"  # never again without a person's word


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A customer that we do not know yet. Fields that are None are not sent.

    `is_unmet`: nobody has looked whether it is in go~mus, which refuses whom it has already. Whoever is found after the
    call was there before, or is our own doing; only the values tell.

    With a `gomus_id` it is a customer that go~mus has already, and gets its foreign_id instead of being created;
    `is_decided`: a person has said that it is this one. `filled` are the fields that are sent with it, once go~mus was
    seen to have nothing in them.
    """

    order: ClassVar[int] = 1

    foreign_id: str
    fields: Mapping[str, Value] = field(repr=False)
    digests: Digests
    source_digest: bytes
    is_unmet: bool = False
    gomus_id: int | None = None
    is_decided: bool = False
    filled: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        return Action.CREATE if self.gomus_id is None else Action.LINK

    @property
    def content(self) -> bytes:
        """What a refusal, or a person's word, is about."""
        return content_of(self.digests.record, self.gomus_id)

    @property
    def wanted(self) -> dict[str, Value]:
        """All that go~mus is to show."""
        return {name: self.fields.get(name) for name in self.digests.fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The changed fields of a known customer.

    `digests` is all that will be known once they are accepted, `before` what is known until then. Without a
    `source_digest` the record is compared again. `exchanged`: fields that tell who somebody is, and had another value
    before. `is_adopted`: the customer was found in this run. `kept`: fields that are not sent, for go~mus keeps its own
    value.
    """

    order: ClassVar[int] = 2
    action: ClassVar[Action] = Action.UPDATE

    foreign_id: str
    gomus_id: int
    fields: Mapping[str, Value] = field(repr=False)
    digests: Digests
    source_digest: bytes
    before: Digests = field(default_factory=Digests)
    exchanged: tuple[str, ...] = ()
    is_adopted: bool = False
    kept: tuple[str, ...] = ()

    @property
    def cleared(self) -> tuple[str, ...]:
        return tuple(name for name, value in self.fields.items() if value is None)

    @property
    def overwriting(self) -> tuple[str, ...]:
        """The fields in which go~mus holds what somebody else put there."""
        return tuple(name for name in self.before.of_others if name in self.fields)

    def without(self, names: Collection[str]) -> "Update":
        """The other fields alone. These stay known as they are, and are due again with the next read."""
        is_kin = self.before.scheme == self.digests.scheme
        digests = replace(
            self.digests,
            fields=_overlaid(self.digests.fields, names, self.before.fields if is_kin else {}),
            shown=_overlaid(self.digests.shown, names, self.before.shown if is_kin else {}),
        )
        fields = _overlaid(self.fields, names, {})
        return replace(self, fields=fields, digests=digests, source_digest=NO_RECORD)

    def keeping(self, theirs: Mapping[str, bytes]) -> "Update":
        """The other fields alone. In these go~mus keeps its own values, with the given digests, for good."""
        digests = replace(
            self.digests,
            fields=_overlaid(self.digests.fields, theirs, {}),
            shown={**self.digests.shown, **theirs},
        )
        return replace(self, fields=_overlaid(self.fields, theirs, {}), digests=digests, kept=tuple(theirs))


NO_RECORD = b""


def content_of(record: bytes, gomus_id: int | None) -> bytes:
    """Stands for a record, and for the customer of go~mus that it is said to be."""
    return record if gomus_id is None else record + f" {gomus_id}".encode()


def _overlaid(mapping: Mapping[str, V], names: Collection[str], others: Mapping[str, V]) -> dict[str, V]:
    """The mapping with what `others` have under these names, if anything."""
    kept = {name: value for name, value in mapping.items() if name not in names}
    return kept | {name: value for name, value in others.items() if name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Anonymize, read back and delete; or less, as `ending` says. Without a number it is looked for by its id alone.

    `is_approved`: a person has decided on it, not only the rules.
    """

    order: ClassVar[int] = 3

    foreign_id: str
    gomus_id: int | None
    cause: Cause
    ending: Ending = Ending.DELETE
    anonymized: bool = False  # that step is done already: only the delete is due
    is_approved: bool = False

    @property
    def action(self) -> Action:
        return Action.RELEASE if self.ending is Ending.RELEASE else Action.DELETE


Change: TypeAlias = Create | Update | Erase


def names_sent(change: Change) -> tuple[str, ...]:
    """The fields that a change sends."""
    match change:
        case Erase():
            return ()
        case Create() if change.gomus_id is not None:
            return ("foreign_id", *change.filled)
        case _:
            return tuple(change.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one step of one change.

    `settled` is False where the effect is still unknown: the intent stays open, and the next run looks first.
    `reached` is False where go~mus itself said nothing, not even to a look.
    `known` is what go~mus has confirmed to hold now; None where nothing was accepted.
    `differing` are the fields an adopted customer still needs; `stale` says that the change was made for another
    customer than the one found, so that the next run has to compare anew. `untouched` says of an erasure that failed
    that it has changed nothing, `trail` what it did and saw.
    """

    change: Change
    action: Action
    result: Result
    gomus_id: int | None = None
    status: int | None = None
    attempts: int = 1
    error: str | None = None
    settled: bool = True
    reached: bool = True
    refused: bool = False  # the record's own fault: it is set aside
    known: Digests | None = None
    differing: Mapping[str, Value] = field(default_factory=dict, repr=False)
    stale: bool = False
    untouched: bool = False
    trail: tuple[Entry, ...] = ()
