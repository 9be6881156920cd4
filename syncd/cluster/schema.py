"""The queue's tables, in a schema of their own: made by what procrastinate brings, and brought to its version."""

from importlib.metadata import version
from importlib.resources import files

from sqlalchemy import Connection, Engine, text

from syncd.errors import StateUnusable
from syncd.state.connect import advisory_key, translate_errors

SCHEMA = "syncd_queue"
NOTE = "queue"  # in the table `meta`: the version that made the tables
_NOTED = text("select value from meta where name = :name")
_NOTE = text("insert into meta (name, value) values (:name, :value) on conflict (name) do update set value = :value")


def prepare(engine: Engine) -> None:
    """Under a lock, in one transaction. Raises StateUnusable, also where a newer version was here."""
    ours = version("procrastinate")
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": advisory_key(SCHEMA)})
        found = connection.scalar(_NOTED, {"name": NOTE})
        if found == ours:
            return
        if found and _parts(found) > _parts(ours):
            raise StateUnusable(
                f"the queue is of procrastinate {found}, newer than {ours}", remedy="update syncd here too"
            )
        connection.execute(text(f"create schema if not exists {SCHEMA}"))
        connection.execute(text(f"set local search_path to {SCHEMA}"))
        for script in _scripts(found):
            _execute(connection, script)
        connection.execute(text("set local search_path to default"))
        connection.execute(_NOTE, {"name": NOTE, "value": ours})


def _scripts(found: str | None) -> list[str]:
    """All of it, or the steps that are newer than what is there."""
    folder = files("procrastinate.sql")
    if found is None:
        return [(folder / "schema.sql").read_text(encoding="utf-8")]
    steps = {one.name: one for one in (folder / "migrations").iterdir() if one.name.endswith(".sql")}
    newer = [name for name in sorted(steps) if _parts(name.split("_")[0]) > _parts(found)]
    return [steps[name].read_text(encoding="utf-8") for name in newer]


def _execute(connection: Connection, script: str) -> None:
    """As it stands: many statements, and signs that SQLAlchemy would read as parameters."""
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(script)


def _parts(text_of_version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text_of_version.split(".")[:3])
