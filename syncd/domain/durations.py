"""Durations as they are written: '30s', '15m', '12h', '7d' in the configuration, Retry-After by servers."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_PATTERN = r"^[0-9]{1,9}[smhd]$"
_LONGEST = timedelta(days=3650)  # arithmetic with dates stays far from its limits


def parse_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_PATTERN[1:-1], value):
        shown = repr(value) if isinstance(value, str | int | float) else "this"
        raise ValueError(f"{shown} is not a duration such as '7d', '12h', '30m'")
    duration = int(value[:-1]) * _UNITS[value[-1]]
    if duration > _LONGEST:
        raise ValueError(f"{value!r} is longer than ten years")
    return duration


def format_duration(duration: timedelta) -> str:
    """Write it in the largest unit that divides it; fractions of a second are dropped."""
    seconds = duration // timedelta(seconds=1)
    for unit in "dhm":
        count, rest = divmod(seconds, _UNITS[unit] // timedelta(seconds=1))
        if count and not rest:
            return f"{count}{unit}"
    return f"{seconds}s"


def parse_retry_after(given: str, now: datetime) -> float | None:
    """Seconds that a server asks to wait in the header Retry-After, as a number or a date; None where it does not."""
    given = given.strip()
    if given.isdecimal():
        return float(given)
    with suppress(ValueError, TypeError):  # TypeError: a date without a zone
        return max(0.0, (parsedate_to_datetime(given) - now).total_seconds())
    return None


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
