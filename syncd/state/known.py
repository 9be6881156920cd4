"""Known customers: what go~mus last confirmed, as ids, digests and times."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Row, bindparam, cast, delete, func, not_, select, update

from syncd.domain.chunks import chunks
from syncd.domain.records import SCHEME, Digests, KnownBrief, KnownCustomer, Origin, Stage
from syncd.state import tables as t
from syncd.state.transactions import PAGE, Transactions

C = t.known.c
BRIEF = select(C.row, C.foreign_id, C.gomus_id, C.absent_since, C.told_gone, C.stage, C.origin)
ACTIVE = C.stage == Stage.ACTIVE.value
Pack = Callable[[Mapping[str, bytes]], bytes]
Unpack = Callable[[bytes], dict[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow:
    """A customer to be known from now on: present, and with what `digests` say that go~mus holds."""

    foreign_id: str
    gomus_id: int | None
    digests: Digests = field(default_factory=Digests)
    source_digest: bytes | None = None
    stage: Stage = Stage.ACTIVE
    origin: Origin = Origin.CREATED  # of one that was not known before; who is known keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The table `known`; `pack` and `unpack` bring the digests of fields to and from one column."""

    db: Transactions
    pack: Pack
    unpack: Unpack

    # --- questions ---

    def find(self, sync: str, foreign_ids: Sequence[str]) -> dict[str, KnownCustomer]:
        rows = self.db.rows_among(select(t.known).where(C.sync == sync), C.foreign_id, foreign_ids)
        return {row.foreign_id: self._customer(row) for row in rows}

    def find_one(self, sync: str, foreign_id: str) -> KnownCustomer | None:
        return self.find(sync, [foreign_id]).get(foreign_id)

    def witnesses(self, sync: str, limit: int) -> list[str]:
        """Some of those who are in go~mus, and are to stay."""
        present = select(C.foreign_id).where(C.sync == sync, ACTIVE, C.absent_since.is_(None), ~C.told_gone)
        return [row.foreign_id for row in self.db.rows(present.order_by(C.foreign_id).limit(limit))]

    def has_number(self, sync: str, gomus_id: int, *, but: str) -> bool:
        """Whether somebody else is known under the number. It reads all rows, for there is no index."""
        others = select(C.row).where(C.sync == sync, C.gomus_id == gomus_id, C.foreign_id != but)
        return self.db.first(others.limit(1)) is not None

    def at_number(self, sync: str, gomus_id: int | None, *, but: str) -> list[KnownBrief]:
        """Who else is known under the number. It reads all rows, as `has_number` does."""
        return [
            _brief(row)
            for row in self.db.rows(BRIEF.where(C.sync == sync, C.gomus_id == gomus_id, C.foreign_id != but))
        ]

    def first_absent(self, sync: str) -> datetime | None:
        """Since when the first of those is absent who still are."""
        ((first,),) = self.db.rows(select(func.min(C.absent_since)).where(C.sync == sync, not_(t.SETTLED)))
        return first  # type: ignore[no-any-return]  # a moment, or None

    def has_beginning_with(self, syncs: Collection[str], prefix: str) -> bool:
        """Whether one of these syncs knows somebody whose id begins so."""
        begins = func.substr(C.foreign_id, 1, len(prefix)) == prefix
        return self.db.first(select(C.row).where(C.sync.in_(syncs), begins).limit(1)) is not None

    def _customer(self, row: Row[Any]) -> KnownCustomer:
        return KnownCustomer(
            row=row.row,
            foreign_id=row.foreign_id,
            gomus_id=row.gomus_id,
            digests=Digests(
                record=row.record,
                fields=self.unpack(row.fields),
                shown=self.unpack(row.shown),
                scheme=row.scheme,
            ),
            source_digest=row.source_digest,
            absent_since=row.absent_since,
            stage=Stage(row.stage),
            origin=Origin(row.origin),
        )

    def count(self, sync: str) -> int:
        """How many customers are active, which means that no erasure of them has begun."""
        settled, others = (select(func.count()).where(C.sync == sync, one) for one in (t.SETTLED, not_(t.SETTLED)))
        return sum(int(self.db.rows(query)[0][0]) for query in (settled, others.where(ACTIVE)))

    def each(self, sync: str) -> Iterator[KnownBrief]:
        return self._each_brief(C.sync == sync)

    def each_absent(self, sync: str) -> Iterator[KnownBrief]:
        return self._each_brief(C.sync == sync, C.absent_since.is_not(None))

    def each_told_gone(self, sync: str) -> Iterator[KnownBrief]:
        return self._each_brief(C.sync == sync, C.told_gone)

    def each_unusual(self, sync: str) -> Iterator[KnownBrief]:
        """Those whose ids hold more than plain letters, or a guard of Excel: they may be written in several ways."""
        is_postgres = self.db.engine.dialect.name == "postgresql"
        size = func.octet_length(C.foreign_id) if is_postgres else func.length(cast(C.foreign_id, LargeBinary))
        is_guarded = C.foreign_id.contains('="') | C.foreign_id.contains("'")
        return self._each_brief(C.sync == sync, (size != func.length(C.foreign_id)) | is_guarded)

    def _each_brief(self, *where: ColumnElement[bool]) -> Iterator[KnownBrief]:
        """In the order of the unique key, page by page, with no transaction open in between."""
        last = ""
        while rows := self.db.rows(BRIEF.where(*where, C.foreign_id > last).order_by(C.foreign_id).limit(PAGE)):
            yield from map(_brief, rows)
            last = rows[-1].foreign_id

    def find_briefs(self, sync: str, foreign_ids: Sequence[str]) -> list[KnownBrief]:
        return [_brief(row) for row in self.db.rows_among(BRIEF.where(C.sync == sync), C.foreign_id, foreign_ids)]

    def linked(self, syncs: Iterable[str], numbers: Mapping[str, int | None]) -> set[str]:
        """Those of these people, by foreign_id with a number, whom go~mus had before they were linked."""
        found = (one for sync in syncs for one in self.find_briefs(sync, list(numbers)))
        found = (one for one in found if one.origin is Origin.LINKED and one.gomus_id == numbers[one.foreign_id])
        return {one.foreign_id for one in found}

    def unfinished(self, sync: str) -> list[KnownCustomer]:
        """The customers whose erasure has begun and not ended."""
        among = select(t.known).where(C.sync == sync, not_(t.SETTLED))  # they are few, and have an index
        return [self._customer(row) for row in self.db.rows(among.where(~ACTIVE))]

    def longest_unverified(self, sync: str, limit: int) -> list[KnownCustomer]:
        """Active customers; first those who were never read back, then those whose last reading back is longest ago."""
        if not limit:
            return []
        active = select(t.known).where(C.sync == sync, ACTIVE)
        oldest = active.order_by(C.verified_at.asc().nulls_first(), C.row).limit(limit)
        return [self._customer(row) for row in self.db.rows(oldest)]

    # --- whose record is the same ---

    def settled(self, sync: str, low: bytes, high: bytes | None) -> Sequence[tuple[bytes, int]]:
        """Of whom nothing is due while the source has the same record: digests from `low` to below `high`, and rows."""
        digest = C.source_digest
        among = (C.sync == sync, t.SETTLED, digest >= low, *(() if high is None else (digest < high,)))
        return self.db.tuples(select(digest, C.row).where(*among))

    def settled_among(self, sync: str, digests: Iterable[bytes]) -> list[tuple[bytes, int]]:
        """The same of these digests alone, where what is remembered beside them is of today's scheme."""
        # Not `SETTLED`, whose "is not null" SQLite takes for a range: it would read all rows of the sync.
        among = select(C.source_digest, C.row).where(C.sync == sync, *t.PRESENT, C.scheme == SCHEME)
        pages = chunks(digests, PAGE)
        return [pair for page in pages for pair in self.db.tuples(among.where(C.source_digest.in_(page)))]

    def unsettled(self, sync: str) -> list[int]:
        """The rows of all others."""
        return [row for (row,) in self.db.tuples(select(C.row).where(C.sync == sync, not_(t.SETTLED)))]

    def shared(self, sync: str, others: Collection[str]) -> list[int]:
        """The rows of those whom another sync knows under the very same id."""
        twin = t.known.alias()
        both = twin.join(t.known, C.foreign_id == twin.c.foreign_id)  # so that the fewer of two are looked up
        shared = select(C.row).select_from(both).where(C.sync == sync, twin.c.sync.in_(others))
        return [row for (row,) in self.db.tuples(shared)] if others else []

    def find_digests(self, sync: str, foreign_ids: Sequence[str]) -> list[tuple[str, int, bytes | None]]:
        """foreign_id, row, and the digest of the record that led to what go~mus holds."""
        query = select(C.foreign_id, C.row, C.source_digest).where(C.sync == sync)
        return [(r.foreign_id, r.row, r.source_digest) for r in self.db.rows_among(query, C.foreign_id, foreign_ids)]

    def each_at(self, rows: Iterable[int]) -> Iterator[KnownBrief]:
        return map(_brief, self.db.rows_among(BRIEF, C.row, rows))

    # --- writes ---

    def put(self, sync: str, rows: Sequence[KnownRow]) -> None:
        values = [
            {
                "sync": sync,
                "foreign_id": row.foreign_id,
                "gomus_id": row.gomus_id,
                "source_digest": row.source_digest,
                **self._columns(row.digests),
                "absent_since": None,
                "told_gone": False,
                "stage": row.stage.value,
                "origin": row.origin.value,
            }
            for row in rows
        ]
        self.db.upsert(t.known, values, key=["sync", "foreign_id"], kept=["origin"])

    def drop(self, sync: str, foreign_ids: Sequence[str]) -> None:
        self.db.write_among(delete(t.known).where(C.sync == sync), C.foreign_id, foreign_ids)

    def set_stage(self, sync: str, foreign_ids: Sequence[str], stage: Stage) -> None:
        statement = update(t.known).where(C.sync == sync).values(stage=stage.value)
        self.db.write_among(statement, C.foreign_id, foreign_ids)

    def revive(self, sync: str, foreign_id: str) -> None:
        """Take back an erasure that has begun: what go~mus still holds is not known."""
        begun = update(t.known).where(C.sync == sync, C.foreign_id == foreign_id, ~ACTIVE)
        self.db.write(begun.values(stage=Stage.ACTIVE.value, source_digest=None, **self._columns(Digests())))

    def mark_absent(self, sync: str, rows: Sequence[int], since: datetime) -> None:
        self._mark(sync, rows, absent_since=since)

    def mark_told_gone(self, sync: str, rows: Sequence[int]) -> None:
        self._mark(sync, rows, told_gone=True)

    def mark_present(self, sync: str, rows: Sequence[int]) -> None:
        self._mark(sync, rows, absent_since=None, told_gone=False)

    def mark_verified(self, sync: str, row: int, at: datetime) -> None:
        self._mark(sync, [row], verified_at=at)

    def _mark(self, sync: str, rows: Sequence[int], **values: Any) -> None:  # noqa: ANN401 - of columns of any type
        self.db.write_among(update(t.known).where(C.sync == sync).values(values), C.row, rows)

    def forget_absence(self, sync: str) -> None:
        self.db.write(update(t.known).where(C.sync == sync).values(absent_since=None, told_gone=False))

    def relearn(self, sync: str, rows: Iterable[tuple[str, bytes | None, Digests]]) -> None:
        """Renew what is remembered of customers, where another source record or mapping leads to what go~mus has.

        `rows`: foreign_id, source_digest, digests.
        """
        names = ("source_digest", *self._columns(Digests()))
        statement = update(t.known).where(C.sync == sync, C.foreign_id == bindparam("who"))
        for page in chunks(rows):
            values = [{"who": who, "source_digest": source, **self._columns(digests)} for who, source, digests in page]
            self.db.write(statement.values({name: bindparam(name) for name in names}), values)

    def _columns(self, digests: Digests) -> dict[str, Any]:
        return {
            "record": digests.record,
            "fields": self.pack(digests.fields),
            "shown": self.pack(digests.shown),
            "scheme": digests.scheme,
        }


def _brief(row: Row[Any]) -> KnownBrief:
    stage, origin = Stage(row.stage), Origin(row.origin)
    return KnownBrief(row.row, row.foreign_id, row.gomus_id, row.absent_since, row.told_gone, stage, origin)
