"""The slots that this process has of an instance's budget: in memory, under one lock, for all its threads.

A *slot* is the right to make one call at a time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from syncd.errors import SyncdError
from syncd.gomus.pace import Pace

SURE = 5.0  # seconds after the last look at their locks for which slots still count as ours
IDLE = 1.0  # a slot that was not used for so long goes back by itself


class Slots:
    """Callers take one and put it back; the keeper adds some, and removes those that are to go.

    `clock` counts seconds. Where the slots are shared, the keeper sets it to the one that all processes have in common.
    """

    def __init__(self, count: int, pace: Pace, clock: Callable[[], float], *, are_shared: bool) -> None:
        self.count = count
        self.clock = clock
        self._pace = pace
        self._are_shared = are_shared
        self._idle: dict[int, float] = {} if are_shared else dict.fromkeys(range(count), 0.0)  # since when
        self._busy: set[int] = set()
        self._leaving: set[int] = set()  # busy, and to go once they are put back
        self._waiting = 0
        self._seen_at = 0.0
        self._failure: SyncdError | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)  # for callers
        self._work = threading.Condition(self._lock)  # for the keeper

    # --- callers ---

    def take(self) -> tuple[int | None, float | None]:
        """A slot that may make its call now; otherwise None, and in how many seconds one may, where one is idle.

        Raises what the keeper has failed with.
        """
        with self._lock:
            if self._failure:
                raise self._failure
            now = self.clock()
            slot = min(self._usable(now), key=lambda one: self._pace.wait(one, now), default=None)
            if slot is None:
                return None, None
            if pause := self._pace.wait(slot, now):
                return None, pause
            self._pace.use(slot, now)
            del self._idle[slot]
            self._busy.add(slot)
            return slot, 0.0

    def put_back(self, slot: int) -> None:
        with self._lock:
            self._busy.remove(slot)
            self._idle[slot] = self.clock()
            if slot in self._leaving:
                self._work.notify()
            elif self._waiting:
                self._news.notify()

    @contextmanager
    def wanting(self) -> Iterator[None]:
        """While a thread has none, for the block."""
        with self._lock:
            self._waiting += 1
            if self.held < self.count:
                self._work.notify()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def wait(self, seconds: float) -> None:
        """Until one may be idle, but no longer than that."""
        with self._lock:
            if not (self._usable(self.clock()) or self._failure):
                self._news.wait(seconds)

    def _usable(self, now: float) -> Sequence[int]:
        """Who was frozen or asleep may have lost its locks meanwhile: then the keeper looks first."""
        is_sure = not self._are_shared or now - self._seen_at < SURE
        return [slot for slot in self._idle if slot not in self._leaving] if is_sure else []

    # --- the keeper ---

    @property
    def held(self) -> int:
        return len(self._idle) + len(self._busy)

    def wait_for_work(self, seconds: float) -> bool:
        """Where there is none in hand, until somebody wants one. False once there is nothing more to do."""
        with self._lock:
            if not self._is_closed:
                self._work.wait(seconds if self.held or self._waiting else None)
            return not self._is_closed

    def wanted(self) -> Sequence[int]:
        """The slots that would help somebody who waits; empty where nobody does."""
        with self._lock:
            now = self.clock()
            ready = [one for one in self._usable(now) if not self._pace.wait(one, now)]
            ours = self._busy.union(self._idle)
            return [one for one in range(self.count) if one not in ours] if self._waiting > len(ready) else []

    def add(self, slot: int) -> None:
        with self._lock:
            self._pace.begin(slot, self.clock())
            self._idle[slot] = self.clock()
            self._news.notify()

    def let_one_go(self) -> None:
        """An idle one where there is one, else the next that a call ends with."""
        with self._lock:
            if not self._leaving:
                self._leaving.update([*self._idle, *self._busy][:1])

    def remove(self) -> Sequence[int]:
        """Take those out that are to go, and those that nobody has used for a while."""
        with self._lock:
            now = self.clock()
            is_over = {one for one, since in self._idle.items() if now - since > IDLE and not self._waiting}
            gone = [one for one in self._idle if one in self._leaving or one in is_over]
            for slot in gone:
                del self._idle[slot]
                self._leaving.discard(slot)
            return gone

    def confirm(self) -> None:
        """All that are in hand are ours, as of now."""
        with self._lock:
            self._seen_at = self.clock()
            self._news.notify_all()

    def fail(self, failure: SyncdError) -> None:
        with self._lock:
            self._failure = failure
            self._news.notify_all()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._work.notify()
