"""The queue's tables: made at once, or brought up to date from an earlier version's."""

from collections.abc import Iterator
from importlib.resources import files

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from syncd.cluster.schema import SCHEMA, prepare
from syncd.errors import StateUnusable
from syncd.state import migrate
from syncd.state.connect import open_engine

BEFORE = "03.03"  # a version whose tables were others


def parts_of(engine: Engine) -> set[tuple[str, ...]]:
    """Columns, indexes and functions of the schema."""
    questions = (
        "select table_name, column_name, data_type from information_schema.columns where table_schema = :schema",
        "select tablename, indexname, indexdef from pg_indexes where schemaname = :schema",
        "select proname, md5(prosrc) from pg_proc join pg_namespace n on n.oid = pronamespace where nspname = :schema",
    )
    with engine.begin() as connection:
        return {
            tuple(map(str, row)) for one in questions for row in connection.execute(sa.text(one), {"schema": SCHEMA})
        }


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


def make_as_of(engine: Engine, until: str) -> None:
    """As the steps up to a version have left it."""
    steps = sorted((files("procrastinate.sql") / "migrations").iterdir(), key=lambda step: step.name)
    taken = [step for step in steps if step.name.endswith(".sql") and step.name < until]
    for script in [f"create schema {SCHEMA}", *(step.read_text() for step in taken)]:
        with engine.begin() as connection:
            connection.execute(sa.text(f"set local search_path to {SCHEMA}"))
            connection.connection.driver_connection.execute(script)  # type: ignore[union-attr]
    note(engine, taken[-1].name)


def note(engine: Engine, step: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("delete from meta where name = 'queue'"))
        connection.execute(sa.text("insert into meta (name, value) values ('queue', :step)"), {"step": step})


def test_tables_of_an_earlier_version_become_those_of_this_one(engine: Engine) -> None:
    make_as_of(engine, BEFORE)
    before = parts_of(engine)
    prepare(engine)
    brought_up = parts_of(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop schema {SCHEMA} cascade"))
        connection.execute(sa.text("delete from meta where name = 'queue'"))
    prepare(engine)
    assert before != brought_up
    assert brought_up == parts_of(engine)


def test_made_twice_nothing_happens(engine: Engine) -> None:
    prepare(engine)
    prepare(engine)
    assert parts_of(engine)


def test_tables_of_a_newer_version_are_left_alone(engine: Engine) -> None:
    prepare(engine)
    note(engine, "99.00.00_01_pre_step.sql")
    with pytest.raises(StateUnusable, match="newer"):
        prepare(engine)
