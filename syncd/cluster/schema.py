"""The queue's tables, in a schema of their own: made by what procrastinate brings, and then brought up to date."""

from importlib.resources import files

from sqlalchemy import Connection, Engine, text

from syncd.errors import StateUnusable
from syncd.state.connect import advisory_key, translate_errors
from syncd.state.queue import SCHEMA

NOTE = "queue"  # in the table `meta`: the last step that was taken
_NOTED = text("select value from meta where name = :name")
_NOTE = text("insert into meta (name, value) values (:name, :value) on conflict (name) do update set value = :value")
_LOCK, _UNLOCK = text("select pg_advisory_lock(:key)"), text("select pg_advisory_unlock(:key)")


def prepare(engine: Engine) -> None:
    """Under a lock, each step in a transaction of its own. Raises StateUnusable, also where a newer one was here."""
    key = {"key": advisory_key(SCHEMA)}
    with translate_errors(engine), engine.connect() as connection:
        connection.execute(_LOCK, key)
        connection.commit()
        try:
            _bring_up(connection)
        finally:
            connection.rollback()
            connection.execute(_UNLOCK, key)
            connection.commit()


def _bring_up(connection: Connection) -> None:
    steps = _steps()
    newest = max(steps)
    found = connection.scalar(_NOTED, {"name": NOTE})
    connection.commit()
    if found is None:
        _take(
            connection,
            newest,
            f"create schema {SCHEMA}",
            (files("procrastinate.sql") / "schema.sql").read_text("utf-8"),
        )
    elif found > newest:
        raise StateUnusable("the queue is of a newer version of procrastinate", remedy="update syncd here too")
    else:
        for step in sorted(step for step in steps if step > found):
            _take(connection, step, steps[step])


def _steps() -> dict[str, str]:
    """By names that begin with the version, and are in order."""
    folder = files("procrastinate.sql") / "migrations"
    return {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".sql")}


def _take(connection: Connection, step: str, *scripts: str) -> None:
    with connection.begin():
        connection.execute(text(f"set local search_path to {SCHEMA}"))
        for script in scripts:
            _execute(connection, script)
        connection.execute(text("set local search_path to default"))
        connection.execute(_NOTE, {"name": NOTE, "value": step})


def _execute(connection: Connection, script: str) -> None:
    """As it stands: many statements, and signs that SQLAlchemy would read as parameters."""
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(script)
