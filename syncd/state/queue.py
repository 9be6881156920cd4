"""The queue and its workers, seen from outside: jobs by queue, and who is connected and holds which lock.

One question to PostgreSQL each, whatever the number of syncs. `cluster` has the queue itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from sqlalchemy import Engine, Row, exc, text

from syncd.state.connect import translate_errors
from syncd.state.session import HANGING, WORKER

SCHEMA = "syncd_queue"
NAME = re.compile(rf"{WORKER}(\d+) on (.*, pid \d+)")
_JOBS = text(f"""
    select j.queue_name as name, count(*) filter (where j.status = 'todo') as waiting,
           count(*) filter (where j.status = 'doing') as running,
           coalesce(extract(epoch from clock_timestamp() - min(e.at) filter (where j.status = 'todo')), 0) as oldest
      from {SCHEMA}.procrastinate_jobs j
      left join {SCHEMA}.procrastinate_events e on e.job_id = j.id and e.type = 'deferred'
     where j.status in ('todo', 'doing')
     group by j.queue_name
""")  # noqa: S608 - a name of our own
_SESSIONS = text("""
    select a.application_name as name, extract(epoch from clock_timestamp() - a.state_change) as silence,
           l.classid::bigint << 32 | l.objid::bigint as key
      from pg_stat_activity a
      left join pg_locks l on l.pid = a.pid and l.locktype = 'advisory' and l.granted and l.objsubid = 1
     where a.datname = current_database() and a.application_name like 'syncd %'
     order by a.application_name
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One queue: how many jobs wait and are under way, and for how long the oldest has waited."""

    name: str
    waiting: int
    running: int
    oldest: timedelta

    @property
    def by_state(self) -> Mapping[str, int]:
        return {"waiting": self.waiting, "running": self.running}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker that beats; `place` is its host and pid."""

    place: str
    places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """`holders` has the name of the session that has a lock, by the lock's number."""

    workers: tuple[WorkerSeen, ...]
    holders: Mapping[int, str]


def count_jobs(engine: Engine) -> list[Line]:
    """Empty where the queue's tables are yet to be made. Raises StateUnusable."""
    with translate_errors(engine), engine.connect() as connection:
        try:
            rows = connection.execute(_JOBS).all()
        except exc.ProgrammingError:
            return []
    return [Line(**{**row._asdict(), "oldest": timedelta(seconds=float(row.oldest))}) for row in rows]


def look_around(engine: Engine) -> Crowd:
    """Raises StateUnusable."""
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(_SESSIONS).all()
    by_name = groupby(rows, key=lambda row: row.name)
    workers = [worker for name, sessions in by_name if (worker := _worker(name, list(sessions)))]
    return Crowd(workers=tuple(workers), holders={row.key: row.name for row in rows if row.key is not None})


def _worker(name: str, sessions: list[Row[tuple[str, float, int | None]]]) -> WorkerSeen | None:
    """One of whose sessions none has been used for a while hangs."""
    found = NAME.fullmatch(name)
    if found is None or min(one.silence for one in sessions) > HANGING:
        return None
    return WorkerSeen(places=int(found[1]), place=found[2])
