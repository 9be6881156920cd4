"""Growing pauses between the tries of a desk that has no database, or makes a mistake."""

from dataclasses import dataclass

from syncd.domain.backoff import Backoff

BACKOFF = Backoff(first=1.0, longest=60.0)


@dataclass(slots=True)
class Trouble:
    error: str | None = None
    since: float = 0.0
    tries: int = 0
    next_try: float = 0.0

    def grow(self, now: float) -> float:
        self.tries += 1
        pause = BACKOFF.pause(self.tries)
        self.next_try = now + pause
        return pause
