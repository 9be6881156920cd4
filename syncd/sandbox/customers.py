"""A customer as the instance keeps it, and the rules a customer must meet; the messages are ActiveRecord's."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias

from .switches import Switches

Value: TypeAlias = str | int | bool | None


class Kind(Enum):
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"
    NUMBER = "number"


FIELDS: Mapping[str, Kind] = {
    "foreign_id": Kind.TEXT,
    "name": Kind.TEXT,
    "surname": Kind.TEXT,
    "email": Kind.TEXT,
    "tel": Kind.TEXT,
    "mobile": Kind.TEXT,
    "fax": Kind.TEXT,
    "customer_salutation_id": Kind.NUMBER,
    "customer_title_id": Kind.NUMBER,
    "is_institution": Kind.BOOLEAN,
    "institution": Kind.TEXT,
    "notes": Kind.TEXT,
    "language_id": Kind.NUMBER,
    "date_of_birth": Kind.DATE,
    "vat_number": Kind.TEXT,
    "addr_street": Kind.TEXT,
    "addr_zip": Kind.TEXT,
    "addr_city": Kind.TEXT,
    "addr_country_id": Kind.NUMBER,
    "addr_institution_id": Kind.NUMBER,
    "addr_category": Kind.TEXT,
}
ADDRESS_FIELDS = tuple(name for name in FIELDS if name.startswith("addr_"))
BLANK: Mapping[str, Value] = {name: False if kind is Kind.BOOLEAN else None for name, kind in FIELDS.items()}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FALSE = frozenset({"0", "f", "false", "off", "no"})
_LONGEST = {"notes": 65_535}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """`fields` holds each of FIELDS, None where it is empty; `further_addresses` are out of the API's reach."""

    id: int
    fields: Mapping[str, Value]
    further_addresses: tuple[Mapping[str, Value], ...] = ()
    orders: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def foreign_id(self) -> str | None:
        found = self.fields["foreign_id"]
        return None if found is None else str(found)

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One broken rule; `value` is what was sent."""

    field: str
    text: str
    value: object = None

    def words(self, *, quote: bool) -> str:
        """As ActiveRecord's full_messages: `foreign_id` becomes "Foreign"."""
        name = self.field.removesuffix("_id").replace("_", " ").capitalize()
        return f"{name} '{self.value}' {self.text}" if quote and self.value else f"{name} {self.text}"


def revise(
    fields: Mapping[str, Value], sent: Mapping[str, object], switches: Switches
) -> tuple[dict[str, Value], list[Complaint]]:
    """The fields with what was sent written over them, and what could not be read; unknown names are ignored."""
    revised, complaints = dict(fields), []
    for name, kind in FIELDS.items():
        value = sent.get(name)
        if name not in sent or isinstance(value, (dict, list)):
            continue  # strong parameters drop what is no scalar
        if value is None or value == "":
            if _clears(value, switches):
                revised[name] = BLANK[name]
            continue
        try:
            revised[name] = _cast(kind, value)
        except ValueError:
            complaints.append(Complaint(field=name, text="is invalid", value=value))
    return revised, complaints


def broken_rules(
    fields: Mapping[str, Value], known: Mapping[str, Collection[int]], switches: Switches
) -> Iterator[Complaint]:
    """The rules a customer must meet on its own; `known` are the ids that a field may refer to."""
    for name in sorted(switches.required):
        if not str(fields[name] or "").strip():
            yield Complaint(field=name, text="can't be blank")
    for name, value in fields.items():
        longest = _LONGEST.get(name, 255)
        if isinstance(value, str) and len(value) > longest:
            yield Complaint(field=name, text=f"is too long (maximum is {longest} characters)", value=value)
    for name, ids in known.items():
        if fields[name] is not None and fields[name] not in ids:
            yield Complaint(field=name, text="must exist", value=fields[name])
    if fields["email"] is not None and not _EMAIL.fullmatch(str(fields["email"])):
        yield Complaint(field="email", text="is invalid", value=fields["email"])


def _clears(value: object, switches: Switches) -> bool:
    return switches.cleared_by in ("both", "null" if value is None else "empty")


def _cast(kind: Kind, value: object) -> Value:
    """As a database column would take it; ValueError where it can't."""
    match kind:
        case Kind.TEXT:
            return str(value)
        case Kind.BOOLEAN:
            return str(value).casefold() not in _FALSE
        case Kind.NUMBER:
            return _positive(str(value))
        case Kind.DATE:
            return _iso_date(str(value))


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,17}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _iso_date(text: str) -> str:
    if not _ISO_DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()
