"""A customer as the instance keeps it, and the rules a customer must meet; the messages are ActiveRecord's."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias

from .forms import kept, spelt
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
    """`fields` holds each of FIELDS, None where it is empty; `further_addresses` are out of the API's reach.

    `has_login`: the customer has an account of the web shop, whose name is the e-mail address.
    """

    id: int
    fields: Mapping[str, Value]
    further_addresses: tuple[Mapping[str, Value], ...] = ()
    orders: int = 0
    has_login: bool = False
    created_at: datetime
    updated_at: datetime

    @property
    def foreign_id(self) -> str | None:
        found = self.fields["foreign_id"]
        return None if found is None else str(found)

    @property
    def addresses(self) -> tuple[Mapping[str, Value], ...]:
        """All of them; the first where there is anything in it."""
        first = {name.removeprefix("addr_"): self.fields[name] for name in ADDRESS_FIELDS}
        return (first, *self.further_addresses) if any(first.values()) else self.further_addresses

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One broken rule; `value` is what was sent, `about` the name of the customer whose it is."""

    field: str
    text: str
    value: object = None
    about: str = ""

    def words(self, switches: Switches) -> str:
        """As ActiveRecord's full_messages: `foreign_id` becomes "Foreign"."""
        name = self.field.removesuffix("_id").replace("_", " ").capitalize()
        quoted = f" '{self.value}'" if switches.errors_quote_values and self.value else ""
        told = spelt(self.about, switches.errors_tell)
        return f"{name}{quoted} {self.text}" + (f" ({told})" if told else "")


def revise(
    fields: Mapping[str, Value], sent: Mapping[str, object], switches: Switches
) -> tuple[dict[str, Value], list[Complaint]]:
    """The fields with what was sent written over them, and what could not be read; unknown names are ignored."""
    revised, complaints = dict(fields), []
    for name, kind in FIELDS.items():
        value = sent.get(name)
        if name not in sent or isinstance(value, (dict, list)):
            continue  # strong parameters drop what is no scalar
        try:
            if value is not None and value != "":
                revised[name] = _cast(kind, name, value, switches)
            elif _clears(kind, value, switches):
                revised[name] = BLANK[name]
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


def kept_rules(customer: Customer, fields: Mapping[str, Value], switches: Switches) -> Iterator[Complaint]:
    """The rules that a customer must meet after it has changed from what it was."""
    needs_email = customer.has_login and switches.login_email == "required"
    for name in sorted(switches.unemptied | ({"email"} if needs_email else set())):
        if fields[name] is None and customer[name] is not None:
            yield Complaint(field=name, text="can't be blank")
    is_fixed = customer.has_login and switches.login_email == "fixed"
    if is_fixed and fields["email"] != customer["email"]:
        yield Complaint(field="email", text="can't be changed", value=fields["email"])


def full_name(fields: Mapping[str, Value]) -> str:
    return " ".join(str(fields[name]) for name in ("name", "surname") if fields[name])


def _clears(kind: Kind, value: object, switches: Switches) -> bool:
    """ValueError where it is no blank at all."""
    if kind in (Kind.NUMBER, Kind.DATE) and switches.blank_dates == "null-only":
        if value == "":
            raise ValueError(value)
        return True
    return switches.cleared_by in ("both", "null" if value is None else "empty")


def _cast(kind: Kind, name: str, value: object, switches: Switches) -> Value:
    """As a database column would take it; ValueError where it can't."""
    match kind:
        case Kind.TEXT:
            return kept(name, str(value), switches)
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
