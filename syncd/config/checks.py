"""Checks of single values of the configuration: where the state is, which time zone is meant."""

import re
from importlib.util import find_spec
from zoneinfo import available_timezones

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syncd.domain.nearest import suggest
from syncd.errors import lacks_extra

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


def check_ledger(place: str) -> str:
    """A path, or a URL as that of the state."""
    if ":/" in place:
        return check_state_url(place)
    if not place.strip():
        raise ValueError("names no file: 'erasures.ledger' is one beside this configuration")
    return place


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
