"""Schedules: a cron expression, or "every 15m". Pure: a moment comes in, the next moment goes out."""

import re
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from syncd.domain.durations import guess_duration, parse_duration

_EXPECTED = "is not a schedule such as '*/15 * * * *' or 'every 15m'"
_RANGES = {  # of the fields of cron, by the names that CronSim has for them
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and one that the month has",
    "month": "1 to 12, or jan to dec",
    "day-of-week": "0 to 7, or sun to sat; Sunday is 0 and 7",
}
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "daily": "0 3 * * *",
    "täglich": "0 3 * * *",
    "stündlich": "every 1h",
    "every hour": "every 1h",
    "every day": "0 3 * * *",
}
_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(ABC):
    """`text` is the schedule as it was written, read by the clocks of `zone`."""

    text: str
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime:
        """The first moment strictly later than `moment`, told in `zone`."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone says nothing")
        # to UTC and back: Python compares two moments of one zone by their wall clocks, which an hour told twice upsets
        return self._next_after(moment.astimezone(UTC)).astimezone(self.zone)

    @abstractmethod
    def _next_after(self, moment: datetime) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron(Schedule):
    """As Debian's cron: a time that the clocks skip comes right after the skip, one that they show twice comes once."""

    def _next_after(self, moment: datetime) -> datetime:
        for told in CronSim(self.text, moment.astimezone(self.zone)):
            # from within the second telling of an hour, CronSim first answers with times of the first
            if (candidate := told.astimezone(UTC)) > moment:
                return candidate
        raise ValueError(f"{self.text!r} never comes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Every(Schedule):
    """Elapsed time on a fixed grid, so that restarts shift nothing and all replicas agree.

    The grid begins at a midnight of the zone: `every 15m` means :00, :15, :30, :45 (`1d` is an hour later in summer).
    """

    interval: timedelta

    def _next_after(self, moment: datetime) -> datetime:
        beginning = datetime(1970, 1, 5, tzinfo=self.zone).astimezone(UTC)  # a Monday: `every 7d` falls on Mondays
        return beginning + ((moment - beginning) // self.interval + 1) * self.interval


def parse_schedule(text: str, zone: tzinfo) -> Schedule:
    """Raises ValueError in words fit for the configuration."""
    if interval := re.fullmatch(r"every\s+(\S+)", text.strip()):
        return _parse_interval(text, interval[1], zone)
    fields = text.split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"{text!r} {_EXPECTED}{_suggest(fields)}")
    cron = Cron(text=" ".join(fields), zone=zone)
    try:
        cron.next_after(datetime(2000, 1, 1, tzinfo=UTC))  # 30 February is well formed, and never comes
    except CronSimError as error:
        raise ValueError(f"{text!r} {_EXPECTED}{_explain(str(error).lower())}") from None
    return cron


def _suggest(fields: list[str]) -> str:
    """The end of a message: what the words may have meant, or nothing where that is not clear."""
    words = " ".join(fields)
    if words.casefold() in _NAMED:
        return f"; did you mean {_NAMED[words.casefold()]!r}?"
    if not fields:
        return "; left out, the sync runs on demand only"
    if at := re.fullmatch(r"([01]?\d|2[0-3])[:.]([0-5]\d)( Uhr)?", words):
        return f"; did you mean '{int(at[2])} {int(at[1])} * * *'?"
    span = guess_duration(re.sub(r"^(every|each|alle|jede[rsn]?)\s+", "", words, flags=re.IGNORECASE))
    if span and span != "0s":
        return f"; did you mean 'every {span}'?"
    if re.match(r"[\d*]", words) and len(fields) > 1:
        return f": it has {len(fields)} fields, and there are 5, {', '.join(_RANGES)}{_five_of(fields)}"
    return ""


def _five_of(fields: list[str]) -> str:
    """Some programs begin with seconds, some end with years."""
    for five in (fields[1:], fields[:-1]) if fields[0].isdecimal() else (fields[:-1],):
        with suppress(ValueError):
            return f"; did you mean {parse_schedule(' '.join(five), UTC).text!r}?" if len(five) == len(_RANGES) else ""
    return ""


def _explain(complaint: str) -> str:
    field = next((field for field in _RANGES if complaint.endswith(field)), None)
    return f": {field} is {_RANGES[field]}" if field else ""


def _parse_interval(text: str, written: str, zone: tzinfo) -> Schedule:
    try:
        interval = parse_duration(written)
    except ValueError:
        interval = timedelta()
    if interval < _SHORTEST:
        raise ValueError(f"{text!r} {_EXPECTED}{_suggest(text.split())}")
    return Every(text=text, zone=zone, interval=interval)
