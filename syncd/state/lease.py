"""The right to run a sync: a lock that the system itself releases when its holder dies.

A kernel file lock beside a SQLite database; a session advisory lock on PostgreSQL.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Pool, exc, text

from syncd.errors import LeaseTaken, StateUnusable
from syncd.state.connect import advisory_key, lock_file, open_private, translate_errors, unwritable

_in_memory: WeakKeyDictionary[Pool, set[str]] = WeakKeyDictionary()  # who has what of databases in memory
_guard = Lock()


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held. Beside a SQLite database its lock file remembers the last fencing number.

    A database that knows only earlier numbers was restored from a backup. A server is restored with all it has, so
    there this can't be noticed.
    """

    descriptor: int | None = None

    def is_older(self, fence: int) -> bool:
        """Tell whether the database has just handed out a number that was in use before."""
        if self.descriptor is None:
            return False
        noted = os.pread(self.descriptor, 32, 0).strip()
        return noted.isdigit() and int(noted) >= fence

    def note(self, fence: int) -> None:
        if self.descriptor is None:
            return
        try:
            os.pwrite(self.descriptor, f"{fence:<31}\n".encode(), 0)
        except OSError as error:
            raise unwritable("the lock beside the state database", error) from None


def take_lease(engine: Engine, sync: str) -> AbstractContextManager[Lease]:
    """Hold the lease for the block; LeaseTaken at once where somebody else has it."""
    if engine.dialect.name == "postgresql":
        return _advisory_lock(engine, sync)
    path = lock_file(engine, sync)
    return _memory_lock(engine, sync) if path is None else _file_lock(path, sync)


def _taken(sync: str) -> LeaseTaken:
    return LeaseTaken(f"another process is running the sync {sync!r}", remedy="wait for it to end, or stop it")


@contextmanager
def _file_lock(path: Path, sync: str) -> Iterator[Lease]:
    """The file stays: to remove it would let two processes lock two files of one name."""
    descriptor = open_private(path, "the lock")
    try:
        _lock_file(descriptor, path, sync)
        yield Lease(descriptor)
    finally:
        os.close(descriptor)


def _lock_file(descriptor: int, path: Path, sync: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _taken(sync) from None
    except OSError as error:
        raise StateUnusable(
            f"the lock, {path}, can't be held ({os.strerror(error.errno or 0)})",
            remedy="put the state database on a local disk, or use PostgreSQL",
        ) from None


@contextmanager
def _memory_lock(engine: Engine, sync: str) -> Iterator[Lease]:
    """No other process sees the database, but a second thread might."""
    with _guard:
        held = _in_memory.setdefault(engine.pool, set())
        if sync in held:
            raise _taken(sync)
        held.add(sync)
    try:
        yield Lease()
    finally:
        held.discard(sync)


@contextmanager
def _advisory_lock(engine: Engine, sync: str) -> Iterator[Lease]:
    """Held by a connection of its own; the server drops it with the session."""
    key = advisory_key(sync)
    with translate_errors(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translate_errors(engine):
            is_ours = connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar()
        if not is_ours:
            raise _taken(sync)
        yield Lease()
        with suppress(exc.DBAPIError):  # a server closes a session in its own time; whoever comes next should not wait
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
    finally:
        connection.invalidate()  # closes the session, and with it the lock, whatever state it is in
        connection.close()
