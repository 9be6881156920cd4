"""Records that could not be synced: invalid ones, refused ones that rest, and those without a readable id."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from syncd.domain.chunks import chunks
from syncd.domain.records import FieldProblem, InvalidRecord
from syncd.reasons import Told
from syncd.state import tables as t
from syncd.state.transactions import Transactions

INVALID, REFUSED = t.invalid.c, t.quarantine.c
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

    def count(self, sync: str, among: Collection[str] | None = None) -> int:
        """Records that are invalid or refused as things stand, or only those `among` these."""
        number = 0
        for table in (t.invalid, t.quarantine):
            counted = select(func.count()).where(table.c.sync == sync)
            rows = self.db.rows(counted if among is None else counted.where(table.c.foreign_id.in_(among)))
            number += int(rows[0][0])
        return number

    # --- invalid records ---

    def replace_invalid(
        self,
        sync: str,
        run_id: str,
        records: Iterable[InvalidRecord],
        *,
        among: Iterable[str] | None = None,
        erased_among: Iterable[bytes] = (),
    ) -> None:
        """Replace the invalid records of the sync, or only those whose id is `among` the records that were read.

        `erased_among` are the names of those among them who were erased on request.
        """
        before = delete(t.invalid).where(INVALID.sync == sync)
        with self.db.transaction():
            if among is None:
                self.db.write(before)
            else:
                self.db.write_among(before, INVALID.foreign_id, among)
                self.forget_erased(sync, erased_among)
            self.add_invalid(sync, run_id, records)

    def add_invalid(self, sync: str, run_id: str, records: Iterable[InvalidRecord]) -> None:
        for page in chunks(records):
            self.db.write(t.invalid.insert(), [_invalid_columns(sync, run_id, record) for record in page])

    def found_again(self, sync: str, run_id: str) -> None:
        """A run has read the same invalid records."""
        self.db.write(update(t.invalid).where(INVALID.sync == sync).values(run_id=run_id))

    def erased(self, sync: str) -> list[bytes]:
        """The names of those who were erased on request, and are listed because the source still has them."""
        return [
            row.name
            for row in self.db.rows(select(INVALID.name).where(INVALID.sync == sync, INVALID.name.is_not(None)))
        ]

    def forget_erased(self, sync: str, names: Iterable[bytes]) -> None:
        self.db.write_among(delete(t.invalid).where(INVALID.sync == sync), INVALID.name, names)

    def invalid(self, sync: str, foreign_id: str | None = None, limit: int | None = None) -> list[InvalidRow]:
        query = select(INVALID.run_id, INVALID.foreign_id, INVALID.position, INVALID.problems)
        query = query.where(INVALID.sync == sync).order_by(INVALID.id).limit(limit)
        if foreign_id is not None:
            query = query.where(INVALID.foreign_id == foreign_id)
        rows = self.db.rows(query)
        return [InvalidRow(**{**row._asdict(), "problems": _problems(row.problems)}) for row in rows]

    def count_problems(self, sync: str) -> dict[FieldProblem, int]:
        """How many invalid records have each problem."""
        query = select(INVALID.problems, func.count().label("number")).where(INVALID.sync == sync)
        counted: Counter[FieldProblem] = Counter()
        for row in self.db.rows(query.group_by(INVALID.problems)):
            for problem in _problems(row.problems):
                counted[problem] += row.number
        return dict(counted)

    # --- refused records ---

    def set_aside(self, sync: str, refused: Quarantined) -> None:
        self.db.upsert(t.quarantine, [{"sync": sync, **asdict(refused)}], key=["sync", "foreign_id"])

    def lift(self, sync: str, foreign_ids: Sequence[str]) -> None:
        """Take these customers out of the quarantine."""
        if self.db.first(select(REFUSED.sync).where(REFUSED.sync == sync).limit(1)) is None:
            return
        self.db.write_among(delete(t.quarantine).where(REFUSED.sync == sync), REFUSED.foreign_id, foreign_ids)

    def find_refused(self, sync: str, foreign_ids: Sequence[str]) -> dict[str, Quarantined]:
        of_sync = select(t.quarantine).where(REFUSED.sync == sync)
        rows = self.db.rows_among(of_sync, REFUSED.foreign_id, foreign_ids)
        return {row.foreign_id: _quarantined(row) for row in rows}

    def refused(self, sync: str, limit: int | None = None) -> list[Quarantined]:
        query = select(t.quarantine).where(REFUSED.sync == sync).order_by(REFUSED.since, REFUSED.foreign_id)
        return [_quarantined(row) for row in self.db.rows(query.limit(limit))]

    def count_refusals(self, sync: str) -> dict[tuple[str, str], int]:
        """How many refused records there are of each action and reason."""
        query = select(REFUSED.action, REFUSED.reason, func.count().label("number")).where(REFUSED.sync == sync)
        rows = self.db.rows(query.group_by(REFUSED.action, REFUSED.reason))
        return {(row.action, row.reason): row.number for row in rows}

    def make_due(self, sync: str, now: datetime, *, among: Collection[str] | None = None) -> int:
        """Let the next run try all refused records again, or only those `among` these; answers how many they are."""
        due = update(t.quarantine).where(REFUSED.sync == sync).values(next_try_at=now)
        return self.db.write(due if among is None else due.where(REFUSED.foreign_id.in_(among)))

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
        "name": record.name,
        "position": str(record.position),
        "problems": json.dumps([[problem.field, problem.reason] for problem in record.problems]),
    }


def _problems(column: str) -> tuple[FieldProblem, ...]:
    return tuple(FieldProblem(field=field, reason=Told(reason)) for field, reason in json.loads(column))


def _quarantined(row: Row[Any]) -> Quarantined:
    return Quarantined(**{name: getattr(row, name) for name in Quarantined.__slots__})
