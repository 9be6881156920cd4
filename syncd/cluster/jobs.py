"""The scheduler's side of the queue: defer a run now, and follow what becomes of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.sql import queries
from sqlalchemy import Engine

from syncd.cluster.app import of_scheduler, translate_errors
from syncd.cluster.outcome import LONG, RUN, SHORT, Outcome
from syncd.cluster.schema import prepare
from syncd.domain.due import Due
from syncd.errors import StateUnusable
from syncd.state.lease import holder_of

log = structlog.get_logger()
LIVE = ("todo", "doing")
STALLED = 8.5  # seconds without a beat after which a worker is dead; by then its leases can be taken
SILENT = 4.5  # seconds after which it is where nobody has the lease: a process that dies takes its sessions with it
ASKED_FOR, BY_SCHEDULE = 10, 0  # priorities
KEPT = 24  # hours for which a job is kept that is over
_LEFT_UNDONE = """
    select lock from (
        select lock, status, row_number() over jobs as place, lead(status) over jobs as before
          from procrastinate_jobs where task_name = %(task)s
        window jobs as (partition by lock order by id desc)
    ) as job where place = 1 and status = %(cut)s and before is distinct from %(cut)s
"""


@dataclass(slots=True)
class Jobs:
    """The jobs of a state. Every method raises StateUnusable without its database."""

    _app: App
    _engine: Engine
    _live: dict[int, Due] = field(default_factory=dict)

    def inherit(self) -> list[Due]:
        """Those that wait or are under way, whoever deferred them: they are followed from now on."""
        self._live = self._found()
        return list(self._live.values())

    def _found(self) -> dict[int, Due]:
        return {job.id: Due.from_json(job.task_kwargs) for job in self._list_live() if job.id is not None}

    def left_undone(self) -> list[str]:
        """Syncs whose last job was cut, and gone on with by nobody; not those that were cut twice."""
        with translate_errors():
            connector = self._app.connector.get_sync_connector()
            found = connector.execute_query_all(query=_LEFT_UNDONE, task=RUN, cut=Outcome.CUT.value)
        return [row["lock"] for row in found]

    def defer(self, due: Due, *, is_long: bool) -> bool:
        """One job of a sync may wait while one is under way. False where one waits already: that one is followed."""
        priority = BY_SCHEDULE if due.moment else ASKED_FOR
        with translate_errors():
            deferrer = self._app.configure_task(
                RUN, queue=LONG if is_long else SHORT, priority=priority, lock=due.sync, queueing_lock=due.sync
            )
            try:
                self._live[deferrer.defer(**due.as_json())] = due
            except AlreadyEnqueued:
                self._live |= self._found()
                return False
        return True

    def take_ended(self) -> list[tuple[Due, Outcome]]:
        """What has become of jobs since the last look; those of workers that are dead are ended first."""
        self._end_stalled()
        live = {job.id for job in self._list_live()}
        over = {id_: self._outcome(id_) for id_ in self._live if id_ not in live}
        return [(self._live.pop(id_), outcome) for id_, outcome in over.items()]

    @property
    def requests(self) -> list[str]:
        """Those that jobs are about to answer."""
        return [id_ for due in self._live.values() for id_ in due.requests]

    def tidy(self) -> None:
        final = [outcome.value for outcome in Outcome]
        self._execute("delete_old_jobs", statuses=final, queue=None, nb_hours=KEPT)

    def _list_live(self) -> list[Job]:
        return [job for status in LIVE for job in self._list(status=status)]

    def _list(self, **which: Any) -> list[Job]:  # noqa: ANN401 - as procrastinate has it
        with translate_errors():
            return list(self._app.job_manager.list_jobs(task=RUN, **which))

    def _outcome(self, id_: int) -> Outcome:
        for job in self._list(id=id_):
            return Outcome(job.status)
        return Outcome.CUT

    def _end_stalled(self) -> None:
        for job in self._stalled():
            log.warning("daemon.worker_lost", sync=job["args"]["sync"])
            with suppress(StateUnusable):  # it has ended just now
                self._execute("finish_job", job_id=job["id"], status=Outcome.CUT.value, delete_job=False)

    # procrastinate has these for a loop of asyncio only, but hands out the questions

    def _stalled(self) -> list[dict[str, Any]]:
        if not (suspects := self._silent_for(SILENT)):
            return []
        dead = {job["id"] for job in self._silent_for(STALLED)}
        return [job for job in suspects if job["id"] in dead or not holder_of(self._engine, job["args"]["sync"])]

    def _silent_for(self, seconds: float) -> list[dict[str, Any]]:
        which = {"queue": None, "task_name": RUN, "seconds_since_heartbeat": seconds}
        with translate_errors():
            connector = self._app.connector.get_sync_connector()
            return connector.execute_query_all(query=queries["select_stalled_jobs_by_heartbeat"], **which)

    def _execute(self, name: str, **arguments: Any) -> None:  # noqa: ANN401 - as procrastinate has it
        with translate_errors():
            self._app.connector.get_sync_connector().execute_query(query=queries[name], **arguments)


@contextmanager
def opening_jobs(engine: Engine) -> Iterator[Jobs]:
    """Of an open state; the queue's tables are made where they are missing. Raises StateUnusable."""
    prepare(engine)
    app = of_scheduler(engine)
    try:
        with translate_errors():
            app.open()
        yield Jobs(app, engine)
    finally:
        app.close()
