"""Runs, past and under way, and how far each sync has come: its fencing number and its watermark."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, bindparam, column, func, select, update, values

from syncd.domain.chunks import chunks
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import LeaseLost
from syncd.state import tables as t
from syncd.state.transactions import PAGE, Transactions

SYNC, RUN, STILL = t.sync.c, t.run.c, t.standstill.c
# Changes nothing: it finds its row only while the sync is still entered under the number, and locks it.
_STAY = (
    update(t.sync).where(SYNC.name == bindparam("entered"), SYNC.fence == bindparam("number")).values(fence=SYNC.fence)
)
AT_WORK = timedelta(days=31)  # a sync that has not run for so long is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sync as a run took it; `fence` is the number that its writes must show.

    `is_new_there`: as far as the state knows, whatever has the name of the instance was another one before.
    """

    fence: int
    is_same_instance: bool
    is_new_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far the changes of a source are settled, in the cursor of its adapter.

    It holds only for reads and mappings of the same `context`; `full_at` is when the source was last read whole.
    """

    cursor: str
    context: bytes
    full_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """A run that found nothing to do, and the counts of its plan.

    It holds for the run that takes the next number after `fence`, until `due_at`: whatever else enters the sync may
    change something. `content` is a digest of what was read and of all that decided what follows from it.
    """

    fence: int
    content: bytes
    counts: Mapping[str, int]
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the database remembers it; `status` is None until it has ended."""

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


@dataclass(frozen=True, slots=True)
class Runs:
    """The tables `run`, `sync`, `watermark` and `standstill`."""

    db: Transactions

    # --- one at a time ---

    def enter(self, sync: str, address: bytes) -> Entry:
        """Take the next fencing number; `address` is the digest of the instance's url.

        A state that belongs to another instance goes on belonging to it until it is moved.
        """
        with self.db.transaction() as connection:
            row = connection.execute(select(t.sync).where(SYNC.name == sync).with_for_update()).one_or_none()
            if row is None:
                others = {one.address for one in self.db.rows(select(SYNC.address).distinct())}
                is_new = bool(others) and address not in others
                connection.execute(t.sync.insert(), {"name": sync, "address": address, "fence": 1})
                return Entry(fence=1, is_same_instance=True, is_new_there=is_new)
            connection.execute(update(t.sync).where(SYNC.name == sync).values(fence=row.fence + 1))
            is_same = row.address == address
            return Entry(fence=row.fence + 1, is_same_instance=is_same, is_new_there=not is_same)

    @contextmanager
    def writing(self, sync: str, fence: int) -> Iterator[None]:
        """One transaction for all the writes in the block; LeaseLost where the sync was taken over since."""
        with self.db.transaction():
            if self.db.write(_STAY, [{"entered": sync, "number": fence}]) != 1:
                raise LeaseLost("another process has taken this sync over", remedy="this one writes no more")
            yield

    def is_elsewhere(self, sync: str, address: bytes) -> bool:
        """Whether the state of the sync belongs to an instance at another address."""
        return self.db.first(select(SYNC.name).where(SYNC.name == sync, SYNC.address != address)) is not None

    def move_to(self, sync: str, address: bytes) -> None:
        """Let the state of the sync belong to the instance at this address."""
        self.db.write(update(t.sync).where(SYNC.name == sync).values(address=address))

    def syncs_at(self, address: bytes) -> list[str]:
        """The syncs whose state belongs to the instance at this address."""
        return [row.name for row in self.db.rows(select(SYNC.name).where(SYNC.address == address))]

    def neighbours(self, sync: str, address: bytes, *, configured: Collection[str], now: datetime) -> frozenset[str]:
        """The other syncs of the instance that a run has ever taken: those `configured`, and those still at work.

        At work are those of another configuration, on the same state, that have gone on after a run of this sync, and
        lately. One that was renamed into this sync has not.
        """
        entered = self.db.rows(select(SYNC.name).where(SYNC.name.in_(configured))) if configured else ()
        elsewhere = {*self.syncs_at(address)} - {sync, *configured}
        return frozenset(row.name for row in entered) | {one for one in elsewhere if self._is_at_work(one, sync, now)}

    def _is_at_work(self, other: str, sync: str, now: datetime) -> bool:
        began = select(func.min(RUN.started_at)).where(RUN.sync == other).scalar_subquery()
        between = select(func.min(RUN.started_at)).where(RUN.sync == sync, RUN.started_at > began).scalar_subquery()
        gone_on = select(RUN.id).where(RUN.sync == other, RUN.started_at > between, RUN.started_at > now - AT_WORK)
        return self.db.first(gone_on.limit(1)) is not None

    # --- runs ---

    def begin(self, run_id: str, sync: str, instance: str, trigger: Trigger, at: datetime) -> None:
        row = {"id": run_id, "sync": sync, "instance": instance, "trigger": trigger.value, "started_at": at}
        self.db.write(t.run.insert(), [row | {"counts": "{}"}])

    def finish(self, summary: Summary, at: datetime) -> None:
        values = {
            "status": summary.status.value,
            "counts": json.dumps(dict(summary.counts)),
            "error": summary.error,
            "remedy": summary.remedy,
            "finished_at": at,
        }
        self.db.write(update(t.run).where(RUN.id == summary.run_id).values(values))

    def latest(self, sync: str | None = None, limit: int = 20, *, but: Trigger | None = None) -> list[RunRow]:
        """The last runs, the latest first; but for those that were started so."""
        query = select(t.run).order_by(RUN.started_at.desc()).limit(limit)
        if but is not None:
            query = query.where(RUN.trigger != but.value)
        return self._runs(query if sync is None else query.where(RUN.sync == sync))

    def since(self, sync: str, moment: datetime) -> list[RunRow]:
        """All runs of a sync that began then or later, the latest first."""
        query = select(t.run).where(RUN.sync == sync, RUN.started_at >= moment)
        return self._runs(query.order_by(RUN.started_at.desc()))

    def find(self, run_id: str) -> RunRow | None:
        return next(iter(self._runs(select(t.run).where(RUN.id == run_id))), None)

    def last_ended(
        self, sync: str, statuses: Sequence[Status], triggers: Sequence[Trigger] = tuple(Trigger)
    ) -> RunRow | None:
        """The latest run with one of these statuses that one of these triggers started."""
        return self.last_ended_of([sync], statuses, triggers).get(sync)

    def last_ended_of(
        self, syncs: Iterable[str], statuses: Sequence[Status], triggers: Sequence[Trigger] = tuple(Trigger)
    ) -> dict[str, RunRow]:
        """The same of many, by sync; a few questions, each answered out of the index."""
        latest = t.run.alias("latest")
        ended = latest.c.status.in_([status.value for status in statuses])
        started = latest.c.trigger.in_([trigger.value for trigger in triggers])
        found: dict[str, RunRow] = {}
        for page in chunks(syncs, PAGE):
            asked = values(column("sync", Text), name="asked").data([(sync,) for sync in page]).cte()
            newest = select(latest.c.id).where(latest.c.sync == asked.c.sync, ended, started)
            newest = newest.order_by(latest.c.started_at.desc()).limit(1)
            query = select(t.run).select_from(asked.join(t.run, RUN.id == newest.scalar_subquery()))
            found |= {run.sync: run for run in self._runs(query)}
        return found

    def _runs(self, query: Any) -> list[RunRow]:  # noqa: ANN401 - a select of runs
        return [RunRow(**{**row._asdict(), "counts": json.loads(row.counts)}) for row in self.db.rows(query)]

    # --- the watermark ---

    def watermark(self, sync: str) -> Watermark | None:
        mark = t.watermark.c
        row = self.db.first(select(mark.cursor, mark.context, mark.full_at).where(mark.sync == sync))
        return Watermark(**row._asdict()) if row else None

    def move_watermark(self, sync: str, mark: Watermark) -> None:
        row = {"sync": sync, "cursor": mark.cursor, "context": mark.context, "full_at": mark.full_at}
        self.db.upsert(t.watermark, [row], key=["sync"])

    # --- the standstill ---

    def standstill(self, sync: str) -> Standstill | None:
        row = self.db.first(select(*(STILL[name] for name in Standstill.__slots__)).where(STILL.sync == sync))
        return Standstill(**{**row._asdict(), "counts": json.loads(row.counts)}) if row else None

    def stand_still(self, sync: str, one: Standstill) -> None:
        row = {"sync": sync, "fence": one.fence, "content": one.content, "due_at": one.due_at}
        self.db.upsert(t.standstill, [row | {"counts": json.dumps(dict(one.counts))}], key=["sync"])
