"""The daemon from its start to its end: signals, threads, and who hears of what."""

import os
import queue
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog

from syncd import __version__
from syncd.alerts.watch import Watch
from syncd.assembly import now, opening_alarms
from syncd.config.model import Config
from syncd.daemon.crew import Crew
from syncd.daemon.desk import Desk
from syncd.daemon.order import Ended
from syncd.daemon.page import Page
from syncd.daemon.post import Post
from syncd.daemon.reading import Reading
from syncd.daemon.waking import Waking
from syncd.domain.runs import Summary
from syncd.errors import LeaseTaken
from syncd.machine import signals
from syncd.web import Metrics

log = structlog.get_logger()
POLL = 1.0  # seconds between two looks at the notices
HANGING = 60.0  # a desk that has not looked for so long hangs
RECORDING = 2.0  # seconds at the end for writing down what became of the runs
STOP, RELOAD, REFUSED = "stop", "reload", "refused"


class Daemon:
    """One replica; `refused` as the post has it. What faces show of it can be asked from any thread.

    `after_run` hears of every run, with when it started and ended, and `each_minute` of the time: one call at a time,
    in a thread of their own. What they raise is logged and ends nothing.
    """

    def __init__(
        self, config: Config, load: Callable[[], Config], refused: Callable[[LeaseTaken], None] | None = None
    ) -> None:
        metrics = Metrics()
        self.after_run: list[Callable[[Summary, datetime, datetime], None]] = [
            lambda summary, started, finished: metrics.note_run(summary, finished - started)
        ]
        watch = Watch(lambda: self.config, opening_alarms, since=now())
        self.after_run.append(lambda summary, _started, finished: watch.after_run(summary, finished))
        self.each_minute: list[Callable[[datetime], None]] = [watch.each_minute]
        self._reading = Reading(load, config, time.monotonic)
        self._page = Page(self, metrics)
        self._bell = threading.Event()
        self._closing = threading.Event()
        self._is_config_due = threading.Event()
        self._left: list[str] = []
        self._waking = Waking(ring=self._bell.set, each_minute=lambda: self._tell(self.each_minute, now()))
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="listeners")
        self._crew = Crew(hand_in=self._hand_in, observing=metrics.observing)
        self._desk = Desk(
            name=replica_name(),
            config=config,
            start=self._crew.start,
            clock=now,
            monotonic=time.monotonic,
            reload=self._load_anew,
            arranged=self._waking.arrange,
            post=Post(refused=refused),
        )
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)

    # --- what faces show ---

    @property
    def config(self) -> Config:
        """The one in force."""
        return self._desk.picture.config

    def problems(self) -> Sequence[str]:
        """Why this replica is not ready; empty where it is."""
        picture = self._desk.picture
        silence = time.monotonic() - picture.at
        hanging = (f"the daemon has not looked at its work for {silence:.0f} s",) if silence > HANGING else ()
        stopping = ("the daemon is stopping",) if self._closing.is_set() else ()
        return (*picture.problems, *hanging, *stopping)

    def next_run(self, sync: str) -> datetime | None:
        return self._desk.picture.next_runs.get(sync)

    def running(self) -> Collection[str]:
        return self._desk.picture.running

    # --- from start to end ---

    def start(self) -> None:
        """Raises Misconfigured where the page can't be served as the configuration says."""
        self._page.arrange(self.config.web)
        log.info("daemon.started", version=__version__, replica=self._desk.name, syncs=list(self._desk.config.syncs))
        self._reading.tell(self.config)
        self._thread.start()
        self._waking.start()

    def reload(self) -> None:
        self._is_config_due.set()
        self._bell.set()

    def stop(self, reason: str) -> bool:
        """No new run and no new batch; the calls under way may end. False where something hangs beyond the limit."""
        limit = self.config.daemon.shutdown_timeout.total_seconds()
        began = time.monotonic()
        log.info("daemon.stopping", signal=reason, syncs=sorted(self.running()), limit=limit)
        self._closing.set()
        self._crew.stopping.set()
        self._bell.set()
        self._thread.join(limit + RECORDING)
        self._waking.stop()
        self._page.close()
        is_clean = not self._thread.is_alive() and not self._crew.wait(0) and self._listeners_are_done()
        tell = log.info if is_clean else log.warning
        tell("daemon.stopped", syncs=self._left, duration=round(time.monotonic() - began, 1))
        return is_clean

    # --- the desk's thread ---

    def _work(self) -> None:
        while not self._closing.is_set():
            self._bell.clear()
            if self._is_config_due.is_set() or self._reading.is_due():
                self._is_config_due.clear()
                self._guarded(self._desk.read_anew)
            self._guarded(self._desk.look)
            self._bell.wait(POLL)
        still_running = self._crew.wait(self.config.daemon.shutdown_timeout.total_seconds())
        self._left = self._desk.leave(still_running)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            log.critical("crashed", exc_info=error)

    def _load_anew(self) -> Config:
        config = self._reading.read_anew(self.config)
        self._page.arrange(config.web)
        return config

    # --- who hears of it ---

    def _hand_in(self, ended: Ended) -> None:
        """In the run's thread."""
        self._desk.hand_in(ended)
        if ended.summary is not None:
            self._tell(self.after_run, ended.summary, ended.started, ended.finished)
        self._bell.set()

    def _tell(self, listeners: Sequence[Callable[..., None]], *facts: object) -> None:
        for listener in listeners:
            with suppress(RuntimeError):  # a run that ends after everything else has nobody left to hear of it
                self._aside.submit(self._guarded, partial(listener, *facts))

    def _listeners_are_done(self) -> bool:
        last = self._aside.submit(int)
        self._aside.shutdown(wait=False)
        return not wait([last], timeout=RECORDING).not_done


def replica_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def serve(load: Callable[[], Config], *, waits: bool = True) -> None:
    """Run every sync on its schedule until a signal says to stop.

    While another daemon is at work on the state this one stands by; raises LeaseTaken where it does not wait.
    """
    refusals: list[LeaseTaken] = []
    heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()  # the one that a signal handler may put into
    with signals.hearing(lambda name: heard.put((STOP, name)), lambda: heard.put((RELOAD, "SIGHUP"))):

        def refuse(taken: LeaseTaken) -> None:
            refusals.append(taken)
            heard.put((REFUSED, "--no-wait"))

        daemon = Daemon(load(), load, None if waits else refuse)
        daemon.start()
        while (told := _next(heard))[0] == RELOAD:
            daemon.reload()
        is_clean = daemon.stop(told[1])
    if refusals:
        raise refusals[0]
    if not is_clean:
        # Threads that hang can't be ended, and would be waited for. What they had begun is settled by the next run.
        sys.stdout.flush()
        os._exit(0)


def _next(heard: "queue.SimpleQueue[tuple[str, str]]") -> tuple[str, str]:
    """A signal that the system hands to another thread does not wake this one, so it looks up now and then."""
    while True:
        with suppress(queue.Empty):
            return heard.get(timeout=POLL)
