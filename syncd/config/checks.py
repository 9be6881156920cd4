"""Checks of single values of the configuration: where the state is, which time zone is meant, how good a key is."""

import re
from datetime import UTC
from importlib.util import find_spec
from zoneinfo import available_timezones

from pydantic import SecretStr
from pydantic_core import PydanticCustomError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syncd.domain.nearest import suggest
from syncd.domain.schedule import parse_schedule
from syncd.errors import lacks_extra
from syncd.gomus.fields import FIELDS
from syncd.machine.processes import CAN_LIMIT_MEMORY
from syncd.sources import find_source
from syncd.sources.base import SourceOptions, error_at

SHORTEST_KEY, FEWEST_SIGNS = 12, 6  # signs in all, and different ones
_STATE_URLS = "must be 'sqlite:///FILE' or 'postgresql+psycopg://HOST/DATABASE'"


def check_state_url(url: str) -> str:
    """Never quotes the URL, which may hold a password."""
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(_STATE_URLS) from None
    if parsed.drivername == "sqlite":
        if parsed.host or parsed.query or parsed.database in (None, "", ":memory:"):
            raise ValueError("names no file: 'sqlite:///syncd.db' is one beside this configuration")
    elif parsed.drivername != "postgresql+psycopg":
        raise ValueError(_STATE_URLS)
    elif not find_spec("psycopg"):
        raise ValueError(lacks_extra("postgres"))
    return url


def is_url(place: str) -> bool:
    """`C:/erasures.ledger` is none: one letter is that of a drive."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", place) is not None


def check_ledger(place: str) -> str:
    """A path, or a URL as that of the state."""
    if is_url(place):
        return check_state_url(place)
    if not place.strip():
        raise ValueError("names no file: 'erasures.ledger' is one beside this configuration")
    return place


def check_memory(megabytes: int) -> int:
    if not CAN_LIMIT_MEMORY:
        raise ValueError("can't be held to on this system: leave it out")
    return megabytes


def check_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not a time zone such as 'Europe/Berlin'{_suggest_zone(name)}")
    return name


def _suggest_zone(name: str) -> str:
    if re.fullmatch(r"ME(S)?Z|CES?T", name, re.IGNORECASE):
        return "; did you mean 'Europe/Berlin'?"
    if re.search(r"\d", name):  # UTC+1 is not near to UTC
        return "; a city tells summer from winter time, which a number of hours does not"
    if name.endswith(" Time"):  # as Windows calls them
        return ""
    return suggest(name, [zone for zone in available_timezones() if "/" in zone])


def check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"the name {name!r} may have letters, digits, '-' and '_' only")
    return name


def check_schedule(text: str) -> str:
    parse_schedule(text, UTC)
    return text


def check_field(name: str) -> str:
    if name not in FIELDS:
        raise ValueError(f"go~mus has no customer field {name!r}{suggest(name, FIELDS)}")
    return name


def validate_source(value: object) -> SourceOptions:
    """Each adapter declares its options beside itself; `type` says which."""
    if not isinstance(value, dict):
        raise ValueError('must be a table such as { type = "csv", path = "members.csv" }')  # noqa: TRY004 - pydantic collects ValueErrors
    if not isinstance(type_name := value.get("type"), str):
        raise error_at("type", "says what kind of source this is, for example 'csv'")
    try:
        adapter = find_source(type_name)
    except LookupError as error:
        raise error_at("type", str(error)) from None
    except ImportError as error:
        raise error_at("type", f"the source {type_name!r} needs the package {error.name!r}: install it") from None
    return adapter.Options.model_validate(value)


def split_listen(text: str) -> tuple[str, int]:
    """Host and port; an IPv6 address stands in brackets."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", text)
    if found is None or int(found[2]) > 65535:
        raise ValueError(f"{text!r} is not an address and a port such as '127.0.0.1:8080'")
    return found[1].strip("[]"), int(found[2])


def check_listen(text: str) -> str:
    split_listen(text)
    return text


def check_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if len(text) < SHORTEST_KEY or len(set(text)) < FEWEST_SIGNS:
        raise PydanticCustomError("weak_key", "is too weak")
    return key
