"""What a server counts: how many calls are under way at once, and how many begin within a second."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from werkzeug.wrappers import Response

from syncd.sandbox.proxy import Passing


class Meter:
    """A hook for the sandbox, which takes its time for each call."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.busiest = 0
        self.starts: list[float] = []
        self._seconds = seconds
        self._under_way = 0
        self._lock = Lock()

    def __call__(self, call: Passing) -> Response:
        with self.call():
            time.sleep(self._seconds)
            return call.act()

    @contextmanager
    def call(self) -> Iterator[None]:
        with self._lock:
            self.starts.append(time.monotonic())
            self._under_way += 1
            self.busiest = max(self.busiest, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    @property
    def most_in_a_second(self) -> int:
        return most_in_a_second(sorted(self.starts))


def most_in_a_second(starts: Sequence[float]) -> int:
    """In any second, not only in those that a clock begins."""
    most, first = 0, 0
    for last, start in enumerate(starts):
        while start - starts[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
