"""Real state databases: SQLite always, PostgreSQL from a container or a server that is named."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from engine import no_engine

IMAGE = os.environ.get("SYNCD_TEST_POSTGRES_IMAGE", "postgres:17-alpine")
SERVER = os.environ.get("SYNCD_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server; skipped only on a machine that has neither a server nor an engine."""
    if SERVER:
        yield SERVER
        return
    reason = no_engine()
    if reason:
        if os.environ.get("SYNCD_TEST_REQUIRE_POSTGRES"):
            pytest.fail(f"PostgreSQL is required here: {reason}")
        pytest.skip(f"no PostgreSQL: {reason}, and SYNCD_TEST_POSTGRES_URL names no server")
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(IMAGE, driver="psycopg") as container:
        yield container.get_connection_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty state database of each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    yield from _fresh_database(postgres)


def _fresh_database(server: str) -> Iterator[str]:
    name = f"syncd_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    yield sa.engine.make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"drop database {name} with (force)"))
    engine.dispose()


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """A run's log is only of interest where a test looks at it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()
