"""The right to run a sync: a lock that the system itself releases when its holder dies.

A kernel file lock beside a SQLite database; a session advisory lock on PostgreSQL.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Engine, text

from syncd.errors import LeaseTaken, StateUnusable
from syncd.state.connect import engine_path, translate_errors


@contextmanager
def take_lease(engine: Engine, sync: str) -> Iterator[None]:
    """Hold the lease for the block; LeaseTaken at once where somebody else has it."""
    lock = _advisory_lock if engine.dialect.name == "postgresql" else _file_lock
    with lock(engine, sync):
        yield


def _taken(sync: str) -> LeaseTaken:
    return LeaseTaken(f"another process is running the sync {sync!r}", remedy="wait for it to end, or stop it")


@contextmanager
def _file_lock(engine: Engine, sync: str) -> Iterator[None]:
    """The file stays: to remove it would let two processes lock two files of one name."""
    path = engine_path(engine)
    if path is None:  # a database in memory has no second process
        yield
        return
    lock = Path(f"{path}.{sync}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnusable(
            f"the lock {lock} can't be made ({os.strerror(error.errno or 0)})",
            remedy="let the user that runs syncd write to this folder",
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise _taken(sync) from None
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_lock(engine: Engine, sync: str) -> Iterator[None]:
    """Held by a connection of its own; the server drops it with the session."""
    key = int.from_bytes(blake2b(f"syncd:{sync}".encode(), digest_size=8).digest(), signed=True)
    with translate_errors(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translate_errors(engine):
            is_ours = connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar()
        if not is_ours:
            raise _taken(sync)
        yield
    finally:
        connection.invalidate()  # closes the session, and with it the lock, whatever state it is in
        connection.close()
