"""Getting slots that other processes may have, and giving back those that others wait for.

A process with none knocks at a door. Who hears that gives one slot back: first those that have several.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

import structlog

from syncd.errors import Fatal, SyncdError
from syncd.gomus.slots import Slots

log = structlog.get_logger()
LISTEN = 0.25  # seconds between two looks whether somebody knocks
QUICK, QUICKEST = 0.02, 0.005  # between two tries of who has none: the longer it waits, the sooner
ASIDE = 0.1  # who has just given its last one back lets the others try first
TOLD, MOST = 30.0, 600.0  # after so long without a slot the log says so; after so long the run ends
CLOSING = 2.0  # a server that does not answer frees the locks when it notices that we are gone
REMEDY = "see which process of syncd hangs, here or on another machine, and end it"


class Locks(Protocol):
    """What processes share of an instance: a lock for each slot, and a door where those knock who have none.

    One thread uses them. The system frees the locks of a process that dies. Each method may raise StateUnusable.
    """

    def take(self, slot: int) -> bool:
        """False where another process has it."""

    def give_back(self, slot: int) -> None: ...

    def knock(self) -> None: ...

    def leave(self) -> None:
        """Knock no more."""

    def hears(self) -> bool:
        """Whether another process knocks."""

    def now(self) -> float:
        """Seconds on a clock that all processes have in common."""

    def close(self) -> None: ...


class Keeper:
    """One thread of its own, from the first call on. It alone touches the locks."""

    def __init__(self, slots: Slots, opening: Callable[[], Locks]) -> None:
        self._slots = slots
        self._opening = opening
        self._thread = threading.Thread(target=self._keep, name="slots", daemon=True)
        self._starting = threading.Lock()
        self._heard = 0  # so often in a row
        self._listen_at = self._try_at = 0.0
        self._hungry_since: float | None = None
        self._is_told = False

    def start(self) -> None:
        with self._starting:
            if not self._thread.ident:
                self._thread.start()

    def close(self) -> None:
        self._slots.close()
        if self._thread.ident:
            self._thread.join(CLOSING)

    def _keep(self) -> None:
        try:
            with closing(self._opening()) as locks:
                self._slots.clock = locks.now
                pause = 0.0
                while self._slots.wait_for_work(pause):
                    pause = self._look(locks)
        except SyncdError as failure:
            self._slots.fail(failure)
        except Exception as error:  # else whoever waits would wait for ever
            log.critical("crashed", error=type(error).__name__, exc_info=error)
            self._slots.fail(Fatal(f"what keeps calls within the instance's limits crashed ({type(error).__name__})"))

    def _look(self, locks: Locks) -> float:
        """One look; the seconds until the next one."""
        now, wanted = locks.now(), self._slots.wanted()
        if not self._slots.held:
            return self._seek(locks, wanted, now) if wanted else self._rest(locks)
        if now >= self._listen_at:
            self._listen(locks)
            self._listen_at = now + LISTEN
        for slot in (gone := self._slots.remove()):
            locks.give_back(slot)
        if gone:
            self._try_at = now + ASIDE
        elif wanted and not self._heard and now >= self._try_at:
            if self._take_one(locks, wanted):
                return 0.0
            self._try_at = now + LISTEN
        return LISTEN

    def _rest(self, locks: Locks) -> float:
        locks.leave()
        self._hungry_since = None
        return LISTEN

    def _seek(self, locks: Locks, wanted: Sequence[int], now: float) -> float:
        if self._hungry_since is None:
            self._hungry_since, self._is_told = now, False
            locks.knock()
        if now < self._try_at:
            return self._try_at - now
        if self._take_one(locks, wanted):
            self._rest(locks)
            self._heard, self._listen_at = 0, now + LISTEN
            return 0.0
        waited = now - self._hungry_since
        self._complain(waited)
        return max(QUICKEST, QUICK / (1 + waited)) if waited < TOLD else LISTEN

    def _take_one(self, locks: Locks, wanted: Sequence[int]) -> bool:
        slot = next((one for one in wanted if locks.take(one)), None)
        if slot is not None:
            self._slots.add(slot)
            self._slots.confirm()
        return slot is not None

    def _listen(self, locks: Locks) -> None:
        """Who has only one keeps it for another look: perhaps somebody with several hears the knock as well."""
        self._heard = self._heard + 1 if locks.hears() else 0
        self._slots.confirm()
        if self._heard >= (1 if self._slots.held > 1 else 2):
            self._slots.let_one_go()

    def _complain(self, waited: float) -> None:
        words = f"other processes have all {self._slots.count} calls at once that the instance is promised"
        if waited > MOST:
            raise Fatal(f"{words}, for {MOST / 60:.0f} minutes now", remedy=REMEDY)
        if waited > TOLD and not self._is_told:
            self._is_told = True
            log.warning("budget.waiting", limit=self._slots.count, wait=round(waited), reason=words, remedy=REMEDY)
