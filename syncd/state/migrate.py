"""Bringing the state database to this program's schema; under a lock, in one transaction, with what is in the wheel."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

import syncd
from syncd.errors import StateUnusable
from syncd.state.connect import engine_path, translate_errors

LOCK = 7_289_401_337  # PostgreSQL's advisory lock for migrations; any number that nobody else uses


def scripts() -> Path:
    """In the wheel beside the modules, in a checkout beside the package."""
    package = Path(syncd.__file__).parent
    return next(p for p in (package / "migrations", package.parent / "migrations") if (p / "env.py").exists())


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - there is always a first migration
    return head


def schema_version(engine: Engine) -> str | None:
    """None for an empty database."""
    with translate_errors(engine), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(engine: Engine) -> bool:
    return schema_version(engine) == newest()


def upgrade(engine: Engine) -> None:
    """Killed half-way, the transaction is rolled back, and the next start does it all."""
    if is_current(engine):
        return
    with translate_errors(engine), _locked(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        try:
            command.upgrade(_config(connection), "head")
        except CommandError:
            raise StateUnusable(
                "the state database was written by a newer syncd", remedy="run that version, or restore a backup"
            ) from None


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    """SQLite: two starts at once take turns. PostgreSQL has a lock of its own, in the transaction."""
    path = engine_path(engine) if engine.dialect.name == "sqlite" else None
    if path is None:
        yield
        return
    descriptor = os.open(f"{path}.migrate.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
