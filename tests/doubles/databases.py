"""Databases of tests: one server for all workers of a suite, and copies of what was migrated once."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import pytest
import sqlalchemy as sa

from syncd.machine import locks
from syncd.state.connect import engine_path, open_engine
from syncd.state.migrate import upgrade

IMAGE = os.environ.get("SYNCD_TEST_POSTGRES_IMAGE", "postgres:17-alpine")
ON_POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)
# A server that nobody will ask after a crash of the machine need not wait for its disk.
HASTY = "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class SharedServer:
    """PostgreSQL in a container: the worker that needs it first starts it, and whoever began the workers stops it."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "postgres.url"
        self._name = f"syncd-test-postgres-{folder.name}"

    def address(self) -> str:
        with self._address.open("a+", encoding="utf-8") as file:
            locks.wait_for(file.fileno())
            file.seek(0)
            return file.read() or self._start(file)

    def _start(self, file: TextIO) -> str:
        from testcontainers.community.postgres import PostgresContainer
        from testcontainers.core.config import testcontainers_config

        testcontainers_config.ryuk_disabled = True  # it would stop what a worker started as soon as that worker ends
        container = PostgresContainer(IMAGE, driver="psycopg").with_command(HASTY).with_name(self._name).start()
        address = str(container.get_connection_url())
        file.write(address)
        return address

    def stop(self) -> None:
        if not self._address.exists():
            return
        import docker

        engine = docker.from_env()
        for container in engine.containers.list(all=True, filters={"name": self._name}):
            container.remove(force=True, v=True)
        engine.close()


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


def open_compiled(url: str) -> sa.Engine:
    """As `open_engine`; what any engine on a SQLite file has compiled is not compiled again."""
    return compiled_once(open_engine(url))


def compiled_once(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name == "sqlite":
        engine.dialect, compiled = _compiling()
        engine.update_execution_options(compiled_cache=compiled)
    return engine


def open_again(url: str) -> sa.Engine:
    """As `open_engine`, migrated; a file that was opened before keeps its engine, which need not compile all anew."""
    engine = _opened(url)
    file = engine_path(engine)
    assert file
    if not file.exists() or file.stat().st_size == 0:
        file.write_bytes(_migrated_file())
    return engine


_opened = cache(open_engine)


@cache
def _compiling() -> tuple[sa.Dialect, dict[Any, Any]]:
    """Compiled statements are kept by the dialect that they were compiled for; it knows its database once connected."""
    engine = sa.create_engine("sqlite://")
    engine.connect().close()
    return engine.dialect, {}


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/state.db")
        upgrade(engine)
        engine.dispose()
        return Path(folder, "state.db").read_bytes()
