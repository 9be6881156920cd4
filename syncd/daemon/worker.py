"""`syncd worker`: carries out the runs that schedulers have put into the queue, until a signal says to stop."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine

from syncd import __version__
from syncd import log as logs
from syncd.alerts.watch import Watch
from syncd.assembly import now, opening_alarms, opening_board, opening_state
from syncd.cluster import Outcome, Places, carry_out_jobs
from syncd.config.model import Config, WebOptions
from syncd.daemon.agenda import share_of_short
from syncd.daemon.crew import carry_out
from syncd.daemon.order import Ended, Fate, Order
from syncd.daemon.reading import Reading
from syncd.daemon.service import replica_name
from syncd.domain.due import Due
from syncd.domain.runs import Summary
from syncd.errors import Misconfigured, SyncdError
from syncd.machine import signals
from syncd.state.connect import open_private
from syncd.web import Metrics, serving_metrics

log = structlog.get_logger()
OUTCOMES = {Fate.CUT: Outcome.CUT, Fate.BUSY: Outcome.BUSY}
LAST_WORDS = timedelta(seconds=2)
BEAT = "SYNCD_BEAT"  # names a file that is touched each second while the loop turns: deploy/healthcheck looks at it


class Worker:
    """What one process does with a job; each in a thread of its own."""

    def __init__(self, load: Callable[[], Config]) -> None:
        self.config = load()
        self.reading = Reading(load, self.config, time.monotonic)
        self._one_reads = threading.Lock()
        self.name = replica_name()
        self.stopping = threading.Event()
        self.metrics = Metrics()
        self._watch = Watch(lambda: self.config, opening_alarms, since=now())
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="listeners")

    def read_anew(self) -> None:
        """As a whole, or not at all; of a folder, each museum's file."""
        try:
            with self._one_reads:
                self.config = self.reading.read_anew(self.config)
        except Misconfigured as error:
            problems = [problem.located for problem in error.problems]
            log.error("daemon.config_refused", problems=problems, remedy=error.remedy)
        else:
            log.info("daemon.reloaded", syncs=list(self.config.syncs))

    def carry_out(self, due: Due) -> Outcome:
        if due.sync not in self.config.syncs:  # the scheduler has read the configuration anew before us
            self.read_anew()
        config = self.config
        if due.sync not in config.syncs:
            log.error(
                "run.failed", sync=due.sync, error="this worker's configuration has no such sync", remedy="reload it"
            )
            return Outcome.CUT
        order = Order(config=config, sync=config.syncs[due.sync], replica=self.name, due=due)
        with logs.bound(replica=self.name):
            ended = carry_out(order, self.stopping, self.metrics.observing)
            outcome = OUTCOMES.get(ended.fate, Outcome.ENDED)
            return outcome if outcome is not Outcome.ENDED else self._answer(ended)

    def _answer(self, ended: Ended) -> Outcome:
        if ended.summary is not None:
            self.metrics.note_run(ended.summary, ended.finished - ended.started)
            self._aside.submit(self._tell, ended.summary, ended.finished)
        try:
            with opening_board(ended.order.config) as board:
                board.finish(ended.order.due.requests, ended.status.value, now())
        except SyncdError as error:  # who asked is answered by the run that is begun again
            log.warning("daemon.database_lost", error=error.message, remedy=error.remedy)
            return Outcome.CUT
        return Outcome.ENDED

    def _tell(self, summary: Summary, finished: datetime) -> None:
        try:
            self._watch.after_run(summary, finished)
        except Exception as error:
            log.critical("crashed", exc_info=error)


def work(load: Callable[[], Config], listen: WebOptions | None) -> None:
    """`listen` says where its metrics are served, if they are to be.

    Raises Misconfigured, and StateUnusable where the database can't be had at the start.
    """
    worker = Worker(load)
    beat = _prepare_beat(os.environ.get(BEAT))
    with (
        serving_metrics(listen, worker.metrics) if listen else nullcontext(),
        opening_state(worker.config) as state,  # brought to this version's schema, or refused in words
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,  # in that of Windows psycopg does not work
    ):
        is_clean = runner.run(_serve(worker, state.engine, beat))
    if not is_clean:  # threads that hang can't be ended; what they had begun is settled by the next run
        sys.stdout.flush()
        os._exit(0)


def _prepare_beat(name: str | None) -> Path | None:
    """Until the first beat there is none, also not that of a worker before. StateUnusable where none can be made."""
    if not name:
        return None
    os.close(open_private(Path(name), f"the sign of life ({BEAT})"))
    Path(name).unlink()
    return Path(name)


async def _beat(file: Path | None) -> None:
    """Whether the database is there is not asked: it comes back by itself, and nobody need be restarted for it."""
    while file:
        with suppress(OSError):  # one that stays away grows old, which is what it says
            file.touch()  # noqa: ASYNC240 - one call to the system, and what hangs in it is to be noticed
        await asyncio.sleep(1.0)


async def _follow_changes(worker: Worker) -> None:
    """Reading takes seconds where there are thousands of museums; in this thread, nobody would hear our beats."""
    while True:
        await asyncio.sleep(1.0)
        if worker.reading.is_due():
            await asyncio.to_thread(worker.read_anew)


async def _serve(worker: Worker, engine: Engine, beat: Path | None) -> bool:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    limit = worker.config.daemon.shutdown_timeout

    def stop(name: str) -> None:
        log.info("daemon.stopping", signal=name, limit=limit.total_seconds())
        worker.stopping.set()
        stopping.set()

    soon = loop.call_soon_threadsafe  # it wakes the loop, too
    with signals.hearing(lambda name: soon(stop, name), lambda: soon(loop.run_in_executor, None, worker.read_anew)):
        limit_of_runs = worker.config.daemon.max_concurrent_runs
        places = Places(all=limit_of_runs, short=share_of_short(limit_of_runs))
        log.info("daemon.started", version=__version__, replica=worker.name, syncs=list(worker.config.syncs))
        worker.reading.tell(worker.config)
        aside = [asyncio.create_task(_follow_changes(worker)), asyncio.create_task(_beat(beat))]
        working = asyncio.create_task(carry_out_jobs(engine, worker.carry_out, places=places, stopping=stopping))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(working), (limit + LAST_WORDS).total_seconds())
        for task in aside:
            task.cancel()
        log.info("daemon.stopped", replica=worker.name)
    return working.done()
