"""When a slot may make its next call, so that all slots together never exceed a rate, whoever holds them.

Time is cut into ticks, one for each call that the rate allows, and they are dealt out to the slots in turn. Whoever
takes a slot over needs to know nothing of its last call, even where its holder was killed: the clock has moved on.
"""

from math import ceil, floor

SLACK = 1.1  # a call may be 100 ms longer on its way than the next: in no second do more arrive than the rate allows
RESOLUTION = 1e-6  # seconds that no clock tells apart
LATE = 0.02  # seconds after its tick until which a call may still begin


class Pace:
    """Times are seconds on a clock that all who share the slots have in common. Without a rate nobody waits."""

    def __init__(self, slots: int, rate: float | None) -> None:
        self._slots = slots
        self._spacing = SLACK / rate if rate else 0.0
        self._from = [0] * slots  # the first tick that a slot has not used

    def begin(self, slot: int, now: float) -> None:
        """The slot is new here: whoever had it before may have used the tick that is on."""
        if self._spacing:
            self._from[slot] = floor(now / self._spacing) + 1

    def wait(self, slot: int, now: float) -> float:
        """Seconds until the slot may make a call; 0 where it may now."""
        if not self._spacing:
            return 0.0
        pause = self._next(slot, now) * self._spacing - now
        return pause if pause > RESOLUTION else 0.0

    def use(self, slot: int, now: float) -> None:
        if self._spacing:
            self._from[slot] = self._next(slot, now) + 1

    def _next(self, slot: int, now: float) -> int:
        first = max(self._from[slot], ceil((now - LATE) / self._spacing))
        return first + (slot - first) % self._slots
