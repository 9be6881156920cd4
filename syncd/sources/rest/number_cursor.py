"""Since when changes are asked for where records tell no times, but numbers that go up with every change.

How long ago a number was given cannot be told. What is certain: whatever changed after the first page was answered has
a higher number than all on that page, and than all of the read before.
"""

import json
from dataclasses import dataclass
from datetime import timedelta


def parse_count(value: object) -> int | None:
    """None where it is no whole number."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCursor:
    """`certain`: up to here nothing can have been missed; `latest` is the highest number seen."""

    certain: int
    latest: int

    def __str__(self) -> str:
        return json.dumps({"certain": self.certain, "latest": self.latest})

    def since(self, overlap: timedelta, form: str = "as-read") -> int:
        """The number before, for several changes may share one, and some APIs mean "after" by "since"."""
        del overlap, form
        return max(0, self.certain - 1)


def parse_count_cursor(text: str) -> CountCursor | None:
    """None where it is not one of ours, so that everything has to be read."""
    try:
        kept = json.loads(text)
        certain, latest = parse_count(kept["certain"]), parse_count(kept["latest"])
    except (ValueError, KeyError, TypeError):
        return None
    if certain is None or latest is None:
        return None
    return CountCursor(certain=certain, latest=latest)


class LatestCount:
    """The highest of the numbers that records show."""

    is_mixed = False
    has_no_zone = False

    def __init__(self) -> None:
        self._first: int | None = None
        self._latest: int | None = None
        self.seen = 0
        self.unreadable = 0

    def take(self, value: object) -> None:
        count = parse_count(value)
        if count is None:
            self.unreadable += 1
            return
        self.seen += 1
        self._latest = count if self._latest is None else max(count, self._latest)

    def end_page(self, number: int) -> None:
        if number == 1:
            self._first = self._latest

    def cursor(self, before: CountCursor | None, lag: timedelta) -> CountCursor | None:
        """Never back behind an earlier one."""
        del lag
        if self._latest is None:
            return before
        floor = before.latest if before else 0
        return CountCursor(certain=max(floor, self._first or 0), latest=max(floor, self._latest))
