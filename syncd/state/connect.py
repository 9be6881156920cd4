"""Opening the state database, and saying in words what is wrong with it: no statement, no value, no password."""

import errno
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import URL, Engine, QueuePool, StaticPool, event, make_url

from syncd.errors import StateLocksUsOut, StateUnusable
from syncd.machine.files import NO_ROOM, file_system, open_own, trouble_with_disk
from syncd.state.session import is_pooled, process_name
from syncd.state.tables import REVISION, metadata

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "smb"})
BUSY_MS = 10_000
WAL_PAUSE_MS = 50
# A server that vanished without a word is given up after 25 s; what was sent and never confirmed, after 30 s.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
LOOKING = {"is_looking": True}  # an execution option: the transaction only reads, and waits for no writer


def open_engine(url: str) -> Engine:
    """Open for reading and writing; a missing SQLite file is created, readable by its owner only.

    Raises StateUnusable where the address is wrong, the folder is missing, or the file lies on a network share.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed)
    path = _path_of(parsed)
    if path is None:
        return _sqlite_engine(None, ":memory:", _prepare)
    _refuse_network(path)
    _make_private(path)
    return _sqlite_engine(path, str(path), _prepare)


def open_engine_readonly(url: str) -> Engine:
    """Open for reading only; an empty database in memory stands in for one that does not exist or is not set up yet.

    Raises StateUnusable as `open_engine` does, and where the schema is older or newer than this program's.
    """
    engine = _open_to_look(_parse(url))
    if engine is None:
        return open_in_memory()
    with ExitStack() as unless_kept:
        unless_kept.callback(engine.dispose)
        refuse_pooler(engine)
        found = schema_version(engine)
        if found is None:
            return open_in_memory()
        if found < REVISION:
            raise StateUnusable("the state database is older than this program", remedy="run `syncd db upgrade`")
        refuse_newer(found)
        unless_kept.pop_all()
        return engine


def _open_to_look(url: URL) -> Engine | None:
    if url.get_backend_name() == "postgresql":
        return _open_postgresql(url, options="-c default_transaction_read_only=on")
    path = _path_of(url)
    if path is None or not path.exists():
        return None
    _refuse_network(path)
    # Not mode=ro: that leaves its -wal and -shm behind, for only one who may write can clear them away.
    return _sqlite_engine(path, f"{path.as_uri()}?mode=rw", _prepare_to_look, **LOOKING)


def open_in_memory() -> Engine:
    """Open an empty database with all tables, visible to this engine only."""
    engine = _sqlite_engine(None, ":memory:", _prepare)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql("create table alembic_version (version_num varchar(32) not null primary key)")
        connection.exec_driver_sql("insert into alembic_version values (?)", (REVISION,))
    return engine


def engine_path(engine: Engine) -> Path | None:
    """The file of an open SQLite database; None for one in memory or on a server."""
    return _path_of(engine.url)


def database_file(url: str) -> Path | None:
    """The file of a SQLite database; None for one in memory or on a server. Raises StateUnusable."""
    return _path_of(_parse(url))


def is_on_server(url: str) -> bool:
    return _parse(url).get_backend_name() == "postgresql"


def advisory_key(purpose: str) -> int:
    """The number under which PostgreSQL locks something of ours."""
    return int.from_bytes(blake2b(f"syncd:{purpose}".encode(), digest_size=8).digest(), signed=True)


def key_file(url: str) -> Path | None:
    """Where the digest key lies that is made beside a SQLite file; None for a server."""
    parsed = make_url(url)
    return Path(parsed.database or "").with_name("syncd.key") if parsed.get_backend_name() == "sqlite" else None


def lock_file(engine: Engine, purpose: str) -> Path | None:
    """The lock beside a SQLite file, for a sync or for migrations; None in memory and on a server, which need none."""
    path = engine_path(engine)
    return None if path is None else Path(f"{path}.{purpose.replace('/', '~')}.lock")  # no name has a ~ of its own


def schema_version(engine: Engine) -> str | None:
    """The revision of the database's schema; None for an empty database."""
    with translate_errors(engine), engine.connect().execution_options(**LOOKING) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("select version_num from alembic_version").scalar()


def refuse_newer(found: str | None) -> None:
    if found is not None and found > REVISION:
        raise StateUnusable(
            "the state database was written by a newer syncd", remedy="run that version, or restore a backup"
        )


POOLED = (
    "is reached through a pooler that hands sessions round (PgBouncer in transaction mode), where no lock holds",
    "let state.url lead to the server itself, or set the pooler to session mode for syncd",
)


def refuse_pooler(engine: Engine) -> None:
    """Raise StateUnusable where what the locks of a session promise does not hold."""
    with translate_errors(engine):
        if engine.dialect.name == "postgresql" and is_pooled(engine):
            raise StateUnusable(f"the state database {POOLED[0]}", remedy=POOLED[1])


# --- addresses and files ---


def _parse(url: str) -> URL:
    """Never quotes the address, which may hold a password."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() in ("sqlite", "postgresql"):
            return parsed
    except (ValueError, sa.exc.ArgumentError):
        pass
    raise StateUnusable(
        "the address of the state database can't be used",
        remedy="write state.url as sqlite:///syncd.db or postgresql+psycopg://user@host/database",
    )


def _path_of(url: URL) -> Path | None:
    """The file, with symbolic links resolved: the locks beside it must be the same under every name of the file."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database).resolve()


def open_private(path: Path, what: str) -> int:
    """Open a file that only its owner can read, or create it; no child process inherits the descriptor."""
    return _open_private(path, what, 0)


def _open_private(path: Path, what: str, flags: int) -> int:
    try:
        return open_own(path, os.O_RDWR | os.O_CREAT | flags)
    except FileExistsError:
        raise
    except FileNotFoundError:
        raise StateUnusable(f"the folder of {what}, {path.parent}, does not exist", remedy="make it") from None
    except OSError as error:
        raise unwritable(f"{what}, {path},", error) from None


def unwritable(what: str, error: OSError) -> StateUnusable:
    """The error for a file of syncd's own that the system does not let it write."""
    remedies = {errno.EROFS: WRITABLE, **dict.fromkeys(NO_ROOM, ROOM)}
    return StateUnusable(
        f"{what} can't be written ({os.strerror(error.errno or 0)})", remedy=remedies.get(error.errno or 0, OWNER)
    )


def _make_private(path: Path) -> None:
    """Create the file if it is missing. An existing file is not opened: closing it would drop this process's locks.

    Without those locks another process would take itself for the last one, and remove a log that is still in use.
    """
    with suppress(FileExistsError):
        os.close(_open_private(path, "the state database", os.O_EXCL))


def _refuse_network(path: Path) -> None:
    if (kind := file_system(path.parent)) in NETWORK_FILE_SYSTEMS:
        raise StateUnusable(
            f"the state database, {path}, lies on a network share ({kind}), where locks can't be trusted",
            remedy="put it on a local disk, or use PostgreSQL",
        )


# --- the two kinds of database ---


def _sqlite_engine(path: Path | None, database: str, prepare: Callable[..., None], **options: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        # No isolation level: SQLAlchemy says BEGIN below, for Python's driver would not before DDL.
        return sqlite3.connect(
            database, uri=path is not None, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )

    pool: Any = StaticPool if path is None else QueuePool
    url = URL.create("sqlite", database=None if path is None else str(path))
    engine = sa.create_engine(url, creator=connect, poolclass=pool, hide_parameters=True, execution_options=options)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    """Begin a writing transaction as IMMEDIATE: it waits for its lock at the start and never fails half-way."""
    is_looking = connection.get_execution_options().get("is_looking")
    connection.exec_driver_sql("BEGIN" if is_looking else "BEGIN IMMEDIATE")


LONGEST_WAL = 64 << 20  # bytes that the log beside a SQLite file may keep once it has been taken over


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite ignores the busy time-out here, so that several first starts at once must retry."""
    for _ in range(BUSY_MS // WAL_PAUSE_MS):
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            time.sleep(WAL_PAUSE_MS / 1000)
        else:
            return
    connection.execute("pragma journal_mode = wal")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    _switch_to_wal(connection)
    connection.execute("pragma synchronous = full")  # measured: costs nothing beside WAL with batches
    connection.execute("pragma foreign_keys = on")
    connection.execute(f"pragma journal_size_limit = {LONGEST_WAL}")
    connection.execute("pragma secure_delete = on")  # whom we forget must not stay readable in free pages


def _prepare_to_look(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma query_only = on")


def _open_postgresql(url: URL, **options: str) -> Engine:
    from syncd.network import reach  # noqa: PLC0415 - SQLite needs no network, and what that needs is slow to import

    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=2,
        connect_args={"application_name": process_name(), "connect_timeout": int(reach().connect)}
        | KEEPALIVES
        | options,
    )


# --- errors ---


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and its drivers into StateUnusable, without statements and values."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _in_words(error, engine) from None
    except sa.exc.SQLAlchemyError as error:
        raise StateUnusable(f"the state database failed ({type(error).__name__})") from None


OWNER = "let the user that runs syncd read and write the file and its folder"
ROOM = "make room; the next run goes on from here"
WRITABLE = "mount it for writing, or keep the state elsewhere"
FULL = ("finds the disk full", ROOM)
LOCKED_OUT = ("refuses the user or password", "check state.url")
NOT_SET_UP = ("is not set up, or older than this program", "run `syncd db upgrade`")
# Codes first, for a server may speak German: SQLite's names, PostgreSQL's SQLSTATE; text where there is no code.
WORDS = {
    r"SQLITE_(BUSY|LOCKED)": (
        "is locked by another program",
        "close what has it open; nothing may copy it while in use",
    ),
    r"SQLITE_READONLY": ("can't be written", OWNER),
    r"SQLITE_CANTOPEN": ("can't be opened", OWNER),
    r"SQLITE_FULL|^53100": FULL,
    r"SQLITE_IOERR": ("can't be read or written (disk error)", "check the disk, and how much room there is on it"),
    r"SQLITE_CORRUPT": ("is damaged", "restore a backup, or move it away: it is then rebuilt by adopting customers"),
    r"SQLITE_NOTADB": ("is no SQLite database", "check state.url"),
    r"no such (table|column)|^42P01|^42703": NOT_SET_UP,
    r"^25006": ("is read-only", "connect to the primary server"),
    r"^42501": ("refuses its user the right to do this", "make the user in state.url the owner of the database"),
    r'database ".*" does not exist': ("does not exist on its server", "make it there, with CREATE DATABASE"),
    r"unsupported startup parameter": POOLED,
    r"no pg_hba\.conf entry": (
        "does not let this machine or user in",
        "allow it in pg_hba.conf on the server; what is refused there may be that the connection is not encrypted",
    ),
    r"does not support SSL|SSL error|certificate": (
        "can't be reached with the encryption that state.url asks for",
        "check sslmode and sslrootcert in state.url, and the server's certificate",
    ),
    r"invalid (connection option|sslmode value|\w+ value)": (
        "is named with an option that nobody knows",
        "check state.url after the '?'",
    ),
    r'password authentication failed|role ".*" does not exist|no password supplied': LOCKED_OUT,
}

CAUSES = {  # why a server can't be reached
    r"refused": "it refuses the connection",
    r"failed to resolve host|translate host name": "there is no host of this name",
    r"timeout|timed out": "no answer in time",
}
OF_THE_DISK = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY")  # what SQLite says of many a cause


def _trouble_with_disk(path: Path | None) -> tuple[str, str] | None:
    """Whether the disk is full or read-only: SQLite reports both as a file that it can't open or write."""
    if path is None:
        return None
    try:
        trouble = trouble_with_disk(path.parent)
    except OSError:
        return None
    words = {errno.EROFS: ("lies on a read-only file system", WRITABLE), errno.ENOSPC: FULL}
    return words.get(trouble or 0)


def _in_words(error: sa.exc.DBAPIError, engine: Engine) -> StateUnusable:
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or "-"
    raw = f"{code} {error.orig}"
    found = next((words for sign, words in WORDS.items() if re.search(sign, raw)), None)
    if found and code.startswith(OF_THE_DISK):
        found = _trouble_with_disk(engine_path(engine)) or found
    if found:
        kind = StateLocksUsOut if found is LOCKED_OUT else StateUnusable
        return kind(f"the state database {found[0]}", remedy=found[1])
    if engine.dialect.name == "postgresql" and isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        cause = next(
            (words for sign, words in CAUSES.items() if re.search(sign, raw)), "the connection failed or broke"
        )
        remedy = "see that the server is up, and that state.url has the right address, user and database"
        return StateUnusable(f"the state database at {engine.url.host} can't be reached: {cause}", remedy=remedy)
    return StateUnusable(f"the state database failed ({type(error.orig).__name__} {code})")
