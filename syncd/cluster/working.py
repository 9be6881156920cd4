"""A worker's side of the queue: it beats, fetches jobs, and carries each out in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from procrastinate import App
from procrastinate.exceptions import JobAborted
from sqlalchemy import Engine

from syncd.cluster.app import of_worker, translate_errors
from syncd.cluster.outcome import LONG, SHORT, Outcome
from syncd.cluster.schema import prepare
from syncd.domain.backoff import Backoff
from syncd.domain.due import Due
from syncd.errors import StateUnusable

log = structlog.get_logger()
BEAT = 1.5  # seconds
FORGOTTEN = 60.0  # seconds without a beat after which the next worker that starts forgets one
BACKOFF = Backoff(first=1.0, longest=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many runs may be under way at once, and how many of these are kept for short ones."""

    all: int
    short: int


class Cut(Exception):
    """So that the queue keeps the job as one that failed."""


async def carry_out_jobs(
    engine: Engine, carry_out: Callable[[Due], Outcome], *, places: Places, stopping: asyncio.Event
) -> None:
    """Until `stopping` is set and what is under way has ended. A database that is lost is waited for."""
    threads = ThreadPoolExecutor(places.all, thread_name_prefix="run")

    async def run(**told: Any) -> None:  # noqa: ANN401 - JSON
        outcome = await asyncio.get_running_loop().run_in_executor(threads, carry_out, Due.from_json(told))
        if outcome is Outcome.BUSY:
            raise JobAborted
        if outcome is Outcome.CUT:
            raise Cut

    failed: list[str] = []  # each try since the queue was there

    def note_ready() -> None:
        if failed:
            log.info("daemon.database_back")
        failed.clear()
        log.info("worker.ready", limit=places.all)

    while not stopping.is_set():
        try:
            await _work(engine, of_worker(engine, run, places.all), places, stopping, note_ready)
        except StateUnusable as error:
            is_news = error.message not in failed[-1:]
            failed.append(error.message)
            pause = BACKOFF.pause(len(failed))
            if is_news:
                log.error("daemon.database_lost", error=error.message, remedy=error.remedy, wait=pause)  # noqa: TRY400
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)


async def _work(
    engine: Engine, app: App, places: Places, stopping: asyncio.Event, note_ready: Callable[[], None]
) -> None:
    """Until it is to stop, or the queue can't be reached any more. Raises StateUnusable."""
    await asyncio.to_thread(prepare, engine)
    with translate_errors():
        async with app.open_async():
            note_ready()
            await _until(stopping, asyncio.create_task(_fetch_all(app, places)))


async def _fetch_all(app: App, places: Places) -> None:
    """Places for short runs alone are a worker of their own to the queue."""
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_fetch(app, [SHORT, LONG], places.all - places.short))
            if places.short:
                both.create_task(_fetch(app, [SHORT], places.short))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _fetch(app: App, queues: list[str], at_once: int) -> None:
    await app.run_worker_async(
        queues=queues,
        concurrency=at_once,
        install_signal_handlers=False,
        update_heartbeat_interval=BEAT,
        stalled_worker_timeout=FORGOTTEN,
    )


async def _until(stopping: asyncio.Event, working: "asyncio.Task[None]") -> None:
    """A worker that is cancelled fetches no more, and waits for what is under way."""
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, working}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not working.done():
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working
