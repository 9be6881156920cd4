"""Opening the state database, and saying in words what is wrong with it: no statement, no value, no password."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool, StaticPool

from syncd.errors import StateUnusable

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph"})
BUSY_MS = 10_000
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def open_engine(url: str) -> Engine:
    """For reading and writing; a SQLite file is made, readable by its owner only, where there is none."""
    if make_url(url).get_backend_name() == "postgresql":
        return _open_postgresql(url)
    path = database_path(url)
    if path is not None:
        _make_file(path)
    engine = _sqlite_engine(str(path) if path else ":memory:")
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def open_engine_readonly(url: str) -> Engine | None:
    """For looking only: nothing is made and nothing is written. None where there is no database yet."""
    if make_url(url).get_backend_name() == "postgresql":
        return _open_postgresql(url, options="-c default_transaction_read_only=on")
    path = database_path(url)
    if path is None or not path.exists():
        return None
    engine = _sqlite_engine(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    event.listen(engine, "connect", _prepare_readonly)
    return engine


def open_in_memory() -> Engine:
    """An empty database that nobody else sees, for questions to a state that is not there yet."""
    return _sqlite_engine(":memory:")


def database_path(url: str) -> Path | None:
    """The file of a SQLite database; None for one in memory or on a server."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(parsed.database)


def engine_path(engine: Engine) -> Path | None:
    """The file of an open SQLite database."""
    with engine.connect() as connection:
        files = {name: file for _, name, file in connection.exec_driver_sql("pragma database_list")}
    return Path(files["main"]) if files["main"] else None


def _sqlite_engine(database: str, *, uri: bool = False) -> Engine:
    def connect() -> sqlite3.Connection:
        # No isolation level: SQLAlchemy says BEGIN below, for Python's driver would not before DDL.
        return sqlite3.connect(database, uri=uri, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)

    pool: Any = StaticPool if database == ":memory:" else QueuePool
    engine = sa.create_engine("sqlite://", creator=connect, poolclass=pool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    """IMMEDIATE, so that a writer waits at the start and never fails half-way through."""
    is_readonly = connection.exec_driver_sql("pragma query_only").scalar()
    connection.exec_driver_sql("BEGIN" if is_readonly else "BEGIN IMMEDIATE")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")  # measured: costs nothing beside WAL with batches
    connection.execute("pragma foreign_keys = on")


def _prepare_readonly(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma query_only = on")


def _make_file(path: Path) -> None:
    """Made here and not by SQLite, so that nobody else can ever read it; its -wal and -shm inherit the mode."""
    if not path.parent.is_dir():
        raise StateUnusable(f"the folder of the state database, {path.parent}, does not exist", remedy="make it")
    if (kind := _file_system(path.parent)) in NETWORK_FILE_SYSTEMS:
        raise StateUnusable(
            f"the state database {path} lies on a network share ({kind}), where locks can't be trusted",
            remedy="put it on a local disk, or use PostgreSQL",
        )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StateUnusable(
            f"the state database {path} can't be written ({os.strerror(error.errno or 0)})",
            remedy="let the user that runs syncd write this file and its folder",
        ) from None


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder lies on; empty where the system does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    points = [line.split()[1:3] for line in mounts]
    real = folder.resolve()
    above = [(point, kind) for point, kind in points if real.is_relative_to(point.replace("\\040", " "))]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _open_postgresql(url: str, **options: str) -> Engine:
    return sa.create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=2,
        connect_args={"connect_timeout": 10, "application_name": "syncd", **KEEPALIVES, **options},
    )


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy and its drivers raise into words."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _in_words(error, engine) from None
    except sa.exc.SQLAlchemyError as error:
        raise StateUnusable(f"the state database failed ({type(error).__name__})") from None


WORDS = {
    "locked": ("is locked by another program", "close what has it open, and see that nobody copies it while in use"),
    "readonly": ("can't be written", "let the user that runs syncd write the file and its folder"),
    "unable to open": ("can't be opened", "let the user that runs syncd read and write the file and its folder"),
    "disk is full": ("finds the disk full", "make room; the next run goes on from here"),
    "disk I/O": ("can't be read or written (disk error)", "check the disk"),
    "malformed": ("is damaged", "restore it from a backup, or move it away: it is then rebuilt by adopting customers"),
    "not a database": ("is no SQLite database", "check state.url"),
    "no such table": ("is not set up, or older than this program", "run `syncd db upgrade`"),
    "does not exist": ("is not set up, or older than this program", "run `syncd db upgrade`"),
    "no space left": ("finds the disk full", "make room; the next run goes on from here"),
    "password authentication failed": ("refuses the user or password", "check state.url"),
    "read-only transaction": ("is read-only", "connect to the primary server"),
}


def _in_words(error: sa.exc.DBAPIError, engine: Engine) -> StateUnusable:
    raw = str(error.orig).lower()
    for sign, (what, remedy) in WORDS.items():
        if sign.lower() in raw:
            return StateUnusable(f"the state database {what}", remedy=remedy)
    if error.connection_invalidated or isinstance(error, sa.exc.OperationalError):
        where = "" if engine.dialect.name == "sqlite" else " Is the server up, and its address in state.url right?"
        return StateUnusable("the state database can't be reached", remedy=f"try again.{where}".strip("."))
    return StateUnusable(f"the state database failed ({type(error.orig).__name__})")
