"""Every question to the state database and every write to it; for one thread.

Writes of a run go through `writing`, which checks the fencing number and commits them together.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from syncd.domain.chunks import chunks
from syncd.domain.records import Digests, FieldProblem, InvalidRecord, KnownBrief, KnownCustomer, LookupEntry, Stage
from syncd.domain.runs import Status, Trigger
from syncd.errors import LeaseLost
from syncd.state import tables as t
from syncd.state.connect import LOOKING, translate_errors

PAGE = 500
TIDIED = 5_000  # rows forgotten in one transaction
FREE_PAGES = 1_000  # fewer are not worth a vacuum
BRIEF = select(*(t.known.c[name] for name in ("row", "foreign_id", "gomus_id", "absent_since", "told_gone", "stage")))
Pack = Callable[[Mapping[str, bytes]], bytes]
Unpack = Callable[[bytes], dict[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sync as it was when this run took it; `fence` is the number that its writes must show."""

    fence: int
    reads: int
    last_complete_at: datetime | None
    is_new: bool
    is_same_instance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far the changes of a source are settled, in the cursor of its adapter.

    It holds only for reads and mappings of the same `context`; `full_at` is when the source was last read whole.
    """

    cursor: str
    context: bytes
    full_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow:
    """A known customer to be written."""

    sync: str
    foreign_id: str
    gomus_id: int | None
    record: bytes | None
    source_digest: bytes | None
    fields: Mapping[str, bytes]
    absent_since: datetime | None
    stage: Stage
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    foreign_id: str
    gomus_id: int | None
    action: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntent:
    journal_id: int
    run: str
    foreign_id: str
    gomus_id: int | None
    action: str
    begun_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    journal_id: int
    action: str
    result: str
    gomus_id: int | None
    status: int | None
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    run: str
    action: str
    fields: tuple[str, ...]
    begun_at: datetime
    settled_at: datetime | None
    result: str | None
    gomus_id: int | None
    status: int | None
    attempts: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    id: str
    sync: str
    instance: str
    trigger: str
    started_at: datetime
    finished_at: datetime | None
    status: str | None
    counts: Mapping[str, int]
    error: str | None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """What the journal has of one customer in one run."""

    foreign_id: str
    gomus_id: int | None
    action: str
    result: str | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of everything there are of one sync; `held` by action."""

    known: int = 0
    refused: int = 0
    invalid: int = 0
    open_intents: int = 0
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRow:
    run: str
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
class HeldChange:
    foreign_id: str
    action: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """What guards hold of a sync; `guards` are names with their reasons."""

    run: str
    guards: Mapping[str, str]
    counts: Mapping[str, int]
    held_at: datetime
    approved_at: datetime | None
    approved_by: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedLookup:
    entries: tuple[LookupEntry, ...]
    fetched_at: datetime


class Store:
    """The state database; `pack` and `unpack` bring field digests to and from one column."""

    def __init__(self, engine: Engine, *, pack: Pack, unpack: Unpack) -> None:
        self.engine = engine
        self._looking = engine.execution_options(**LOOKING)
        self._pack = pack
        self._unpack = unpack
        self._open: Connection | None = None

    # --- transactions ---

    @contextmanager
    def writing(self, sync: str, fence: int) -> Iterator[None]:
        """One transaction for all the writes in the block; LeaseLost where the sync was taken over since."""
        with self._transaction() as connection:
            guarded = update(t.sync).where(t.sync.c.name == sync, t.sync.c.fence == fence).values(fence=fence)
            if connection.execute(guarded).rowcount != 1:
                raise LeaseLost("another process has taken this sync over", remedy="this one writes no more")
            yield

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Joins the one that is open, or opens one."""
        if self._open is not None:
            yield self._open
            return
        with translate_errors(self.engine), self.engine.begin() as connection:
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

    def _rows(self, query: Any) -> Sequence[Row[Any]]:  # noqa: ANN401 - any select
        if self._open is not None:
            return self._open.execute(query).all()
        with translate_errors(self.engine), self._looking.connect() as connection:
            return connection.execute(query).all()

    def _write(self, statement: Any, rows: Sequence[Mapping[str, Any]] | None = None) -> None:  # noqa: ANN401 - any DML
        if rows is not None and not rows:
            return
        with self._transaction() as connection:
            connection.execute(statement, rows)

    def _upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
        if not rows:
            return
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        values = {name: statement.excluded[name] for name in rows[0] if name not in key}
        self._write(statement.on_conflict_do_update(index_elements=key, set_=values), rows)

    # --- the database and its syncs ---

    def meta(self, name: str) -> str | None:
        rows = self._rows(select(t.meta.c.value).where(t.meta.c.name == name))
        return rows[0].value if rows else None

    def set_meta(self, name: str, value: str) -> None:
        self._upsert(t.meta, [{"name": name, "value": value}], key=["name"])

    def enter(self, sync: str, instance: str, address: bytes) -> Entry:
        """Take the next fencing number; `address` is the digest of the instance's url.

        A state that belongs to another instance goes on belonging to it until it is reset.
        """
        c = t.sync.c
        with self._transaction() as connection:
            row = connection.execute(select(t.sync).where(c.name == sync).with_for_update()).one_or_none()
            if row is None:
                new = {"name": sync, "instance": instance, "address": address, "fence": 1, "reads": 0}
                self._write(t.sync.insert(), [new])
                return Entry(fence=1, reads=0, last_complete_at=None, is_new=True, is_same_instance=True)
            self._write(update(t.sync).where(c.name == sync).values(fence=row.fence + 1))
            return Entry(
                fence=row.fence + 1,
                reads=row.reads,
                last_complete_at=row.last_complete_at,
                is_new=False,
                is_same_instance=row.address == address,
            )

    def complete_read(self, sync: str, at: datetime) -> None:
        self._write(update(t.sync).where(t.sync.c.name == sync).values(reads=t.sync.c.reads + 1, last_complete_at=at))

    def reset(self, sync: str, instance: str, address: bytes) -> None:
        """Forget everything about a sync but its runs and tombstones, so that it is rebuilt by adoption."""
        fresh = {"instance": instance, "address": address, "reads": 0, "last_complete_at": None}
        with self._transaction() as connection:
            for table in (t.known, t.journal, t.invalid, t.quarantine, t.nameless, t.held, t.held_change, t.watermark):
                connection.execute(delete(table).where(table.c.sync == sync))
            connection.execute(update(t.sync).where(t.sync.c.name == sync).values(fresh))

    def forget_absence(self, sync: str) -> None:
        """Also what the source has told once: to hear of it again, it must be read from its start."""
        with self._transaction():
            self._write(update(t.known).where(t.known.c.sync == sync).values(absent_since=None, told_gone=False))
            self._write(delete(t.watermark).where(t.watermark.c.sync == sync))

    def watermark(self, sync: str) -> Watermark | None:
        c = t.watermark.c
        rows = self._rows(select(c.cursor, c.context, c.full_at).where(c.sync == sync))
        return Watermark(**rows[0]._asdict()) if rows else None

    def put_watermark(self, sync: str, mark: Watermark) -> None:
        row = {"sync": sync, "cursor": mark.cursor, "context": mark.context, "full_at": mark.full_at}
        self._upsert(t.watermark, [row], key=["sync"])

    # --- known customers ---

    def find_known(self, sync: str, foreign_ids: Sequence[str]) -> dict[str, KnownCustomer]:
        return {
            row.foreign_id: self._customer(row)
            for page in _pages(foreign_ids)
            for row in self._rows(select(t.known).where(t.known.c.sync == sync, t.known.c.foreign_id.in_(page)))
        }

    def known_one(self, sync: str, foreign_id: str) -> KnownCustomer | None:
        return self.find_known(sync, [foreign_id]).get(foreign_id)

    def _customer(self, row: Row[Any]) -> KnownCustomer:
        return KnownCustomer(
            row=row.row,
            foreign_id=row.foreign_id,
            gomus_id=row.gomus_id,
            record=row.record,
            source_digest=row.source_digest,
            fields=self._unpack(row.fields),
            absent_since=row.absent_since,
            stage=Stage(row.stage),
        )

    def count_known(self, sync: str) -> int:
        """The active ones."""
        query = select(func.count()).where(t.known.c.sync == sync, t.known.c.stage == Stage.ACTIVE.value)
        return int(self._rows(query)[0][0])

    def each_known(self, sync: str) -> Iterator[KnownBrief]:
        return self._each_brief(t.known.c.sync == sync)

    def each_told_gone(self, sync: str) -> Iterator[KnownBrief]:
        return self._each_brief(t.known.c.sync == sync, t.known.c.told_gone)

    def _each_brief(self, *where: ColumnElement[bool]) -> Iterator[KnownBrief]:
        """In the order of the unique key, page by page, with no transaction open in between."""
        c, last = t.known.c, ""
        while rows := self._rows(BRIEF.where(*where, c.foreign_id > last).order_by(c.foreign_id).limit(PAGE)):
            yield from (_brief(row) for row in rows)
            last = rows[-1].foreign_id

    def find_briefs(self, sync: str, foreign_ids: Sequence[str]) -> list[KnownBrief]:
        c = t.known.c
        where = [(c.sync == sync, c.foreign_id.in_(page)) for page in _pages(foreign_ids)]
        return [_brief(row) for page in where for row in self._rows(BRIEF.where(*page))]

    def unfinished(self, sync: str) -> list[KnownCustomer]:
        """Those whose erasure has begun and not ended."""
        query = select(t.known).where(t.known.c.sync == sync, t.known.c.stage != Stage.ACTIVE.value)
        return [self._customer(row) for row in self._rows(query)]

    def put_known(self, rows: Sequence[KnownRow]) -> None:
        values = [
            {
                "sync": row.sync,
                "foreign_id": row.foreign_id,
                "gomus_id": row.gomus_id,
                "record": row.record,
                "source_digest": row.source_digest,
                "fields": self._pack(row.fields),
                "absent_since": row.absent_since,
                "told_gone": False,
                "stage": row.stage.value,
                "changed_at": row.changed_at,
            }
            for row in rows
        ]
        self._upsert(t.known, values, key=["sync", "foreign_id"])

    def drop_known(self, sync: str, foreign_ids: Sequence[str]) -> None:
        for page in _pages(foreign_ids):
            self._write(delete(t.known).where(t.known.c.sync == sync, t.known.c.foreign_id.in_(page)))

    def set_stage(self, sync: str, foreign_ids: Sequence[str], stage: Stage) -> None:
        for page in _pages(foreign_ids):
            where = (t.known.c.sync == sync, t.known.c.foreign_id.in_(page))
            self._write(update(t.known).where(*where).values(stage=stage.value))

    def mark_absent(self, sync: str, rows: Sequence[int], since: datetime) -> None:
        self._mark(sync, rows, absent_since=since)

    def mark_told_gone(self, sync: str, rows: Sequence[int]) -> None:
        self._mark(sync, rows, told_gone=True)

    def mark_present(self, sync: str, rows: Sequence[int]) -> None:
        self._mark(sync, rows, absent_since=None, told_gone=False)

    def _mark(self, sync: str, rows: Sequence[int], **values: Any) -> None:  # noqa: ANN401 - of columns of any type
        for page in _pages(rows):
            self._write(update(t.known).where(t.known.c.sync == sync, t.known.c.row.in_(page)).values(values))

    def relearn(self, sync: str, rows: Iterable[tuple[str, bytes | None, Digests]]) -> None:
        """Another source record or mapping that leads to the customer as go~mus has it."""
        c = t.known.c
        statement = (
            update(t.known)
            .where(c.sync == sync, c.foreign_id == bindparam("who"))
            .values(record=bindparam("record"), source_digest=bindparam("source_digest"), fields=bindparam("fields"))
        )
        for page in chunks(rows):
            values = [
                {
                    "who": who,
                    "record": digests.record,
                    "source_digest": source_digest,
                    "fields": self._pack(digests.fields),
                }
                for who, source_digest, digests in page
            ]
            self._write(statement, values)

    def longest_unverified(self, sync: str, limit: int) -> list[KnownCustomer]:
        """Active customers, those never read back first."""
        if not limit:
            return []
        c = t.known.c
        active = select(t.known).where(c.sync == sync, c.stage == Stage.ACTIVE.value)
        oldest = active.order_by(c.verified_at.asc().nulls_first(), c.row).limit(limit)
        return [self._customer(row) for row in self._rows(oldest)]

    def mark_verified(self, sync: str, row: int, at: datetime) -> None:
        self._write(update(t.known).where(t.known.c.sync == sync, t.known.c.row == row).values(verified_at=at))

    def forget(self, sync: str, foreign_id: str) -> None:
        """All that names somebody who was erased on request."""
        with self._transaction() as connection:
            for table in (t.known, t.journal, t.invalid, t.quarantine, t.held_change):
                connection.execute(delete(table).where(table.c.sync == sync, table.c.foreign_id == foreign_id))

    # --- the journal ---

    def begin_intents(self, run: str, sync: str, intents: Sequence[Intent], at: datetime) -> list[int]:
        """Write them down; answers their numbers in the same order."""
        if not intents:
            return []
        values = [
            {
                "run": run,
                "sync": sync,
                "foreign_id": intent.foreign_id,
                "gomus_id": intent.gomus_id,
                "action": intent.action,
                "fields": ",".join(intent.fields),
                "begun_at": at,
            }
            for intent in intents
        ]
        statement = t.journal.insert().returning(t.journal.c.id, sort_by_parameter_order=True)
        with self._transaction() as connection:
            return [row.id for row in connection.execute(statement, values)]

    def settle(self, outcomes: Sequence[Settled], at: datetime) -> None:
        values = [
            {
                "number": outcome.journal_id,
                "action": outcome.action,
                "result": outcome.result,
                "gomus_id": outcome.gomus_id,
                "status": outcome.status,
                "attempts": outcome.attempts,
                "error": outcome.error,
                "settled_at": at,
            }
            for outcome in outcomes
        ]
        names = [name for name in (values[0] if values else ()) if name != "number"]
        statement = update(t.journal).where(t.journal.c.id == bindparam("number"))
        self._write(statement.values({name: bindparam(name) for name in names}), values)

    def open_intents(self, sync: str) -> list[OpenIntent]:
        c = t.journal.c
        query = select(t.journal).where(c.sync == sync, c.settled_at.is_(None)).order_by(c.id)
        return [
            OpenIntent(
                journal_id=row.id,
                run=row.run,
                foreign_id=row.foreign_id,
                gomus_id=row.gomus_id,
                action=row.action,
                begun_at=row.begun_at,
            )
            for row in self._rows(query)
        ]

    def journal_of(self, sync: str, foreign_id: str, limit: int = 50) -> list[JournalLine]:
        """The latest first."""
        c = t.journal.c
        query = select(t.journal).where(c.sync == sync, c.foreign_id == foreign_id).order_by(c.id.desc()).limit(limit)
        return [
            JournalLine(
                run=row.run,
                action=row.action,
                fields=tuple(name for name in row.fields.split(",") if name),
                begun_at=row.begun_at,
                settled_at=row.settled_at,
                result=row.result,
                gomus_id=row.gomus_id,
                status=row.status,
                attempts=row.attempts,
                error=row.error,
            )
            for row in self._rows(query)
        ]

    # --- runs ---

    def begin_run(self, run: str, sync: str, instance: str, trigger: str, at: datetime) -> None:
        row = {"id": run, "sync": sync, "instance": instance, "trigger": trigger, "started_at": at, "counts": "{}"}
        self._write(t.run.insert(), [row])

    def finish_run(  # noqa: PLR0913 - the columns of one table
        self,
        run: str,
        status: str,
        counts: Mapping[str, int],
        error: str | None,
        at: datetime,
        *,
        remedy: str | None = None,
    ) -> None:
        values = {
            "status": status,
            "counts": json.dumps(counts),
            "error": error,
            "remedy": remedy,
            "finished_at": at,
        }
        self._write(update(t.run).where(t.run.c.id == run).values(values))

    def runs(self, sync: str | None = None, limit: int = 20) -> list[RunRow]:
        """The latest first."""
        query = select(t.run).order_by(t.run.c.started_at.desc()).limit(limit)
        if sync is not None:
            query = query.where(t.run.c.sync == sync)
        return self._runs(query)

    def find_run(self, run: str) -> RunRow | None:
        return next(iter(self._runs(select(t.run).where(t.run.c.id == run))), None)

    def last_run_ended(
        self, sync: str, statuses: Sequence[Status], triggers: Sequence[Trigger] = tuple(Trigger)
    ) -> RunRow | None:
        """The latest that ended in one of these ways, of those that one of these triggers started."""
        c = t.run.c
        ended = c.status.in_([status.value for status in statuses])
        started = c.trigger.in_([trigger.value for trigger in triggers])
        query = select(t.run).where(c.sync == sync, ended, started)
        query = query.order_by(c.started_at.desc()).limit(1)
        return next(iter(self._runs(query)), None)

    def _runs(self, query: Any) -> list[RunRow]:  # noqa: ANN401 - a select of runs
        return [RunRow(**{**row._asdict(), "counts": json.loads(row.counts)}) for row in self._rows(query)]

    def tally(self) -> dict[str, Tally]:
        """Of all syncs, each figure by one question."""
        known = self._count_by_sync(t.known, t.known.c.stage == Stage.ACTIVE.value)
        refused = self._count_by_sync(t.quarantine)
        invalid = self._count_by_sync(t.invalid)
        open_intents = self._count_by_sync(t.journal, t.journal.c.settled_at.is_(None))
        c = t.held_change.c
        held: dict[str, dict[str, int]] = {}
        for row in self._rows(select(c.sync, c.action, func.count().label("number")).group_by(c.sync, c.action)):
            held.setdefault(row.sync, {})[row.action] = row.number
        return {
            sync: Tally(
                known=known.get(sync, 0),
                refused=refused.get(sync, 0),
                invalid=invalid.get(sync, 0),
                open_intents=open_intents.get(sync, 0),
                held=held.get(sync, {}),
            )
            for sync in known.keys() | refused.keys() | invalid.keys() | open_intents.keys() | held.keys()
        }

    def _count_by_sync(self, table: Table, *where: Any) -> dict[str, int]:  # noqa: ANN401 - any conditions
        query = select(table.c.sync, func.count().label("number")).where(*where).group_by(table.c.sync)
        return {row.sync: row.number for row in self._rows(query)}

    # --- one run, of the journal ---

    def count_outcomes(self, run: str) -> dict[tuple[str, str], int]:
        """By action and result; what has not ended has the result "open"."""
        c = t.journal.c
        query = select(c.action, c.result, func.count().label("number")).where(c.run == run)
        rows = self._rows(query.group_by(c.action, c.result))
        return {(row.action, row.result or "open"): row.number for row in rows}

    def count_fields(self, run: str, actions: Sequence[str]) -> dict[str, int]:
        """For how many customers each field was sent, and accepted."""
        c = t.journal.c
        query = select(c.fields, func.count().label("number"))
        query = query.where(c.run == run, c.action.in_(actions), c.result == "ok").group_by(c.fields)
        counted: Counter[str] = Counter()
        for row in self._rows(query):
            counted.update({name: row.number for name in row.fields.split(",") if name})
        return dict(counted)

    def remarks_of(self, run: str, limit: int) -> list[RunLine]:
        """What did not simply go well: failed, skipped, or with words."""
        c = t.journal.c
        query = select(c.foreign_id, c.gomus_id, c.action, c.result, c.status, c.error)
        query = query.where(c.run == run, (c.result != "ok") | c.error.is_not(None)).order_by(c.id).limit(limit)
        return [RunLine(**row._asdict()) for row in self._rows(query)]

    def forget_history(self, sync: str, before: datetime) -> bool:
        """One page of what was settled before that; what is still open stays, and the last run of each ending.

        True where there may be more.
        """
        j, r = t.journal.c, t.run.c
        settled = select(j.id).where(j.sync == sync, j.settled_at < before).limit(TIDIED)
        latest = select(func.max(r.started_at)).where(r.sync == sync).group_by(r.status)
        ended = select(r.id).where(r.sync == sync, r.finished_at < before, r.started_at.not_in(latest)).limit(TIDIED)
        with self._transaction() as connection:
            gone = connection.execute(delete(t.journal).where(j.id.in_(settled))).rowcount
            gone += connection.execute(delete(t.run).where(r.id.in_(ended))).rowcount
        return gone >= TIDIED

    def shrink(self) -> None:
        """Give a SQLite file's free pages back, once a quarter of it is free. PostgreSQL does so by itself."""
        if self.engine.dialect.name != "sqlite":
            return
        # where somebody else is writing, another day will do
        with suppress(DBAPIError, sqlite3.Error), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - it is connected
            free, pages = (driver.execute(f"pragma {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
            if free > FREE_PAGES and free * 4 > pages:
                driver.execute("vacuum")
            driver.execute("pragma optimize")

    # --- invalid records, quarantine, records without an id ---

    def replace_invalid(
        self, sync: str, run: str, records: Iterable[InvalidRecord], *, among: Iterable[str] | None = None
    ) -> None:
        """In place of all, or of those with an id that is `among` those that were read."""
        c = t.invalid.c
        with self._transaction() as connection:
            if among is None:
                connection.execute(delete(t.invalid).where(c.sync == sync))
            for names in chunks(among or (), PAGE):
                connection.execute(delete(t.invalid).where(c.sync == sync, c.foreign_id.in_(names)))
            for page in chunks(records):
                rows = [
                    {
                        "sync": sync,
                        "run": run,
                        "foreign_id": record.foreign_id,
                        "position": str(record.position),
                        "problems": json.dumps([[problem.field, problem.reason] for problem in record.problems]),
                    }
                    for record in page
                ]
                connection.execute(t.invalid.insert(), rows)

    def invalid(self, sync: str, foreign_id: str | None = None, limit: int | None = None) -> list[InvalidRow]:
        query = select(t.invalid).where(t.invalid.c.sync == sync).order_by(t.invalid.c.id).limit(limit)
        if foreign_id is not None:
            query = query.where(t.invalid.c.foreign_id == foreign_id)
        return [
            InvalidRow(
                run=row.run,
                foreign_id=row.foreign_id,
                position=row.position,
                problems=tuple(FieldProblem(field=field, reason=reason) for field, reason in json.loads(row.problems)),
            )
            for row in self._rows(query)
        ]

    def count_problems(self, sync: str) -> dict[FieldProblem, int]:
        """How many invalid records have each problem."""
        c = t.invalid.c
        query = select(c.problems, func.count().label("number")).where(c.sync == sync).group_by(c.problems)
        counted: Counter[FieldProblem] = Counter()
        for row in self._rows(query):
            for field_, reason in json.loads(row.problems):
                counted[FieldProblem(field=field_, reason=reason)] += row.number
        return dict(counted)

    def count_refusals(self, sync: str) -> dict[tuple[str, str], int]:
        """How many refused records there are of each action and reason."""
        c = t.quarantine.c
        query = select(c.action, c.reason, func.count().label("number")).where(c.sync == sync)
        return {(row.action, row.reason): row.number for row in self._rows(query.group_by(c.action, c.reason))}

    def put_quarantine(self, sync: str, row: Quarantined) -> None:
        values = {"sync": sync, **{name: getattr(row, name) for name in Quarantined.__slots__}}
        self._upsert(t.quarantine, [values], key=["sync", "foreign_id"])

    def lift_quarantine(self, sync: str, foreign_ids: Sequence[str]) -> None:
        c = t.quarantine.c
        for page in _pages(foreign_ids):
            self._write(delete(t.quarantine).where(c.sync == sync, c.foreign_id.in_(page)))

    def find_quarantine(self, sync: str, foreign_ids: Sequence[str]) -> dict[str, Quarantined]:
        c = t.quarantine.c
        return {
            row.foreign_id: _quarantined(row)
            for page in _pages(foreign_ids)
            for row in self._rows(select(t.quarantine).where(c.sync == sync, c.foreign_id.in_(page)))
        }

    def count_failures(self, sync: str) -> int:
        """Records that are invalid or refused as things stand."""
        tables = (t.invalid, t.quarantine)
        return sum(int(self._rows(select(func.count()).where(table.c.sync == sync))[0][0]) for table in tables)

    def quarantine(self, sync: str, limit: int | None = None) -> list[Quarantined]:
        c = t.quarantine.c
        query = select(t.quarantine).where(c.sync == sync).order_by(c.since, c.foreign_id).limit(limit)
        return [_quarantined(row) for row in self._rows(query)]

    def make_due(self, sync: str, now: datetime) -> int:
        """Let all that is set aside be tried in the next run; answers how many."""
        c = t.quarantine.c
        with self._transaction() as connection:
            return connection.execute(update(t.quarantine).where(c.sync == sync).values(next_try_at=now)).rowcount

    def nameless(self, sync: str) -> dict[bytes, datetime]:
        rows = self._rows(select(t.nameless).where(t.nameless.c.sync == sync))
        return {row.digest: row.since for row in rows}

    def replace_nameless(self, sync: str, nameless: Mapping[bytes, datetime]) -> None:
        rows = [{"sync": sync, "digest": digest, "since": since} for digest, since in nameless.items()]
        with self._transaction():
            self._write(delete(t.nameless).where(t.nameless.c.sync == sync))
            self._write(t.nameless.insert(), rows)

    # --- tombstones ---

    def put_tombstone(self, sync: str, name: bytes, reason: str, at: datetime) -> None:
        row = {"sync": sync, "name": name, "reason": reason, "at": at}
        self._upsert(t.tombstone, [row], key=["sync", "name"])

    def find_tombstones(self, sync: str, names: Sequence[bytes]) -> dict[bytes, str]:
        """Names → why they were erased."""
        c = t.tombstone.c
        return {
            row.name: row.reason
            for page in _pages(names)
            for row in self._rows(select(c.name, c.reason).where(c.sync == sync, c.name.in_(page)))
        }

    def lift_tombstones(self, sync: str, names: Sequence[bytes]) -> None:
        c = t.tombstone.c
        for page in _pages(names):
            self._write(delete(t.tombstone).where(c.sync == sync, c.name.in_(page)))

    # --- what guards hold ---

    def put_held(  # noqa: PLR0913 - the columns of one table
        self,
        sync: str,
        run: str,
        changes: Iterable[HeldChange],
        *,
        guards: Sequence[tuple[str, str]],
        counts: Mapping[str, int],
        at: datetime,
    ) -> None:
        """In place of what was held before, and of its approval; `guards` are names with reasons."""
        self.clear_held(sync)
        row = {"sync": sync, "run": run, "guards": json.dumps(guards), "counts": json.dumps(counts), "held_at": at}
        self._write(t.held.insert(), [row])
        for page in chunks(changes):
            rows = [{"sync": sync, "foreign_id": c.foreign_id, "action": c.action, "content": c.content} for c in page]
            self._write(t.held_change.insert(), rows)

    def held(self, sync: str) -> HeldRow | None:
        rows = self._rows(select(t.held).where(t.held.c.sync == sync))
        if not rows:
            return None
        return HeldRow(
            run=rows[0].run,
            guards=dict(json.loads(rows[0].guards)),
            counts=json.loads(rows[0].counts),
            held_at=rows[0].held_at,
            approved_at=rows[0].approved_at,
            approved_by=rows[0].approved_by,
            expires_at=rows[0].expires_at,
        )

    def find_held_changes(self, sync: str, foreign_ids: Sequence[str]) -> set[HeldChange]:
        c = t.held_change.c
        return {
            HeldChange(row.foreign_id, row.action, row.content)
            for page in _pages(foreign_ids)
            for row in self._rows(select(t.held_change).where(c.sync == sync, c.foreign_id.in_(page)))
        }

    def count_held_changes(self, sync: str) -> dict[str, int]:
        """By action."""
        c = t.held_change.c
        query = select(c.action, func.count().label("number")).where(c.sync == sync).group_by(c.action)
        return {row.action: row.number for row in self._rows(query)}

    def approve(self, sync: str, run: str, *, by: str, at: datetime, expires_at: datetime) -> bool:
        """Release what the named run held; False where another run has held something else since."""
        values = {"approved_by": by, "approved_at": at, "expires_at": expires_at}
        with self._transaction() as connection:
            statement = update(t.held).where(t.held.c.sync == sync, t.held.c.run == run).values(values)
            return connection.execute(statement).rowcount == 1

    def clear_held(self, sync: str) -> None:
        with self._transaction():
            for table in (t.held, t.held_change):
                self._write(delete(table).where(table.c.sync == sync))

    # --- what is learned of instances ---

    def learned(self, instance: str) -> dict[str, str]:
        rows = self._rows(select(t.learned).where(t.learned.c.instance == instance))
        return {row.name: row.value for row in rows}

    def learn(self, instance: str, name: str, value: str) -> None:
        self._upsert(t.learned, [{"instance": instance, "name": name, "value": value}], key=["instance", "name"])

    def cached_lookup(self, instance: str, kind: str, locale: str) -> CachedLookup | None:
        c = t.lookup.c
        rows = self._rows(select(t.lookup).where(c.instance == instance, c.kind == kind, c.locale == locale))
        if not rows:
            return None
        entries = tuple(LookupEntry(id=id_, names=tuple(names)) for id_, names in json.loads(rows[0].entries))
        return CachedLookup(entries=entries, fetched_at=rows[0].fetched_at)

    def cache_lookup(self, instance: str, kind: str, locale: str, entries: Sequence[LookupEntry], at: datetime) -> None:
        text = json.dumps([[entry.id, entry.names] for entry in entries])
        row = {"instance": instance, "kind": kind, "locale": locale, "entries": text, "fetched_at": at}
        self._upsert(t.lookup, [row], key=["instance", "kind", "locale"])


def _brief(row: Row[Any]) -> KnownBrief:
    return KnownBrief(row.row, row.foreign_id, row.gomus_id, row.absent_since, row.told_gone, Stage(row.stage))


def _quarantined(row: Row[Any]) -> Quarantined:
    return Quarantined(**{name: getattr(row, name) for name in Quarantined.__slots__})


def _pages(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """SQLite and PostgreSQL both take so many values in one question."""
    return (things[start : start + PAGE] for start in range(0, len(things), PAGE))
