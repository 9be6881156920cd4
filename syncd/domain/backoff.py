"""How long to wait before something is tried again: figures in, the next pause out. Nothing here waits."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

MOST_DOUBLINGS = 60  # a float has room for some thousand, and an outage may last for more


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses in seconds that double from `first` up to `longest`.

    `patience` is what is waited at most where a server says how long it wants to be left alone.
    """

    first: float = 0.5
    longest: float = 30.0
    patience: float = 300.0

    def pause(self, tries: int, *, chance: float = 1.0) -> float:
        """The pause after `tries` failures in a row, from 1 on.

        `chance`, drawn from [0, 1), takes up to a half off it, so that clients do not come in step; 1 leaves it whole.
        """
        doubled = self.first * 2.0 ** min(tries - 1, MOST_DOUBLINGS)
        return min(self.longest, doubled) * (0.5 + chance / 2)

    def pause_as_asked(
        self, tries: int, retry_after: float | None, *, chance: float, waited: float = 0.0
    ) -> float | None:
        """What the server asks for and a little more; where it does not ask, the pause after `tries` failures.

        `waited` is what was waited for the same answer before. None says to give up, for it would be too long in all.
        """
        own = self.pause(tries, chance=chance)
        if waited + (own if retry_after is None else retry_after) > self.patience:
            return None
        return own if retry_after is None else retry_after + own / 10


def parse_retry_after(given: str, now: datetime) -> float | None:
    """Seconds that a server asks to wait in the header Retry-After, as a number or a date; None where it does not."""
    given = given.strip()
    if given.isdecimal():
        return float(given)
    with suppress(ValueError, TypeError):  # TypeError: a date without a zone
        return max(0.0, (parsedate_to_datetime(given) - now).total_seconds())
    return None
