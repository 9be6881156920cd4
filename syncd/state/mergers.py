"""Whose record went into another one, in the source: two customers of go~mus whom a person has to merge there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.merger.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Merger:
    """`into` is the foreign_id that the record went into; None where it says so no longer, and go~mus has merged it.

    `closed_at` is when go~mus was seen to have one customer.
    """

    foreign_id: str
    into: str | None
    since: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Mergers:
    """The table `merger`."""

    db: Transactions

    def of(self, sync: str) -> dict[str, Merger]:
        columns = (C.foreign_id, C.into, C.since, C.closed_at)
        rows = self.db.rows(select(*columns).where(C.sync == sync).order_by(C.foreign_id))
        return {row.foreign_id: Merger(**row._asdict()) for row in rows}

    def longest_unseen(self, sync: str, limit: int) -> list[str]:
        """Those that are open; first those that were never looked at, then those whose last look is longest ago."""
        is_open = (C.sync == sync, C.closed_at.is_(None))
        oldest = select(C.foreign_id).where(*is_open).order_by(C.looked_at.asc().nulls_first(), C.foreign_id)
        return [row.foreign_id for row in self.db.rows(oldest.limit(limit))]

    def note(self, sync: str, marked: Mapping[str, str | None], at: datetime) -> None:
        """From now on these records are said to have gone into these; what is known of them else stays."""
        rows = [{"sync": sync, "foreign_id": one, "into": into, "since": at} for one, into in marked.items()]
        self.db.upsert(t.merger, rows, key=["sync", "foreign_id"], kept=["since"])

    def drop(self, sync: str, foreign_ids: Iterable[str]) -> None:
        self.db.write_among(delete(t.merger).where(C.sync == sync), C.foreign_id, list(foreign_ids))

    def note_look(self, sync: str, foreign_id: str, at: datetime, *, is_over: bool) -> None:
        values = {"looked_at": at} | ({"closed_at": at} if is_over else {})
        self.db.write(update(t.merger).where(C.sync == sync, C.foreign_id == foreign_id).values(values))

    def forget_survivor(self, sync: str, foreign_id: str) -> None:
        """Delete every row that names a customer as the one that another went into."""
        self.db.write(delete(t.merger).where(C.sync == sync, C.into == foreign_id))
