"""Copies the state to another database: all rows or none, compared before the copy counts."""

from collections.abc import Callable, Iterator
from hashlib import blake2b

from sqlalchemy import Connection, Engine, Table, func, select, text

from syncd.errors import StateUnusable
from syncd.state import tables as t
from syncd.state.connect import LOOKING, translate_errors

ROWS = 1_000
PASSING = {t.replica.name, t.request.name}  # what daemons tell each other is of the moment
TABLES = [table for table in t.metadata.sorted_tables if table.name not in PASSING]


def copy_state(source: Engine, target: Engine, progress: Callable[[str, int], None]) -> int:
    """Copy everything into an empty database of the same schema, in one transaction; answers the number of rows.

    `progress` gets the table and how many of its rows are done. Nothing may write to the source meanwhile. Raises
    StateUnusable where the target is not empty, or where the copy differs.
    """
    with (
        translate_errors(source),
        source.execution_options(**LOOKING).connect() as old,
        translate_errors(target),
        target.begin() as new,
    ):
        _require_empty(new)
        count = sum(_copy_table(table, old, new, progress) for table in TABLES)
        for table in TABLES:
            if _digest(table, old) != _digest(table, new):
                raise StateUnusable(
                    f"the copy of {table.name} differs from the original", remedy="nothing was changed; try again"
                )
        _set_counters(new)
    return count


def _require_empty(target: Connection) -> None:
    for table in TABLES:
        if target.execute(select(func.count()).select_from(table)).scalar():
            raise StateUnusable(
                f"the target is not empty: it has rows in {table.name}", remedy="name a new, empty database"
            )


def _copy_table(table: Table, old: Connection, new: Connection, progress: Callable[[str, int], None]) -> int:
    done = 0
    for rows in _pages(table, old):
        new.execute(table.insert(), rows)
        done += len(rows)
        progress(table.name, done)
    return done


def _pages(table: Table, connection: Connection) -> Iterator[list[dict[str, object]]]:
    """Pages of rows, in the order of the primary key."""
    key = list(table.primary_key.columns)
    query = select(table).order_by(*key).execution_options(yield_per=ROWS)
    for page in connection.execute(query).mappings().partitions():
        yield [dict(row) for row in page]


def _digest(table: Table, connection: Connection) -> bytes:
    """A digest of all rows that does not depend on their order: databases sort text differently."""
    whole = 0
    for rows in _pages(table, connection):
        for row in rows:
            line = repr([(name, bytes(v) if isinstance(v, memoryview) else v) for name, v in sorted(row.items())])
            whole ^= int.from_bytes(blake2b(line.encode(errors="replace"), digest_size=16).digest())
    return whole.to_bytes(16)


def _set_counters(target: Connection) -> None:
    """Let PostgreSQL number new rows after the copied ones: it knows only the numbers that it gave itself."""
    if target.dialect.name != "postgresql":
        return
    for table in TABLES:
        counter = table.autoincrement_column
        if counter is not None:
            highest = target.execute(select(func.max(counter))).scalar()
            if highest:
                question = text("select setval(pg_get_serial_sequence(:table, :column), :highest)")
                target.execute(question, {"table": table.name, "column": counter.name, "highest": highest})
