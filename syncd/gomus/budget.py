"""The promise to an instance: never more calls at once, nor a second, from all processes together.

A process keeps a slot from one call to the next, so that a call costs nothing but a look into memory.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncd.errors import NoTurn
from syncd.gomus.keeper import LISTEN, Keeper, Locks
from syncd.gomus.pace import Pace
from syncd.gomus.slots import Slots


class Budget:
    """Thread-safe. Without `sharing`, which opens the locks, all slots are this process's own.

    `sleep` raises Stopped where it is cut short, also with 0 seconds.
    """

    def __init__(
        self,
        slots: int,
        rate: float | None,
        *,
        sharing: Callable[[], Locks] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._slots = Slots(slots, Pace(slots, rate), clock, are_shared=sharing is not None)
        self._keeper = None if sharing is None else Keeper(self._slots, sharing)

    @contextmanager
    def turn(self, within: float | None = None) -> Iterator[None]:
        """The right to one call, for the block.

        Raises Stopped; NoTurn where there was none within so many seconds; Fatal where the slots are out of reach, or
        other processes have had them all for ten minutes.
        """
        slot = self._take(within)
        try:
            yield
        finally:
            self._slots.put_back(slot)

    def close(self) -> None:
        if self._keeper:
            self._keeper.close()

    def _take(self, within: float | None) -> int:
        slot, pause = self._slots.take()
        if slot is not None:
            return slot
        if self._keeper:
            self._keeper.start()
        with self._slots.wanting():
            return self._wait(pause, within)

    def _wait(self, pause: float | None, within: float | None) -> int:
        began = self._clock()
        while True:
            if pause is None:
                self._slots.wait(LISTEN)
            self._sleep(min(pause or 0.0, LISTEN))
            slot, pause = self._slots.take()
            if slot is not None:
                return slot
            if within is not None and self._clock() - began > within:
                raise NoTurn("other processes have all the calls at once that the instance is promised")
