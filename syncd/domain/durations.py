"""Durations as the configuration writes them: '30s', '15m', '12h', '7d'."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WORDS = {  # with what people write; a month is none of them, for its length differs
    r"s|secs?|seconds?|sek|sekunden?": timedelta(seconds=1),
    r"m|mins?|minutes?|minuten?": timedelta(minutes=1),
    r"h|hrs?|hours?|std|stunden?": timedelta(hours=1),
    r"d|days?|t|tage?n?": timedelta(days=1),
    r"w|weeks?|wo|wochen?": timedelta(days=7),
}
_PATTERN = r"^[0-9]{1,9}[smhd]$"
_LONGEST = timedelta(days=3650)  # arithmetic with dates stays far from its limits


def parse_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_PATTERN[1:-1], value):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        shown = shown if isinstance(value, str | int | float) else "this"
        raise ValueError(f"{shown} is not a duration such as '7d', '12h', '30m'{_suggest(value)}")
    duration = int(value[:-1]) * _UNITS[value[-1]]
    if duration > _LONGEST:
        raise ValueError(f"{value!r} is longer than ten years")
    return duration


def guess_duration(text: str) -> str | None:
    """What is meant by "7 days", "2 Wochen" or "1.5h"; None where that is not clear."""
    found = re.fullmatch(r"(\d{1,4})(?:[.,](5))?\s*([a-zäöü]+)\.?", text.strip().casefold())
    unit = found and next((span for pattern, span in _WORDS.items() if re.fullmatch(pattern, found[3])), None)
    if not found or not unit:
        return None
    return format_duration(int(found[1]) * unit + (unit / 2 if found[2] else timedelta()))


def _suggest(value: object) -> str:
    """For words only: a unit of one letter is near enough to the examples."""
    guess = guess_duration(value) if isinstance(value, str) and re.search("[a-z]{2}|w", value, re.IGNORECASE) else None
    return f"; did you mean {guess!r}?" if guess else ""


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
