"""Everything that the state has of one museum: to write it out, and to drop it at the end of a contract.

Nothing here knows which tables there are: each column that holds a name of a sync or of an instance is looked at.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Table,
    and_,
    delete,
    false,
    func,
    not_,
    or_,
    select,
)

from syncd.domain.changes import Cause
from syncd.domain.chunks import chunks
from syncd.domain.museums import museum_of
from syncd.state import tables as t
from syncd.state.connect import translate_errors
from syncd.state.keyring import check_of
from syncd.state.known import ACTIVE
from syncd.state.transactions import PAGE

OF_THE_MOMENT = (t.replica,)  # what a daemon says of itself lasts until its next sign of life
NAMES = ("sync", "instance")
READABLE = "name"  # the keyed hash by which people are named who were erased
ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Departure:
    """A museum that leaves, in one transaction: nothing comes in between what is written out and what is dropped."""

    museum: str
    _connection: Connection
    _used: Collection[bytes]  # addresses of instances that others have: what was erased there on request stays erased

    @property
    def syncs(self) -> list[str]:
        columns = [table.c.name if table is t.sync else table.c.get("sync") for table in _tables()]
        return sorted({name for column in columns if column is not None for name in self._own(column)})

    def customers(self) -> int:
        """How many of go~mus' customers the museum's syncs keep in step."""
        own = and_(t.known.c.sync.in_(self._own(t.known.c.sync)), ACTIVE)
        return self._connection.scalar(select(func.count()).select_from(t.known).where(own)) or 0

    def erased(self) -> int:
        """How many erasures on request go with it."""
        own = and_(t.tombstone.c.reason == Cause.REQUEST.value, self._is_own(t.tombstone))
        return self._connection.scalar(select(func.count()).select_from(t.tombstone).where(own)) or 0

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each row with the name of its table. Digests are left out: to a reader they say nothing."""
        for table in _tables():
            kept = [column for column in table.c if not isinstance(column.type, LargeBinary) or column.name == READABLE]
            found = self._connection.execute(select(*kept).where(self._is_own(table)))
            for row in found.mappings():
                yield table.name, {key: _plain(value) for key, value in row.items()}

    def drop(self) -> int:
        """How many rows there were."""
        # conditions first, all of them: `sync` and `run` say whose the names in other tables are
        own = [(table, self._is_own(table)) for table in _tables()]
        return sum(self._connection.execute(delete(table).where(is_own)).rowcount for table, is_own in own)

    def _own(self, column: Column[Any]) -> list[str]:
        names = self._connection.scalars(select(column).distinct())
        return [name for name in names if name is not None and self._has(column, name)]

    def _has(self, column: Column[Any], name: str) -> bool:
        if column is t.meta.c.name:  # such as `emails louvre/members`
            return name == check_of(self.museum) or bool(re.search(rf"(?:^|[ .]){re.escape(self.museum)}/", name))
        return museum_of(name) == self.museum

    def _is_own(self, table: Table) -> ColumnElement[bool]:
        columns = [table.c.name] if table in (t.sync, t.meta) else [table.c[one] for one in NAMES if one in table.c]
        pages = [column.in_(page) for column in columns for page in chunks(self._own(column), PAGE)]
        stays = (
            and_(table.c.reason == Cause.REQUEST.value, table.c.address.in_(self._used))
            if table is t.tombstone
            else false()
        )
        return and_(or_(false(), *pages), not_(stays))


@contextmanager
def departing(engine: Engine, museum: str, used: Collection[bytes] = ()) -> Iterator[Departure]:
    """Commits at the end of the block. Raises StateUnusable."""
    with translate_errors(engine), engine.begin() as connection:
        yield Departure(museum, connection, used)


def _tables() -> list[Table]:
    return [table for table in t.metadata.sorted_tables if table not in OF_THE_MOMENT]


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
