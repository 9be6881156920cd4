"""Databases of tests: one server for all workers of a suite, and copies of what was migrated once."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.state.connect import engine_path, open_engine
from syncd.state.migrate import upgrade

IMAGE = os.environ.get("SYNCD_TEST_POSTGRES_IMAGE", "postgres:17-alpine")
ON_POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)
# A server that nobody will ask after a crash of the machine need not wait for its disk.
HASTY = "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@contextmanager
def locked(path: Path, mode: int = fcntl.LOCK_EX) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, mode)
        yield


class SharedServer:
    """PostgreSQL in a container: the first worker that needs it starts it, and outstays the others."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "postgres.url"
        self._starting = folder / "postgres.starting"
        self._in_use = folder / "postgres.in_use"
        self._use: Any = None
        self._container: Any = None

    def join(self) -> str:
        with locked(self._starting):
            if not self._address.exists():
                self._start()
            self._use = self._in_use.open("w")
            fcntl.flock(self._use, fcntl.LOCK_SH)
            return self._address.read_text(encoding="utf-8")

    def _start(self) -> None:
        from testcontainers.community.postgres import PostgresContainer

        self._container = PostgresContainer(IMAGE, driver="psycopg").with_command(HASTY).start()
        self._address.write_text(self._container.get_connection_url(), encoding="utf-8")

    def leave(self) -> None:
        """Who started it waits for the others, for an engine's janitor stops what belongs to a process that ends."""
        self._use.close()
        if self._container is None:
            return
        with locked(self._starting):
            self._address.unlink()
        with locked(self._in_use):
            self._container.stop()


@contextmanager
def migrated_template(server: str) -> Iterator[str]:
    """The name of a database on the server to be cloned, migrated as a start of syncd migrates it."""
    with new_database(server) as url:
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        yield str(sa.make_url(url).database)


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    name = f"syncd_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name} template {template}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")
    engine.dispose()


def upgrade_by_copy(engine: sa.Engine) -> None:
    """As `upgrade` does it, but a file that is new is a copy of one that was migrated before."""
    file = engine_path(engine)
    if file and file.stat().st_size == 0:
        file.write_bytes(_migrated_file())
    upgrade(engine)


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/state.db")
        upgrade(engine)
        engine.dispose()
        return Path(folder, "state.db").read_bytes()
