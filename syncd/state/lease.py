"""The right to run a sync, or to be the daemon at work: a lock that the system itself releases when its holder dies.

A kernel file lock beside a SQLite database; a session advisory lock on PostgreSQL.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Connection, Engine, Pool, exc, select, text

from syncd.errors import LeaseLost, LeaseTaken, StateUnusable
from syncd.machine import locks
from syncd.machine.clock import boot_clock
from syncd.machine.files import is_at, read_at, write_at
from syncd.machine.processes import how_to_end
from syncd.state import tables as t
from syncd.state.connect import (
    advisory_key,
    lock_file,
    open_private,
    translate_errors,
    unwritable,
)
from syncd.state.session import end_hanging, find_holder, place_of
from syncd.state.transactions import Transactions

DAEMON = "the daemon"  # its lease; no sync has a name with a blank in it
LOCKS = Path("/proc/locks")
LINE = 32  # bytes of each line in a lock file: the last fencing number, and the holder's pid
BEAT = 1.5  # seconds between two beats
SURE = 5.0  # seconds after a beat for which the lease is ours beyond doubt: others end whom they do not hear for 6.5
PATIENCE = 10.0
log = structlog.get_logger()
_in_memory: WeakKeyDictionary[Pool, set[str]] = WeakKeyDictionary()  # who has what of databases in memory
_guard = Lock()


class Lease:
    """A lease that is held; nobody but this process sees the database."""

    def confirm(self) -> None:
        """Raise LeaseLost where it is not ours any more. Any thread asks, before each write to go~mus."""

    def is_older(self, fence: int) -> bool:  # noqa: ARG002 - nothing remembers
        """Tell whether the database is older than it was: it has just handed out a number that was in use before."""
        return False

    def note(self, fence: int) -> None: ...


class FileLease(Lease):
    """Its lock file remembers the last fencing number: a database that knows only earlier ones was restored."""

    def __init__(self, descriptor: int, held: int, path: Path) -> None:
        self._descriptor = descriptor
        self._held = held
        self._path = path

    def confirm(self) -> None:
        if not is_at(self._held, locks.locked_for(self._path)):
            raise LeaseLost(f"the lock, {self._path}, was removed while it was in use", remedy="let it lie where it is")

    def is_older(self, fence: int) -> bool:
        noted = read_at(self._descriptor, 0, LINE).strip()
        return noted.isdigit() and int(noted) >= fence

    def note(self, fence: int) -> None:
        _write_line(self._descriptor, str(fence), 0)


class SessionLease(Lease):
    """Held by a session of its own, on which a thread beats: by that others tell who lives from who hangs.

    The database remembers where it was last used: elsewhere it is a copy, or was restored from a backup. A server whose
    disk is put back as a whole, under the same history, can't be told from one that never was away.
    """

    def __init__(self, connection: Connection, sync: str) -> None:
        self._connection = connection
        self._name = f"place.{sync}"
        self._place = place_of(connection)
        self._db = Transactions(connection.engine)
        self._sure_until = boot_clock() + SURE
        self._is_lost = False
        self._over = Event()
        self._thread = Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def confirm(self) -> None:
        """Who was frozen or asleep waits for the next beat, which shows whether the session is still there."""
        give_up_at = boot_clock() + PATIENCE
        while not self._is_lost and boot_clock() > self._sure_until and boot_clock() < give_up_at:
            time.sleep(0.05)
        if self._is_lost or boot_clock() > self._sure_until:
            raise LeaseLost("the right to run this sync was lost with its session", remedy="this one writes no more")

    def is_older(self, fence: int) -> bool:  # noqa: ARG002 - it was restored with all its numbers
        noted = self._db.first(select(t.meta.c.value).where(t.meta.c.name == self._name))
        return noted is not None and noted.value != self._place

    def note(self, fence: int) -> None:  # noqa: ARG002 - as above
        self._db.upsert(t.meta, [{"name": self._name, "value": self._place}], key=["name"])

    def end(self) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            began = boot_clock()
            try:
                self._connection.execute(text("select 1"))
            except exc.SQLAlchemyError:
                self._is_lost = True
                return
            self._sure_until = began + SURE


def take_lease(engine: Engine, sync: str) -> AbstractContextManager[Lease]:
    """Hold the lease for the block; LeaseTaken at once where somebody else has it."""
    if engine.dialect.name == "postgresql":
        return _advisory_lock(engine, sync)
    path = lock_file(engine, sync)
    return _memory_lock(engine, sync) if path is None else _file_lock(path, sync)


def holder_of(engine: Engine, sync: str) -> str | None:
    """Who runs the sync, as far as a server knows it, or the system."""
    if engine.dialect.name != "postgresql":
        path = lock_file(engine, sync)
        return None if path is None else _pid_at(path)
    with translate_errors(engine), engine.connect() as connection:
        holder = find_holder(connection, advisory_key(sync))
    return holder.name if holder else None


def _pid_at(path: Path) -> str | None:
    """Whose lock it is, where the system tells; to try the lock would be in the way of who takes it."""
    with suppress(OSError):
        inode = path.stat().st_ino
        for kind, pid, place in re.findall(r"^\d+: (\w+) .* (\d+) (\S+) \S+ \S+$", LOCKS.read_text(), re.MULTILINE):
            if kind == "FLOCK" and place.endswith(f":{inode}"):
                return f"pid {pid}"
    return None


def _taken(sync: str, holder: str = "", remedy: str = "wait for it to end, or stop it") -> LeaseTaken:
    return LeaseTaken(f"another process{holder} is running the sync {sync!r}", remedy=remedy)


@contextmanager
def _file_lock(path: Path, sync: str) -> Iterator[Lease]:
    """The file stays: to remove it would let two processes lock two files of one name."""
    with ExitStack() as stack:
        descriptor, held = (open_private(file, "the lock") for file in (path, locks.locked_for(path)))
        stack.callback(os.close, descriptor)
        stack.callback(os.close, held)
        if not _is_ours(held, path):
            raise _taken_by(read_at(descriptor, LINE, LINE).decode("ascii", "replace").strip(), sync)
        _write_line(descriptor, str(os.getpid()), LINE)
        yield FileLease(descriptor, held, path)


def _is_ours(held: int, path: Path) -> bool:
    try:
        return locks.take(held)
    except OSError as error:
        raise StateUnusable(
            f"the lock, {path}, can't be held ({os.strerror(error.errno or 0)})",
            remedy="put the state database on a local disk, or use PostgreSQL",
        ) from None


def _taken_by(pid: str, sync: str) -> LeaseTaken:
    if not pid.isdigit():
        return _taken(sync)
    return _taken(sync, f" (pid {pid})", f"wait for it to end, or stop it: {how_to_end(pid)}")


def _write_line(descriptor: int, line: str, offset: int) -> None:
    try:
        write_at(descriptor, offset, f"{line:<{LINE - 1}}\n".encode())
    except OSError as error:
        raise unwritable("the lock beside the state database", error) from None


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
            _take_key(connection, key, sync)
        lease = SessionLease(connection, sync)
        try:
            yield lease
        finally:
            lease.end()
        with suppress(exc.SQLAlchemyError):  # a server closes a session in its own time, and nobody should wait
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
    finally:
        connection.invalidate()  # closes the session, and with it the lock, whatever state it is in
        connection.close()


def _take_key(connection: Connection, key: int, sync: str) -> None:
    """Who hangs is ended first. Raises LeaseTaken."""
    take = text("select pg_try_advisory_lock(:key)")
    give_up_at = boot_clock() + PATIENCE
    while not connection.scalar(take, {"key": key}):
        holder = find_holder(connection, key)
        if boot_clock() > give_up_at or (holder and not holder.is_hanging):
            raise _taken(sync, f" ({holder.name})" if holder and holder.name else "")
        if holder and end_hanging(connection, holder):
            log.warning("lease.ended", sync=sync, host=holder.name, reason="its holder hangs")
        time.sleep(0.1)
