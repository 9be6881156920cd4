"""How many customers go into one call: what an instance takes at once, and what it answers in time.

A cap is not told, only met: a batch is refused although each of its members would be taken. So a refused batch is
suspected to be too large, until a member is refused by itself. One that is larger than any that was taken makes the
next ones smaller at once; another one only when all its members were taken after all, for then the cap was lowered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TRIED_AGAIN = timedelta(days=7)  # what was too much a week ago may be taken today


@dataclass(slots=True, kw_only=True)
class Suspicion:
    """A batch that may have been too large; `said` is the number that stood in the refusal, if one did.

    `fits` is the largest batch that was taken since.
    """

    size: int
    said: int | None
    at: datetime
    members: set[str]
    fits: int = 1

    def over(self, fits: int) -> int:
        """The smallest size that is too large, if it was."""
        return self.said + 1 if self.said and self.said <= fits else self.size


@dataclass(slots=True, kw_only=True)
class Sizes:
    """What is known of one instance; only the executor's thread writes it.

    `fits` is the largest batch that was taken, `over` the smallest that is known to be too large, `in_time` half of the
    smallest that was not answered in time.
    """

    most: int  # the configured one
    fits: int = 1
    over: int | None = None
    in_time: int
    capped_at: datetime | None = None
    slow_at: datetime | None = None
    _suspicions: list[Suspicion] = field(default_factory=list)

    @classmethod
    def recalled(cls, learned: Mapping[str, str], *, most: int, now: datetime) -> "Sizes":
        capped_at, slow_at = _moment(learned.get("capped_at")), _moment(learned.get("slow_at"))
        over, in_time = _number(learned.get("too_large")), _number(learned.get("in_time")) or most
        if capped_at is None or now - capped_at >= TRIED_AGAIN:
            over, capped_at = None, None
        if slow_at is not None and now - slow_at >= TRIED_AGAIN:
            in_time, slow_at = in_time * 2, now
        fits = _number(learned.get("batch_size")) or 1
        return cls(most=most, fits=fits, over=over, in_time=in_time, capped_at=capped_at, slow_at=slow_at)

    def learned(self) -> dict[str, str]:
        """What is worth to be kept for later runs; empty where it is to be forgotten."""
        is_slow = self.in_time < self.most
        return {
            "batch_size": str(self.fits),
            "too_large": str(self.over) if self.over else "",
            "capped_at": self.capped_at.isoformat() if self.capped_at else "",
            "in_time": str(self.in_time) if is_slow else "",
            "slow_at": self.slow_at.isoformat() if is_slow and self.slow_at else "",
        }

    # --- the next one ---

    @property
    def size(self) -> int:
        return max(1, min(self._below_cap(), self.in_time, self.most))

    @property
    def is_searching(self) -> bool:
        """Whether the next batch is a trial, so that nothing should be sent beside it."""
        return self.fits < self.size and self._over() is not None

    def _below_cap(self) -> int:
        over = self._over()
        if over is None:
            return self.most
        for suspicion in self._suspicions:
            if suspicion.said and self.fits < suspicion.said < over:
                return suspicion.said
        return self.fits + (over - self.fits) * 2 // 3 if over - self.fits > 2 else max(self.fits, over - 1)

    def _over(self) -> int | None:
        bounds = [self.over] if self.over else []
        bounds += [one.over(self.fits) for one in self._suspicions if one.size > self.fits]
        return min(bounds, default=None)

    # --- what became of one ---

    def took(self, size: int) -> None:
        """A batch was taken as a whole, or but for some of its members."""
        self.fits = max(self.fits, size)
        if self.over is not None and self.over <= self.fits:
            self.over = None
        self._suspicions = [one for one in self._suspicions if one.size > size]
        for suspicion in self._suspicions:
            suspicion.fits = max(suspicion.fits, size)

    def suspect(self, members: Sequence[str], *, said: int | None, at: datetime) -> bool:
        """A batch was refused as a whole. False where one of its size was taken before, so that others may be sent."""
        if len(members) > 1:
            self._suspicions.append(Suspicion(size=len(members), said=said, at=at, members=set(members)))
        return len(members) > self.fits

    def ended(self, foreign_id: str, *, is_taken: bool) -> None:
        """A member that is taken by itself confirms a suspicion, any other refutes it."""
        concerned = [one for one in self._suspicions if foreign_id in one.members]
        for suspicion in concerned:
            suspicion.members.discard(foreign_id)
            if is_taken and suspicion.members:
                continue
            if is_taken:
                self._believe(suspicion)
            self._suspicions.remove(suspicion)

    def _believe(self, suspicion: Suspicion) -> None:
        """Then the others that are pending and larger than what fits were too large as well."""
        over = suspicion.over(self.fits)
        self.over, self.capped_at = min(filter(None, (over, self.over, self._over()))), suspicion.at
        if over <= self.fits:
            self.fits = suspicion.fits

    def too_slow(self, size: int, at: datetime) -> None:
        """A batch was not answered in time. Those of its size that are under way say nothing new."""
        if 1 < size <= self.in_time:
            self.in_time, self.slow_at = size // 2, at


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
