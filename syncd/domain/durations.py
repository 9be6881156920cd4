"""Durations as the configuration writes them: '30s', '15m', '12h', '7d'."""

import re
from datetime import timedelta
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


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
