"""Statements for very many rows: compiled once, then left to the driver itself, which takes a fraction of the time."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary
from sqlalchemy.sql.dml import UpdateBase


class Bulk:
    """One statement whose parameters are all in each row, under the same `names`."""

    def __init__(self, dialect: Dialect, statement: UpdateBase, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names), for_executemany=True)
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._translate: dict[str, Callable[[Any], Any]] = {}
        for name, bind in compiled.binds.items():
            translate = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if translate and not isinstance(bind.type, LargeBinary):  # drivers take bytes as they are
                self._translate[name] = translate

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        translated = [dict(row) for row in rows] if self._translate else rows
        for name, translate in self._translate.items():
            known: dict[Any, Any] = {}  # one moment, or nothing, stands in all rows as a rule
            for row in translated:
                value = row[name]
                if value not in known:
                    known[value] = translate(value)
                row[name] = known[value]  # type: ignore[index]  # our own copies
        pick = itemgetter(*self._order) if self._order else None
        return connection.exec_driver_sql(
            self._text, list(map(pick, translated)) if pick else list(translated)
        ).rowcount
