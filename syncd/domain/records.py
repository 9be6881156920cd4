"""The nouns that flow through a run: what the source gave, what go~mus should have, what it last confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Self, TypeAlias

from syncd.reasons import Told

Value: TypeAlias = str | int | bool | None
"""A go~mus field's value as it is sent; dates are ISO text, None clears the field."""


class FieldKind(Enum):
    """How values of a go~mus field are checked and compared."""

    TEXT = "text"
    EMAIL = "email"
    DATE = "date"  # ISO 8601 text, `1980-12-31`
    BOOLEAN = "boolean"
    ID = "id"  # an integer id of the instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One customer field of the go~mus API.

    `code` stands for the field in packed digests: never reused, 1 to 255. `personal` fields are overwritten when a
    customer is anonymized: by `placeholder` where the API wants a value, else by nothing. One that `may_be_hidden` can
    be written, and is in some instances' answers only. One that `has_lines` is text as people lay it out.
    """

    name: str
    code: int
    kind: FieldKind = FieldKind.TEXT
    max_length: int = 255
    personal: bool = True
    placeholder: str | None = None
    may_be_hidden: bool = False
    has_lines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a record stands in its source, for messages: file and first line, or page and number.

    `unit` is what is counted: "members.csv line 17", "page 3 record 17".
    """

    source: str
    line: int | None = None
    unit: str = "line"

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source} {self.unit} {self.line}"


class DateCell(str):
    """The ISO text of a spreadsheet's date cell: a day, or what was typed as 1-2 and has become one."""

    __slots__ = ()


class NumberCell(str):
    """What a spreadsheet shows of a number in its format, as 000047 of 47; `plain` is the number alone."""

    __slots__ = ("plain",)
    plain: str

    def __new__(cls, shown: str, plain: str) -> Self:
        cell = super().__new__(cls, shown)
        cell.plain = plain
        return cell


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """A record as the source gave it: text from tables, any JSON value from APIs.

    `deleted` says that the source itself reports it as deleted; then only its id need be in `values`. `raw` is the
    record as it stands in a file, line end included; None where it does not stand there as others do.
    """

    values: Mapping[str, object] = field(repr=False)
    position: Position
    deleted: bool = False
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that can't be a record, and was left out; the reason never quotes a cell."""

    position: Position
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Why the last record of a source is listed: it may be a part of one.

    `version` tells one state of the source from another: what a later one shows again is whole.
    """

    position: Position
    reason: Told
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The desired state in go~mus fields; a field that is not named is left alone, None clears it."""

    foreign_id: str
    fields: Mapping[str, Value] = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """Why one field of a record can't be mapped; the reason never quotes the value."""

    field: str
    reason: Told

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRecord:
    """A record that is present in the source but can't be sent. `foreign_id` is None where it can't be read.

    `name` stands in its place where the person was erased on request: the keyed digest that the tombstone has.
    """

    foreign_id: str | None
    position: Position
    problems: tuple[FieldProblem, ...]
    name: bytes | None = None


NEVER_COMPARED = b""
SCHEME = 2  # how digests are made today; those of another scheme are compared under it, and made anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Keyed digests of one customer: 16 bytes for the mapped record, 8 bytes for each field.

    A record that was NEVER_COMPARED, because the customer was adopted or read back, has a digest that equals none.
    `shown` are the fields that go~mus keeps in a form of its own: what it showed when it accepted what `fields` say. A
    field that is in `shown` alone holds what somebody else put there.
    """

    record: bytes = NEVER_COMPARED
    fields: Mapping[str, bytes] = field(default_factory=dict)
    shown: Mapping[str, bytes] = field(default_factory=dict)
    scheme: int = SCHEME

    @property
    def of_others(self) -> tuple[str, ...]:
        return tuple(name for name in self.shown if name not in self.fields)


class Origin(Enum):
    """How a customer came to be known."""

    CREATED = "created"
    ADOPTED = "adopted"  # found under its foreign_id instead of being created
    LINKED = "linked"  # go~mus had it before, and was given its foreign_id


class Stage(Enum):
    """How far a known customer is in its life."""

    ACTIVE = "active"
    ERASING = "erasing"  # an erasure was sent: whether it has begun, a look tells
    ANONYMIZED = "anonymized"  # anonymized and read back; the delete is still due
    RELEASING = "releasing"  # its foreign_id is being taken off


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomer:
    """Our memory of what go~mus last confirmed: ids, digests, times, no values.

    `row` is its number in the state database. `source_digest` is that of the source record that led to `digests`, and
    spares mapping it again; None where there was none.
    """

    row: int
    foreign_id: str
    gomus_id: int | None
    digests: Digests
    source_digest: bytes | None
    absent_since: datetime | None
    stage: Stage
    origin: Origin

    def remembers(self, source_digest: bytes) -> bool:
        """Whether it is the very record that led to what go~mus holds."""
        is_today = self.digests.scheme == SCHEME
        return is_today and self.source_digest == source_digest and self.stage is Stage.ACTIVE


@dataclass(frozen=True, slots=True)
class KnownBrief:
    """The part of a known customer that decides about absence; `row` is its number in the state database.

    `told_gone`: the source itself has said that the customer is deleted.
    """

    row: int
    foreign_id: str
    gomus_id: int | None
    absent_since: datetime | None
    told_gone: bool
    stage: Stage
    origin: Origin = Origin.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCustomer:
    """A customer as go~mus answered it, in the names that syncd sends; `addresses` counts its addresses.

    A field that is not in `fields` is not shown, and may hold anything.
    """

    gomus_id: int
    foreign_id: str | None
    fields: Mapping[str, Value] = field(repr=False)
    addresses: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupEntry:
    """One salutation, title, country or language of the instance: its id, and the names and codes it goes by."""

    id: int
    names: tuple[str, ...]
