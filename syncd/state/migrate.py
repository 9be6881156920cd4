"""Bringing the state database to this program's schema; under a lock, in one transaction, with what is in the wheel."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

import syncd
from syncd.errors import StateUnusable
from syncd.machine import locks
from syncd.state.connect import lock_file, open_private, refuse_newer, schema_version, translate_errors
from syncd.state.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["is_current", "newest", "schema_version", "scripts", "upgrade"]
LOCK = 7_289_401_337  # PostgreSQL's advisory lock for migrations; any number that nobody else uses


def scripts() -> Path:
    """In the wheel beside the modules, in a checkout beside the package."""
    package = Path(syncd.__file__).parent
    return next(p for p in (package / "migrations", package.parent / "migrations") if (p / "env.py").exists())


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()


def is_current(engine: Engine) -> bool:
    return schema_version(engine) == REVISION


def upgrade(engine: Engine) -> None:
    """Killed half-way, the transaction is rolled back, and the next start does it all."""
    found = schema_version(engine)
    refuse_newer(found)
    if found == REVISION:
        return
    from alembic import command
    from alembic.util.exc import CommandError

    with _locked(engine), translate_errors(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        try:
            command.upgrade(_config(connection), "head")
        except CommandError:  # another start, of a newer syncd, was quicker
            raise StateUnusable("the state database has changed meanwhile", remedy="start again") from None


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    """SQLite: two starts at once take turns. PostgreSQL has a lock of its own, in the transaction."""
    path = lock_file(engine, "migrate")
    if path is None:
        yield
        return
    descriptor = open_private(path, "the lock")
    try:
        locks.wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)
