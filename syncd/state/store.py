"""The state database as a whole: a part for each family of tables, and what concerns several of them."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, Table, and_, delete, exc, func, not_, or_, select, union_all

from syncd.domain.changes import Action
from syncd.domain.chunks import chunks
from syncd.domain.matches import Word
from syncd.domain.runs import WHOLE, Status
from syncd.state import tables as t
from syncd.state.absences import Absences
from syncd.state.emails import Emails, EmailsRead
from syncd.state.failures import Failures
from syncd.state.held import HeldChanges
from syncd.state.instances import Instances
from syncd.state.journal import Journal
from syncd.state.known import ACTIVE, Known, Pack, Unpack
from syncd.state.likeness import Likenesses
from syncd.state.matches import Matches
from syncd.state.mergers import Mergers
from syncd.state.pauses import Pauses
from syncd.state.runs import Runs
from syncd.state.tombstones import Tombstones
from syncd.state.transactions import PAGE, Transactions
from syncd.state.worklist import Worklist

TIDIED = 5_000  # rows forgotten in one transaction
FREE_PAGES = 1_000  # fewer are not worth a vacuum
OF_A_PERSON = (
    t.known,
    t.journal,
    t.invalid,
    t.quarantine,
    t.held_change,
    t.drift,
    t.errand,
    t.match,
    t.email,
    t.merger,
    t.likeness,
    t.offer,
)
OF_A_READ = (t.watermark, t.standstill)
OF_A_SYNC = (*OF_A_PERSON, *OF_A_READ, t.nameless, t.held, t.absence, t.departure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of everything there are of one sync; `held` by action, where nobody has decided yet."""

    known: int = 0
    refused: int = 0
    invalid: int = 0
    open_intents: int = 0
    undecided: int = 0
    held: Mapping[str, int] = field(default_factory=dict)


class Store:
    """Everything that is remembered. Methods of its parts raise StateUnusable where the database can't be used."""

    def __init__(self, engine: Engine, *, pack: Pack, unpack: Unpack) -> None:
        self.engine = engine
        self._db = Transactions(engine)
        self.absences = Absences(self._db)
        self.emails = Emails(self._db)
        self.known = Known(db=self._db, pack=pack, unpack=unpack)
        self.tombstones = Tombstones(self._db)
        self.journal = Journal(self._db)
        self.pauses = Pauses(self._db)
        self.runs = Runs(self._db)
        self.failures = Failures(self._db)
        self.held = HeldChanges(self._db)
        self.instances = Instances(self._db)
        self.worklist = Worklist(self._db)
        self.matches = Matches(self._db)
        self.mergers = Mergers(self._db)
        self.likeness = Likenesses(self._db)

    def meta(self, name: str) -> str | None:
        row = self._db.first(select(t.meta.c.value).where(t.meta.c.name == name))
        return row.value if row else None

    def linked_at(self, address: bytes, numbers: Mapping[str, int | None]) -> set[str]:
        """Whom of these, by foreign_id with a number, a sync of the instance has as one whom go~mus had before."""
        return self.known.linked(self.runs.syncs_at(address), numbers) if numbers else set()

    def find_any(self, query: Select[Any]) -> bool:
        return self._db.first(query.limit(1)) is not None

    def set_meta(self, name: str, value: str) -> None:
        self._db.upsert(t.meta, [{"name": name, "value": value}], key=["name"])

    def unsure(self, sync: str) -> str | None:
        """What was noted of the last record of a source that may be cut off within it."""
        return self.meta(_unsure(sync))

    def note_unsure(self, sync: str, note: str | None) -> None:
        if note is not None:
            self.set_meta(_unsure(sync), note)
        elif self.unsure(sync) is not None:
            self._db.write(delete(t.meta).where(t.meta.c.name == _unsure(sync)))

    def has_read_emails(self, sync: str) -> bool:
        """Whether a complete read of the sync has told of e-mail addresses, so that they are all in the state."""
        return self.meta(_emails(sync)) is not None

    def note_emails(self, sync: str, read: EmailsRead | None) -> None:
        """What a read showed of addresses; None where nothing is kept of those of the sync."""
        if read is None:
            self.forget_emails(sync)
            return
        if read.among is None and not self.has_read_emails(sync):
            self.set_meta(_emails(sync), "read")
        self.emails.note(sync, read)

    def forget_emails(self, sync: str) -> None:
        self.emails.forget_sync(sync)
        if self.has_read_emails(sync):
            self._db.write(delete(t.meta).where(t.meta.c.name == _emails(sync)))

    def tally(self) -> dict[str, Tally]:
        """The figures of all syncs, with one query for each kind of figure."""
        known = self._count_by_sync(t.known, ACTIVE)
        refused = self._count_by_sync(t.quarantine)
        invalid = self._count_by_sync(t.invalid)
        open_intents = self._count_by_sync(t.journal, t.journal.c.settled_at.is_(None))
        listed = select(t.invalid.c.foreign_id).where(t.invalid.c.sync == t.match.c.sync)
        is_waiting = (t.match.c.word == Word.OPEN.value, t.match.c.foreign_id.in_(listed))
        open_matches = self._count_by_sync(t.match, *is_waiting)
        c = t.held_change.c
        held: dict[str, dict[str, int]] = {}
        undecided = select(c.sync, c.action, func.count().label("number")).where(c.word.is_(None))
        for row in self._db.rows(undecided.group_by(c.sync, c.action)):
            held.setdefault(row.sync, {})[row.action] = row.number
        return {
            sync: Tally(
                known=known.get(sync, 0),
                refused=refused.get(sync, 0),
                invalid=invalid.get(sync, 0),
                open_intents=open_intents.get(sync, 0),
                undecided=open_matches.get(sync, 0),
                held=held.get(sync, {}),
            )
            for sync in set().union(known, refused, invalid, open_intents, open_matches, held)
        }

    def _count_by_sync(self, table: Table, *where: Any) -> dict[str, int]:  # noqa: ANN401 - any conditions
        query = select(table.c.sync, func.count().label("number")).where(*where).group_by(table.c.sync)
        return {row.sync: row.number for row in self._db.rows(query)}

    # --- several syncs of an instance ---

    def has_state(self, sync: str) -> bool:
        """Whether a sync knows somebody, or has read its source before: a run that failed at once has not."""
        is_known = select(t.known.c.row).where(t.known.c.sync == sync).limit(1)
        whole = [trigger.value for trigger in WHOLE]
        is_unbegun = and_(t.run.c.status == Status.FAILED.value, t.run.c.counts == "{}")
        is_read = or_(t.run.c.status.is_(None), not_(is_unbegun))
        has_run = select(t.run.c.id).where(t.run.c.sync == sync, t.run.c.trigger.in_(whole), is_read).limit(1)
        return any(self._db.first(query) is not None for query in (is_known, has_run))

    def owners(self, syncs: Collection[str], foreign_ids: Iterable[str]) -> dict[str, str]:
        """Which of these syncs knows an id, or has sent it in a call that may still come to pass."""
        k, j = t.known.c, t.journal.c
        known = select(k.foreign_id, k.sync).where(k.sync.in_(syncs))
        makes = (Action.CREATE.value, Action.LINK.value)
        is_open = (j.sync.in_(syncs), j.settled_at.is_(None), j.action.in_(makes))
        found: dict[str, str] = {}
        for page in chunks(foreign_ids, PAGE // 2) if syncs else ():
            sent = select(j.foreign_id, j.sync).where(*is_open, j.foreign_id.in_(page))
            rows = self._db.rows(union_all(known.where(k.foreign_id.in_(page)), sent))
            found.update((row.foreign_id, row.sync) for row in rows)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction for what is written in the block, without a lease."""
        with self._db.transaction():
            yield

    # --- forgetting ---

    def forget_customer(self, sync: str, foreign_id: str, *, keep_open: bool = False) -> None:
        """Delete every row that names a customer who was erased on request; with `keep_open` but for open intents."""
        with self._db.transaction():
            for table in OF_A_PERSON:
                forgotten = delete(table).where(table.c.sync == sync, table.c.foreign_id == foreign_id)
                is_kept = keep_open and table is t.journal
                self._db.write(forgotten.where(t.journal.c.settled_at.is_not(None)) if is_kept else forgotten)
            self.mergers.forget_survivor(sync, foreign_id)
            self.likeness.forget_named(sync, foreign_id)
            self.note_unsure(sync, None)  # it may be of this customer

    def forget_sync(self, sync: str) -> None:
        """Delete everything about a sync except its runs and tombstones, so that it is rebuilt by adoption."""
        with self._db.transaction():
            for table in OF_A_SYNC:
                self._db.write(delete(table).where(table.c.sync == sync))
            self.note_unsure(sync, None)
            self.forget_emails(sync)

    def forget_erasure(self, sync: str, foreign_id: str, name: bytes) -> None:
        """Let a customer be as anybody else, in a read of the source from its start."""
        with self._db.transaction():
            self.known.revive(sync, foreign_id)
            self.failures.forget_erased(sync, [name])
            self._forget_reads(sync)

    def forget_absence(self, sync: str) -> None:
        """Let absence count anew; reported deletions are forgotten too, so that the source is read from its start."""
        with self._db.transaction():
            self.known.forget_absence(sync)
            self.likeness.forget_absence(sync)
            self._forget_reads(sync)

    def _forget_reads(self, sync: str) -> None:
        """Let the source be read from its start, and compared whole."""
        for table in OF_A_READ:
            self._db.write(delete(table).where(table.c.sync == sync))

    def forget_history(self, sync: str, before: datetime) -> bool:
        """Delete one page of outcomes and runs that ended `before`; open intents and the last run of each status stay.

        True where there may be more.
        """
        j, r = t.journal.c, t.run.c
        settled = select(j.id).where(j.sync == sync, j.settled_at < before).limit(TIDIED)
        latest = select(func.max(r.started_at)).where(r.sync == sync).group_by(r.status)
        ended = select(r.id).where(r.sync == sync, r.finished_at < before, r.started_at.not_in(latest)).limit(TIDIED)
        with self._db.transaction():
            gone = self._db.write(delete(t.journal).where(j.id.in_(settled)))
            gone += self._db.write(delete(t.run).where(r.id.in_(ended)))
        return gone >= TIDIED

    def shrink(self) -> None:
        """Give a SQLite file's free pages back, once a quarter of it is free. PostgreSQL does so by itself."""
        if self.engine.dialect.name != "sqlite":
            return
        # where somebody else is writing, another day will do
        with suppress(exc.DBAPIError, sqlite3.Error), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - it is connected
            free, pages = (driver.execute(f"pragma {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
            if free > FREE_PAGES and free * 4 > pages:
                driver.execute("vacuum")
            driver.execute("pragma optimize")


def _emails(sync: str) -> str:
    return f"emails {sync}"


def _unsure(sync: str) -> str:
    return f"unsure {sync}"
