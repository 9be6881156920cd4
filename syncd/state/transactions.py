"""Transactions on the state database: one open at a time in each thread, every failure in words."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Delete, Engine, Row, Select, Table, Update, func, select
from sqlalchemy.dialects import postgresql, sqlite

from syncd.domain.chunks import chunks
from syncd.state.bulk import Bulk
from syncd.state.connect import LOOKING, translate_errors

PAGE = 500  # so many values of one query both SQLite and PostgreSQL take


class Transactions:
    """Every query and every write passes here. Any thread may call; a transaction belongs to the thread that opened it.

    All methods raise StateUnusable where the database can't be used.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._looking = engine.execution_options(**LOOKING)
        self._open = threading.local()
        self._bulks: dict[Any, Bulk] = {}
        self._upserts: dict[Any, Any] = {}

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Join the transaction that is open in this thread, or open one and commit it at the end of the block."""
        joined: Connection | None = getattr(self._open, "connection", None)
        if joined is not None:
            yield joined
            return
        with translate_errors(self.engine), self.engine.begin() as connection:
            self._open.connection = connection
            try:
                yield connection
            finally:
                self._open.connection = None

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """The transaction that is open in this thread, or a connection that does not wait for writers."""
        joined: Connection | None = getattr(self._open, "connection", None)
        if joined is not None:
            yield joined
            return
        with translate_errors(self.engine), self._looking.connect() as connection:
            yield connection

    def rows(self, query: Any) -> Sequence[Row[Any]]:  # noqa: ANN401 - any select
        """The rows that a query finds; outside a transaction it does not wait for writers."""
        with self._asking() as connection:
            return connection.execute(query).all()

    def tuples(self, query: Select[Any]) -> Sequence[Any]:
        """The rows as the driver has them, for very many: of numbers and bytes alone, which need no translation."""
        with self._asking() as connection:
            result = connection.execute(query)
            assert result.cursor is not None  # noqa: S101 - a select has one
            try:
                return result.cursor.fetchall()
            finally:
                result.close()

    def rows_among(self, query: Select[Any], column: Column[Any], values: Iterable[Any]) -> Iterator[Row[Any]]:
        """Those of the rows that a query finds which have one of these values in the column."""
        for number, page in enumerate(chunks(values, PAGE)):
            if number == 0 and len(page) == PAGE and not self.rows(query.limit(1)):  # as at a first load
                return
            yield from self.rows(query.where(column.in_(page)))

    def first(self, query: Any) -> Row[Any] | None:  # noqa: ANN401 - any select
        return next(iter(self.rows(query)), None)

    def write(self, statement: Any, rows: Sequence[Mapping[str, Any]] | None = None) -> int:  # noqa: ANN401 - any DML
        """Execute once, or once for each of `rows`; answers how many rows of the table it concerned."""
        if rows is not None and not rows:
            return 0
        with self.transaction() as connection:
            return connection.execute(statement, rows).rowcount

    def write_many(self, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:  # noqa: ANN401 - any DML
        """As `write` for each of `rows`, in a fraction of the time. They hold all that the statement lacks.

        The statement is to be built once for all calls, for it is compiled once.
        """
        if not rows:
            return 0
        names = tuple(rows[0])
        bulk = self._bulks.get((statement, names))
        if bulk is None:
            bulk = self._bulks[statement, names] = Bulk(self.engine.dialect, statement, names)
        with self.transaction() as connection:
            return bulk.execute(connection, rows)

    def write_among(self, statement: Update | Delete, column: Column[Any], values: Iterable[Any]) -> None:
        """Execute for those rows of the table which have one of these values in the column."""
        for page in chunks(values, PAGE):
            self.write(statement.where(column.in_(page)))

    def insert(self, table: Table) -> Any:  # noqa: ANN401 - of either dialect
        """An insert statement that can have an `on conflict` clause."""
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

    def upsert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], kept: Sequence[str] = ()
    ) -> None:
        """Insert, or replace what has the same key but for the columns that are `kept`."""
        if not rows:
            return
        names = tuple(rows[0])
        form = (table, names, tuple(key), tuple(kept))
        statement = self._upserts.get(form)
        if statement is None:
            inserting = self.insert(table)
            values = {name: inserting.excluded[name] for name in names if name not in (*key, *kept)}
            statement = inserting.on_conflict_do_update(index_elements=key, set_=values)
            self._upserts[form] = statement
        self.write_many(statement, rows)

    def next_numbers(self, column: Column[int], count: int) -> range | list[int]:
        """Numbers for so many new rows, for an insert in the transaction that is open. Nobody else gets them."""
        with self.transaction() as connection:
            if self.engine.dialect.name == "postgresql":
                counter = func.pg_get_serial_sequence(column.table.name, column.name)
                return list(
                    connection.scalars(select(func.nextval(counter)).select_from(func.generate_series(1, count)))
                )
            last = connection.scalar(select(func.max(column))) or 0  # SQLite has one writer at a time
            return range(last + 1, last + 1 + count)
