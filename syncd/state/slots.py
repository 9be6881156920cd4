"""The locks behind an instance's budget: who may make a call, and who waits to, over all processes of one state.

Kernel file locks beside a SQLite database; session advisory locks on PostgreSQL. Each is free once its holder dies.
`gomus.keeper` says what they are for, and calls them from one thread.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import structlog
from sqlalchemy import text

from syncd.domain.addresses import server_of
from syncd.errors import StateUnusable
from syncd.machine import locks
from syncd.machine.clock import boot_clock
from syncd.machine.files import is_at
from syncd.state.connect import (
    advisory_key,
    database_file,
    is_on_server,
    open_engine,
    open_private,
    translate_errors,
)
from syncd.state.session import end_hanging, find_holder

DOOR = "door"
SEEK = 2.0  # seconds between two looks for holders that hang
log = structlog.get_logger()
HEARS = text("""
    select case when pg_try_advisory_lock(:door) then not pg_advisory_unlock(:door) else true end as knocks,
           extract(epoch from clock_timestamp()) as now
""")


class NoLocks:
    """Of who is alone, as far as it can tell."""

    def take(self, slot: int) -> bool:  # noqa: ARG002 - nobody else takes one
        return True

    def give_back(self, slot: int) -> None: ...

    def knock(self) -> None: ...

    def leave(self) -> None: ...

    def hears(self) -> bool:
        return False

    def now(self) -> float:
        return boot_clock()

    def close(self) -> None: ...


class FileLocks:
    """A file for each slot. They stay: to remove one would let two processes lock two files of one name."""

    def __init__(self, database: Path, instance: str) -> None:
        self._stem = f"{database}.{instance}"
        self._open: dict[str, int] = {}

    def take(self, slot: int) -> bool:
        return self._lock(str(slot))

    def give_back(self, slot: int) -> None:
        locks.give_back(self._open[str(slot)])

    def knock(self) -> None:
        """Who looks whether somebody knocks has the door for a moment, and would not have let us have it."""
        while not self._lock(DOOR, is_shared=True):
            time.sleep(0.001)

    def leave(self) -> None:
        if DOOR in self._open:
            locks.give_back(self._open[DOOR])

    def hears(self) -> bool:
        is_silent = self._lock(DOOR)
        self.leave()
        return not is_silent

    def now(self) -> float:
        return boot_clock()

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def _lock(self, name: str, *, is_shared: bool = False) -> bool:
        """Of the file that is there now: one that was removed and made anew is another lock."""
        path = Path(f"{self._stem}.{name}.lock")
        while True:
            if name not in self._open:
                self._open[name] = open_private(path, "the lock")
            try:
                is_ours = locks.take(self._open[name], is_shared=is_shared)
            except OSError as error:
                raise StateUnusable(
                    f"the lock, {path}, can't be held ({os.strerror(error.errno or 0)})",
                    remedy="put the state database on a local disk, or use PostgreSQL",
                ) from None
            if not is_ours or is_at(self._open[name], path):
                return is_ours
            os.close(self._open.pop(name))


class AdvisoryLocks:
    """Locks of one session of its own."""

    def __init__(self, url: str, instance: str) -> None:
        self._instance = instance
        self._engine = open_engine(url)
        self._is_knocking = False
        self._offset = 0.0  # of the server's clock from ours
        with ExitStack() as unless_open, translate_errors(self._engine):
            unless_open.callback(self._engine.dispose)
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self.hears()
            self._sought_at = 0.0
            unless_open.pop_all()

    def take(self, slot: int) -> bool:
        is_ours = self._call("pg_try_advisory_lock", str(slot))
        if not is_ours:
            self._end_hanging(str(slot))
        return is_ours

    def give_back(self, slot: int) -> None:
        self._call("pg_advisory_unlock", str(slot))

    def knock(self) -> None:
        while not self._is_knocking:
            self._is_knocking = self._call("pg_try_advisory_lock_shared", DOOR)

    def leave(self) -> None:
        if self._is_knocking:
            self._is_knocking = not self._call("pg_advisory_unlock_shared", DOOR)

    def hears(self) -> bool:
        asked = boot_clock()
        with translate_errors(self._engine):
            knocks, now = self._connection.execute(HEARS, {"door": self._key(DOOR)}).one()
        self._offset = float(now) - (asked + boot_clock()) / 2
        return bool(knocks)

    def now(self) -> float:
        return boot_clock() + self._offset

    def close(self) -> None:
        self._connection.invalidate()  # closes the session, and with it the locks, whatever state it is in
        self._engine.dispose()

    def _end_hanging(self, name: str) -> None:
        """Who holds a slot looks at the door all the time, so that its silence tells."""
        if boot_clock() - self._sought_at < SEEK:
            return
        self._sought_at = boot_clock()
        with translate_errors(self._engine):
            holder = find_holder(self._connection, self._key(name))
            if holder and holder.is_hanging and end_hanging(self._connection, holder):
                log.warning("budget.freed", host=holder.name, reason="it kept a call at once, and hangs")

    def _call(self, function: str, name: str) -> bool:
        with translate_errors(self._engine):
            return bool(self._connection.scalar(text(f"select {function}(:key)"), {"key": self._key(name)}))

    def _key(self, name: str) -> int:
        return advisory_key(f"{self._instance} {name}")


def slot_key(address: str, slot: int) -> int:
    """The number under which PostgreSQL locks a slot of the instance at an address."""
    return advisory_key(f"{_name_of(address)} {slot}")


def _name_of(address: str) -> str:
    """An instance's, that a file can have."""
    return re.sub(r"[^a-z0-9.-]", "_", server_of(address))


Locks: TypeAlias = FileLocks | AdvisoryLocks | NoLocks


def sharing(url: str, address: str, *, is_looking: bool = False) -> Callable[[], Locks] | None:
    """How to open the locks for the instance at an address; None where no other process can see the state.

    Opening them raises StateUnusable; who is only looking can do without.
    """
    file, instance = database_file(url), _name_of(address)
    if is_on_server(url):
        return lambda: _opened(lambda: AdvisoryLocks(url, instance), is_looking=is_looking)
    if file is None or not file.exists():
        return None
    return lambda: _opened(lambda: FileLocks(file, instance), is_looking=is_looking)


def _opened(opening: Callable[[], Locks], *, is_looking: bool) -> Locks:
    try:
        return opening()
    except StateUnusable:
        if is_looking:
            return NoLocks()
        raise
