"""The two bounds of a read: since when it asks, and how far it has come."""

from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from syncd.sources.cursors.numbers import LatestNumber, NumberCursor, parse_number_cursor
from syncd.sources.cursors.times import YEAR_1970, LatestTime, TimeCursor, parse_stamp, parse_time_cursor

Since: TypeAlias = TimeCursor | NumberCursor
Latest: TypeAlias = LatestTime | LatestNumber


def _check_beginning(beginning: str) -> str:
    stamp = parse_stamp(beginning)
    if beginning != "0" and (stamp is None or stamp.moment.year > YEAR_1970.year):
        raise ValueError("must be '0' or a time in 1970 or before: who did not change since would seem to be gone")
    return beginning


Beginning = Annotated[str, AfterValidator(_check_beginning)]


def read_bounds(cursor: str | None, now: datetime, *, counts: bool) -> tuple[Since | None, Latest]:
    """Since when a read asks, None for everything, and what takes in how far it comes.

    With `counts` records show no times, but a number that goes up with each change.
    """
    if counts:
        return parse_number_cursor(cursor or ""), LatestNumber()
    return parse_time_cursor(cursor or ""), LatestTime(now)
