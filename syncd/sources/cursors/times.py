"""From which time on changes are asked for, in the source's own spelling, and early enough that none is missed.

A change is missed for ever if its time lies before the cursor and it was not read. So the lower bound is the latest
time that was seen, less

- the time the reading took, since a record may have changed meanwhile on a page that was read already;
- `overlap`, since a change may be committed later than its own time says;
- an hour where times have no zone, since in autumn the clocks show one hour twice.

Only the source's times and the length of our own reading count. Our clock is compared with the source's only to leave
out times that lie in the future.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

TOLD_TWICE = timedelta(hours=1)
YEAR_1970 = datetime(1970, 1, 1, tzinfo=UTC)
EAST = timedelta(hours=14)  # as far as a clock on the wall may be ahead of UTC

SET_CURSOR = (
    "set it to the field that holds the time of the last change, in ISO 8601 or as seconds since 1970;"
    " where it counts changes instead, set counts = true"
)

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<mark>[T ])(?P<hours>\d\d:\d\d)(?P<seconds>:\d\d)?(?:\.(?P<fraction>\d{1,9}))?"
    r"(?P<zone> ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?))?)?",
)
_EPOCH = re.compile(r"(\d{9,10})(\d{3}|\d{6})?(?:\.(\d{1,6}))?")
Format: TypeAlias = Literal["as-read", "iso", "epoch", "epoch-ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time of change as the source spells it; `moment` has a zone unless the spelling has none."""

    text: str
    moment: datetime
    is_number: bool = False  # of JSON, not a text of digits

    @property
    def raw(self) -> str | int | float:
        return _as_number(self.text) if self.is_number else self.text

    @property
    def is_aware(self) -> bool:
        return self.moment.tzinfo is not None

    def set_back(self, span: timedelta, form: Format = "as-read") -> str:
        """An earlier time in the spelling of `form`; what is too fine for it is cut off, so it is earlier still."""
        try:
            moment = self.moment - span
        except OverflowError:  # "0001-01-01" stands for no time in some systems
            moment = datetime.min.replace(tzinfo=self.moment.tzinfo)
        match form:
            case "as-read":
                return _spell(self, moment) if span else self.text
            case "iso":
                return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            case "epoch":
                return str((moment - YEAR_1970) // timedelta(seconds=1))
            case "epoch-ms":
                return str((moment - YEAR_1970) // timedelta(milliseconds=1))


def parse_stamp(value: object) -> Stamp | None:
    """None where the value is no time. A number is seconds, milliseconds or microseconds since 1970, by its length."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    try:
        if match := _EPOCH.fullmatch(text):
            return Stamp(text=text, moment=_from_epoch(match), is_number=not isinstance(value, str))
        if match := _TIME.fullmatch(text):
            return Stamp(text=text, moment=_from_time(match))
    except (ValueError, OverflowError):
        return None  # the 31st of February
    return None


def _from_epoch(match: re.Match[str]) -> datetime:
    seconds, finer, fraction = match.groups()
    micros = int((finer or "").ljust(6, "0")) + (int(fraction.ljust(6, "0")) if fraction and not finer else 0)
    return YEAR_1970 + timedelta(seconds=int(seconds), microseconds=micros)


def _from_time(match: re.Match[str]) -> datetime:
    hours = match["hours"] or "00:00"
    micros = (match["fraction"] or "").ljust(6, "0")[:6]
    zone = (match["zone"] or "").strip().replace("UTC", "Z")
    return datetime.fromisoformat(f"{match['date']}T{hours}{match['seconds'] or ':00'}.{micros}{zone}")


def _spell(stamp: Stamp, moment: datetime) -> str:
    if epoch := _EPOCH.fullmatch(stamp.text):
        return _spell_epoch(epoch, moment)
    match = _TIME.fullmatch(stamp.text)
    assert match is not None  # noqa: S101 - that is how it was parsed
    if match["hours"] is None:
        return moment.date().isoformat()
    seconds = f":{moment:%S}" if match["seconds"] else ""
    fraction = ""
    if match["fraction"]:
        width = len(match["fraction"])
        fraction = "." + f"{moment.microsecond:06d}".ljust(width, "0")[:width]
    return f"{moment.date().isoformat()}{match['mark']}{moment:%H:%M}{seconds}{fraction}{match['zone'] or ''}"


def _spell_epoch(match: re.Match[str], moment: datetime) -> str:
    _, finer, fraction = match.groups()
    micros = (moment - YEAR_1970) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 1_000_000)
    digits = f"{rest:06d}"
    return f"{seconds}{digits[: len(finer or '')]}" + (f".{digits[: len(fraction)]}" if fraction else "")


def _as_number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCursor:
    """The time of the latest change seen, and `lag`, the time the reading took."""

    stamp: Stamp
    lag: timedelta

    def __str__(self) -> str:
        return json.dumps({"changed": self.stamp.raw, "lag": self.lag.total_seconds()})

    @property
    def certain(self) -> datetime:
        """Up to here nothing can have been missed."""
        return self.stamp.moment - self.lag

    def since(self, overlap: timedelta, form: Format = "as-read") -> str | int | float:
        doubt = timedelta() if self.stamp.is_aware else TOLD_TWICE
        text = self.stamp.set_back(self.lag + overlap + doubt, form)
        return _as_number(text) if self.stamp.is_number and form == "as-read" else text


def parse_time_cursor(text: str) -> TimeCursor | None:
    """None where the text is no cursor of ours; then everything has to be read."""
    try:
        kept = json.loads(text)
        stamp, lag = parse_stamp(kept["changed"]), timedelta(seconds=float(kept["lag"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return TimeCursor(stamp=stamp, lag=lag) if stamp else None


class LatestTime:
    """The latest of the times that records show; those in the future do not count."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)
        self._stamp: Stamp | None = None
        self._has_readable = False
        self._has_unreadable = False
        self._is_mixed = False  # times with a zone and times without can't be put in order

    def take(self, value: object, _page: int) -> None:
        """Pages mean nothing here; what may change behind the reader's back is in `lag`."""
        stamp = parse_stamp(value)
        if stamp is None:
            self._has_unreadable = True
            return
        self._has_readable = True
        if self._stamp is not None and stamp.is_aware != self._stamp.is_aware:
            self._is_mixed = True
        elif self._is_past(stamp) and (self._stamp is None or stamp.moment > self._stamp.moment):
            self._stamp = stamp

    def find_doubt(self, form: Format) -> tuple[str, str] | None:
        """What makes the times useless, and the remedy."""
        if self._has_unreadable and not self._has_readable:
            return "no record has a readable time under incremental.cursor", SET_CURSOR
        if form != "as-read" and self._stamp is not None and not self._stamp.is_aware:
            return (
                "the times under incremental.cursor have no zone",
                "leave incremental.format out, so that the API gets them as it gave them",
            )
        if self._is_mixed:
            return (
                "some times under incremental.cursor have a zone and some have none",
                "choose a field whose times are all alike",
            )
        return None

    def _is_past(self, stamp: Stamp) -> bool:
        if stamp.is_aware:
            return stamp.moment <= self._now
        return stamp.moment <= (self._now + EAST).replace(tzinfo=None)

    def cursor(self, before: TimeCursor | None, lag: timedelta) -> TimeCursor | None:
        """Never behind the cursor of `before`."""
        if self._stamp is None:
            return before
        found = TimeCursor(stamp=self._stamp, lag=lag)
        if before is None or before.stamp.is_aware != found.stamp.is_aware or found.certain > before.certain:
            return found
        return before
