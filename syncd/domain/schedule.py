"""Schedules: a cron expression, or "every 15m". Pure: a moment comes in, the next moment goes out."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from syncd.domain.durations import parse_duration

_EXPECTED = "is not a schedule such as '*/15 * * * *' or 'every 15m'"
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
    if len(fields) != 5:  # minute, hour, day, month, weekday
        raise ValueError(f"{text!r} {_EXPECTED}")
    cron = Cron(text=" ".join(fields), zone=zone)
    try:
        cron.next_after(datetime(2000, 1, 1, tzinfo=UTC))  # 30 February is well formed, and never comes
    except CronSimError as error:
        raise ValueError(f"{text!r} {_EXPECTED} ({str(error).lower()})") from None
    return cron


def _parse_interval(text: str, written: str, zone: tzinfo) -> Schedule:
    try:
        interval = parse_duration(written)
    except ValueError:
        interval = timedelta()
    if interval < _SHORTEST:
        raise ValueError(f"{text!r} {_EXPECTED}")
    return Every(text=text, zone=zone, interval=interval)
