"""How daemons and commands reach each other through the state database: who is alive, and which runs are requested.

One daemon is at work, others stand by: whom it is to be a lock decides (`lease`).

Every method is one transaction, and any thread may call it.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, delete, func, or_, select, update

from syncd.domain.changes import Action
from syncd.domain.runs import Trigger
from syncd.state import tables as t
from syncd.state.columns import Moment
from syncd.state.pauses import Pauses
from syncd.state.transactions import Transactions

C, RUN, JOURNAL = t.request.c, t.run.c, t.journal.c
ALIVE = timedelta(seconds=30)
GIVEN_UP = "failed"  # as a run that failed
KEPT = timedelta(days=1)  # how long a request that was answered is remembered, and a replica that died
TAKEN = (C.replica.is_not(None), C.status.is_(None))
FREE = {"replica": None, "run_id": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One running daemon. `agenda` has its syncs with the moment of the next run, none where it stands by."""

    name: str
    seen_at: datetime
    agenda: Mapping[str, datetime | None]
    running: Sequence[str]  # syncs whose runs are under way

    @property
    def is_at_work(self) -> bool:
        return bool(self.agenda)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A run that somebody asked for; `run_id` once it has begun, `status` once it has ended."""

    id: str
    sync: str
    requested_at: datetime
    expires_at: datetime | None
    replica: str | None
    run_id: str | None
    status: str | None


class Board:
    """The tables `replica` and `request`, and who is paused. All methods raise StateUnusable without a database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._db = Transactions(engine)
        self.pauses = Pauses(self._db)

    # --- replicas ---

    def beat(self, replica: Replica) -> None:
        """Write a sign of life."""
        row = {
            "name": replica.name,
            "seen_at": replica.seen_at,
            "agenda": json.dumps(dict(replica.agenda), default=datetime.isoformat),
            "running": json.dumps(sorted(replica.running)),
        }
        self._db.upsert(t.replica, [row], key=["name"])

    def replicas(self) -> list[Replica]:
        """All replicas, the most recently seen first; those that died without leaving are among them."""
        return [_replica(row) for row in self._db.rows(select(t.replica).order_by(t.replica.c.seen_at.desc()))]

    def alive(self, now: datetime) -> list[Replica]:
        """The replicas that gave a sign of life lately, judged by this machine's clock."""
        return [replica for replica in self.replicas() if now - replica.seen_at < ALIVE]

    def leave(self, name: str, unfinished: Iterable[str], at: datetime, *, kept: Collection[str] = ()) -> None:
        """Leave in order; runs of the `unfinished` syncs are requested anew, for whoever is at work next.

        `kept` are requests that a queue holds.
        """
        with self._db.transaction() as connection:
            connection.execute(delete(t.replica).where(t.replica.c.name == name))
            connection.execute(update(t.request).where(C.replica == name, C.id.not_in(kept), *TAKEN).values(FREE))
            asked = set(connection.execute(select(C.sync).where(C.replica.is_(None))).scalars())
            for sync in sorted(set(unfinished) - asked):
                connection.execute(t.request.insert().values(id=secrets.token_hex(6), sync=sync, requested_at=at))

    def succeed(self, name: str, at: datetime, *, kept: Collection[str] | None = None) -> list[str]:
        """The replica is at work now: what others had taken is free again. Answers whose last run has no end.

        `kept` are requests that a queue holds, or that the replica has still to put there: any other is free, whoever
        has taken it. None where there is no queue: what the replica itself has taken is being run by it.
        A sync whose last two runs have none kills its process: nobody who asked for it is waited for, and it waits for
        its next scheduled moment.
        """
        is_theirs = C.replica != name if kept is None else C.id.not_in(kept)
        theirs = update(t.request).where(is_theirs, *TAKEN)
        with self._db.transaction() as connection:
            open_ended = connection.execute(select(RUN.sync).where(RUN.finished_at.is_(None)).distinct()).scalars()
            cut = {sync: _count_cut(connection, sync) for sync in sorted(open_ended)}
            deadly = [sync for sync, count in cut.items() if count > 1]
            connection.execute(theirs.where(C.sync.in_(deadly)).values(status=GIVEN_UP, finished_at=at))
            connection.execute(theirs.values(FREE))
        return [sync for sync, count in cut.items() if count == 1]

    # --- requests ---

    def ask(self, sync: str, *, at: datetime, expires_at: datetime | None) -> str:
        """Ask for a run; answers the number of the request, which stands for good where it does not expire."""
        id_ = secrets.token_hex(6)
        self._db.write(t.request.insert().values(id=id_, sync=sync, requested_at=at, expires_at=expires_at))
        return id_

    def withdraw(self, id: str) -> bool:
        """Withdraw a request; False where a replica has taken it meanwhile."""
        return self._db.write(delete(t.request).where(C.id == id, C.replica.is_(None))) == 1

    def request(self, id: str) -> Request | None:
        rows = self._db.rows(select(t.request).where(C.id == id))
        return _request(rows[0]) if rows else None

    def open_requests(self) -> list[Request]:
        """The requests that no replica has taken, the oldest first."""
        query = select(t.request).where(C.replica.is_(None)).order_by(C.requested_at, C.id)
        return [_request(row) for row in self._db.rows(query)]

    def take(self, id: str, replica: str) -> bool:
        """Take a request; exactly one replica gets True."""
        return self._db.write(update(t.request).where(C.id == id, C.replica.is_(None)).values(replica=replica)) == 1

    def note_run(self, ids: Sequence[str], run_id: str) -> None:
        if ids:
            self._db.write(update(t.request).where(C.id.in_(ids)).values(run_id=run_id))

    def finish(self, ids: Sequence[str], status: str, at: datetime) -> None:
        """Answer requests; one that was answered keeps its answer."""
        if ids:
            answer = {"status": status, "finished_at": at}
            self._db.write(update(t.request).where(C.id.in_(ids), C.finished_at.is_(None)).values(answer))

    def tidy(self, now: datetime) -> None:
        """Forget what was answered, expired unanswered, died or was paused long ago."""
        self.pauses.tidy(now)
        self._db.write(delete(t.replica).where(t.replica.c.seen_at < now - KEPT))
        answered = and_(C.finished_at.is_not(None), C.finished_at < now - KEPT)
        expired = and_(C.replica.is_(None), C.expires_at.is_not(None), C.expires_at < now)
        self._db.write(delete(t.request).where(or_(answered, expired)))

    # --- runs ---

    def last_start(self, sync: str, triggers: Iterable[Trigger], before: datetime) -> datetime | None:
        """When a run of the sync last started by one of these triggers."""
        query = select(RUN.started_at).where(
            RUN.sync == sync, RUN.started_at < before, RUN.trigger.in_([trigger.value for trigger in triggers])
        )
        row = self._db.first(query.order_by(RUN.started_at.desc()).limit(1))
        return row.started_at if row else None

    def last_length(self, sync: str, triggers: Iterable[Trigger]) -> timedelta | None:
        """How long the last run of the sync took that has ended."""
        query = select(RUN.started_at, RUN.finished_at).where(
            RUN.sync == sync, RUN.finished_at.is_not(None), RUN.trigger.in_([trigger.value for trigger in triggers])
        )
        row = self._db.first(query.order_by(RUN.started_at.desc()).limit(1))
        return row.finished_at - row.started_at if row else None

    def unclear(self) -> dict[str, datetime]:
        """Of each sync that has such, when the last of the creates was sent whose fate is unknown."""
        sent_at = func.max(func.coalesce(JOURNAL.sent_at, JOURNAL.begun_at), type_=Moment).label("sent_at")
        is_open = (JOURNAL.settled_at.is_(None), JOURNAL.action == Action.CREATE.value)
        rows = self._db.rows(select(JOURNAL.sync, sent_at).where(*is_open).group_by(JOURNAL.sync))
        return {row.sync: row.sent_at for row in rows}


def _count_cut(connection: Connection, sync: str) -> int:
    """How many of the last two runs have no end, counted back from the last."""
    query = select(RUN.finished_at).where(RUN.sync == sync).order_by(RUN.started_at.desc()).limit(2)
    return len(list(takewhile(lambda end: end is None, connection.execute(query).scalars())))


def _replica(row: Row[Any]) -> Replica:
    agenda = {sync: moment and datetime.fromisoformat(moment) for sync, moment in json.loads(row.agenda).items()}
    return Replica(**{**row._asdict(), "agenda": agenda, "running": tuple(json.loads(row.running))})


def _request(row: Row[Any]) -> Request:
    return Request(**{name: getattr(row, name) for name in Request.__slots__})
