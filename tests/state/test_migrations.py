"""From an empty database to this program's tables: at once or not at all, on both databases, also from the wheel."""

import logging
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from real_processes import processes_with

from syncd.errors import StateUnusable
from syncd.state.connect import open_engine, open_in_memory
from syncd.state.migrate import is_current, newest, schema_version, upgrade
from syncd.state.tables import REVISION, metadata

ROOT = Path(__file__).parents[2]
processes = processes_with("syncd.state.migrate")


@pytest.fixture
def engine(empty_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_url)
    yield engine
    engine.dispose()


def tables_of(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def differences(engine: sa.Engine) -> Any:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)


def test_an_empty_database_ends_up_with_exactly_the_tables_of_the_program(engine: sa.Engine) -> None:
    assert schema_version(engine) is None
    upgrade(engine)
    assert differences(engine) == []
    assert tables_of(engine) == set(metadata.tables) | {"alembic_version"}
    assert is_current(engine)


def test_the_tables_name_the_newest_migration() -> None:
    assert newest() == REVISION


def test_a_database_in_memory_is_current_without_a_migration() -> None:
    engine = open_in_memory()
    assert is_current(engine)
    assert differences(engine) == []
    engine.dispose()


def test_a_second_upgrade_changes_nothing(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(metadata.tables["meta"].insert(), {"name": "kept", "value": "yes"})
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.select(metadata.tables["meta"].c.value)).scalars().all() == ["yes"]


def test_starts_at_once_take_turns(empty_url: str) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(6)

    def start() -> None:
        engine = open_engine(empty_url)
        barrier.wait()
        try:
            upgrade(engine)
            assert is_current(engine)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def upgrade_and_die(url: str, last: str) -> None:
    """kill -9 right after the statement that begins with `last`."""
    engine = open_engine(url)

    def die(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.strip().startswith(last):
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(engine, "after_cursor_execute", die)
    upgrade(engine)


@pytest.mark.parametrize(
    "last", ["CREATE TABLE journal", "CREATE INDEX ix_run", "INSERT INTO alembic_version", "UPDATE known"]
)
def test_an_upgrade_killed_in_the_middle_leaves_nothing_and_the_next_start_finishes(empty_url: str, last: str) -> None:
    process = processes.Process(target=upgrade_and_die, args=(empty_url, last))
    process.start()
    process.join(timeout=30)
    assert process.exitcode == -signal.SIGKILL
    engine = open_engine(empty_url)
    assert tables_of(engine) == set()
    upgrade(engine)
    assert differences(engine) == []
    engine.dispose()


def test_a_database_of_a_newer_syncd_is_refused_and_left_alone(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(StateUnusable, match="written by a newer syncd: run that version, or restore a backup"):
        upgrade(engine)
    assert schema_version(engine) == "9999"


def test_an_upgrade_prints_nothing_and_leaves_logging_alone(
    engine: sa.Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (logging.root.level, list(logging.root.handlers), logging.root.manager.disable)
    upgrade(engine)
    assert capfd.readouterr() == ("", "")
    assert (logging.root.level, list(logging.root.handlers), logging.root.manager.disable) == before


FROM_THE_WHEEL = """
from syncd.state.connect import open_engine
from syncd.state.migrate import is_current, scripts, upgrade
engine = open_engine("sqlite:///state.db")
upgrade(engine)
print(scripts(), is_current(engine))
"""


def test_the_wheel_brings_its_migrations_along(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "home"
    zipfile.ZipFile(wheel).extractall(home)
    command = [sys.executable, "-c", FROM_THE_WHEEL]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(home / "syncd" / "migrations"), "True"]
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name]
