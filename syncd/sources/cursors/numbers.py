"""From which number on changes are asked for, where records show no time of change but a number that goes up with each.

A number does not tell how long ago it was given. But whatever changed after the first page was answered has a higher
number than every record on that page, and than every record of the read before.
"""

import json
from dataclasses import dataclass
from datetime import timedelta


def parse_number(value: object) -> int | None:
    """None where the value is no whole number."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCursor:
    """Up to `certain` nothing can have been missed; `latest` is the highest number seen."""

    certain: int
    latest: int

    def __str__(self) -> str:
        return json.dumps({"certain": self.certain, "latest": self.latest})

    def since(self, _overlap: timedelta, _form: str = "as-read") -> int:
        """One less, since several changes may share a number, and some APIs mean "after" by "since"."""
        return max(0, self.certain - 1)


def parse_number_cursor(text: str) -> NumberCursor | None:
    """None where the text is no cursor of ours; then everything has to be read."""
    try:
        kept = json.loads(text)
        certain, latest = parse_number(kept["certain"]), parse_number(kept["latest"])
    except (ValueError, KeyError, TypeError):
        return None
    return None if certain is None or latest is None else NumberCursor(certain=certain, latest=latest)


@dataclass(slots=True)
class LatestNumber:
    """The highest of the numbers that records show; `first` is that of the first page."""

    first: int = 0
    latest: int | None = None
    has_unreadable: bool = False

    def take(self, value: object, page: int) -> None:
        number = parse_number(value)
        if number is None:
            self.has_unreadable = True
            return
        self.latest = max(number, self.latest or 0)
        if page == 1:
            self.first = self.latest

    def cursor(self, before: NumberCursor | None, _lag: timedelta) -> NumberCursor | None:
        """Never behind the cursor of `before`."""
        if self.latest is None:
            return before
        floor = before.latest if before else 0
        return NumberCursor(certain=max(floor, self.first), latest=max(floor, self.latest))

    def find_doubt(self, _form: str) -> tuple[str, str] | None:
        """What makes the numbers useless, and the remedy."""
        if self.has_unreadable and self.latest is None:
            return (
                "no record has a readable number under incremental.cursor",
                "set it to the field that holds the number of the last change; where it holds a time, leave out counts",
            )
        return None
