"""Waits that end when it is time to stop; while customers are taken away again, a few seconds later."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncd.errors import Stopped

GRACE = 8.0  # seconds
LOOK = 0.1


class Waiting:
    """`stopping` is set when it is time to stop. Each call waits so many seconds, and raises Stopped."""

    def __init__(self, stopping: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stopping = stopping
        self._clock = clock
        self._is_tidying = False
        self._stopped_at: float | None = None

    def __call__(self, seconds: float) -> None:
        if not self._is_tidying:
            if self._stopping.wait(seconds):
                raise Stopped
            return
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 or self._stopping.is_set():
            self._give_up_in_time()
            if left <= 0:
                return
            time.sleep(min(left, LOOK))

    @contextmanager
    def tidying(self) -> Iterator[None]:
        self._is_tidying = True
        try:
            yield
        finally:
            self._is_tidying = False

    def _give_up_in_time(self) -> None:
        if not self._stopping.is_set():
            return
        if self._stopped_at is None:
            self._stopped_at = self._clock()
        if self._clock() - self._stopped_at >= GRACE:
            raise Stopped
