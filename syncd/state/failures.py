"""Records that could not be synced: invalid ones, refused ones that rest, and those without a readable id."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from syncd.domain.chunks import chunks
from syncd.domain.records import FieldProblem, InvalidRecord
from syncd.state import tables as t
from syncd.state.transactions import PAGE, Transactions, pages

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))  # the last one again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRow:
    """An invalid record of the last read that held it; `position` is in words."""

    run_id: str
    foreign_id: str | None
    position: str
    problems: tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A refused record that is set aside; `content` is the digest of what was refused."""

    foreign_id: str
    content: bytes
    action: str
    reason: str
    status: int | None
    tries: int
    since: datetime
    next_try_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """The tables `invalid`, `quarantine` and `nameless`."""

    db: Transactions

    def count(self, sync: str) -> int:
        """Records that are invalid or refused as things stand."""
        tables = (t.invalid, t.quarantine)
        return sum(int(self.db.rows(select(func.count()).where(table.c.sync == sync))[0][0]) for table in tables)

    # --- invalid records ---

    def replace_invalid(
        self, sync: str, run_id: str, records: Iterable[InvalidRecord], *, among: Iterable[str] | None = None
    ) -> None:
        """Replace the invalid records of the sync, or only those whose id is `among` the records that were read."""
        c = t.invalid.c
        with self.db.transaction():
            if among is None:
                self.db.write(delete(t.invalid).where(c.sync == sync))
            for names in chunks(among or (), PAGE):
                self.db.write(delete(t.invalid).where(c.sync == sync, c.foreign_id.in_(names)))
            for page in chunks(records):
                self.db.write(t.invalid.insert(), [_invalid_columns(sync, run_id, record) for record in page])

    def invalid(self, sync: str, foreign_id: str | None = None, limit: int | None = None) -> list[InvalidRow]:
        query = select(t.invalid).where(t.invalid.c.sync == sync).order_by(t.invalid.c.id).limit(limit)
        if foreign_id is not None:
            query = query.where(t.invalid.c.foreign_id == foreign_id)
        return [
            InvalidRow(
                run_id=row.run_id,
                foreign_id=row.foreign_id,
                position=row.position,
                problems=_problems(row.problems),
            )
            for row in self.db.rows(query)
        ]

    def count_problems(self, sync: str) -> dict[FieldProblem, int]:
        """How many invalid records have each problem."""
        c = t.invalid.c
        query = select(c.problems, func.count().label("number")).where(c.sync == sync).group_by(c.problems)
        counted: Counter[FieldProblem] = Counter()
        for row in self.db.rows(query):
            for problem in _problems(row.problems):
                counted[problem] += row.number
        return dict(counted)

    # --- refused records ---

    def set_aside(self, sync: str, refused: Quarantined) -> None:
        values = {"sync": sync, **{name: getattr(refused, name) for name in Quarantined.__slots__}}
        self.db.upsert(t.quarantine, [values], key=["sync", "foreign_id"])

    def lift(self, sync: str, foreign_ids: Sequence[str]) -> None:
        """Take these customers out of the quarantine."""
        c = t.quarantine.c
        for page in pages(foreign_ids):
            self.db.write(delete(t.quarantine).where(c.sync == sync, c.foreign_id.in_(page)))

    def find_refused(self, sync: str, foreign_ids: Sequence[str]) -> dict[str, Quarantined]:
        c = t.quarantine.c
        queries = [select(t.quarantine).where(c.sync == sync, c.foreign_id.in_(page)) for page in pages(foreign_ids)]
        return {row.foreign_id: _quarantined(row) for query in queries for row in self.db.rows(query)}

    def refused(self, sync: str, limit: int | None = None) -> list[Quarantined]:
        c = t.quarantine.c
        query = select(t.quarantine).where(c.sync == sync).order_by(c.since, c.foreign_id).limit(limit)
        return [_quarantined(row) for row in self.db.rows(query)]

    def count_refusals(self, sync: str) -> dict[tuple[str, str], int]:
        """How many refused records there are of each action and reason."""
        c = t.quarantine.c
        query = select(c.action, c.reason, func.count().label("number")).where(c.sync == sync)
        return {(row.action, row.reason): row.number for row in self.db.rows(query.group_by(c.action, c.reason))}

    def make_due(self, sync: str, now: datetime) -> int:
        """Let the next run try all refused records again; answers how many they are."""
        return self.db.write(update(t.quarantine).where(t.quarantine.c.sync == sync).values(next_try_at=now))

    # --- records without a readable id ---

    def nameless(self, sync: str) -> dict[bytes, datetime]:
        """The digests of these records, and since when each is in the source."""
        rows = self.db.rows(select(t.nameless).where(t.nameless.c.sync == sync))
        return {row.digest: row.since for row in rows}

    def replace_nameless(self, sync: str, nameless: Mapping[bytes, datetime]) -> None:
        rows = [{"sync": sync, "digest": digest, "since": since} for digest, since in nameless.items()]
        with self.db.transaction():
            self.db.write(delete(t.nameless).where(t.nameless.c.sync == sync))
            self.db.write(t.nameless.insert(), rows)


def pause_after(tries: int) -> timedelta:
    """How long a record rests after it was refused so many times."""
    return PAUSES[min(tries, len(PAUSES)) - 1]


def _invalid_columns(sync: str, run_id: str, record: InvalidRecord) -> dict[str, Any]:
    return {
        "sync": sync,
        "run_id": run_id,
        "foreign_id": record.foreign_id,
        "position": str(record.position),
        "problems": json.dumps([[problem.field, problem.reason] for problem in record.problems]),
    }


def _problems(column: str) -> tuple[FieldProblem, ...]:
    return tuple(FieldProblem(field=field, reason=reason) for field, reason in json.loads(column))


def _quarantined(row: Row[Any]) -> Quarantined:
    return Quarantined(**{name: getattr(row, name) for name in Quarantined.__slots__})
