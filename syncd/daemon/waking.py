"""APScheduler, which knows when to wake. What is due when one wakes is the agenda's to say.

Its own cron triggers are left alone: they count weekdays from Monday, and have ideas of their own on changes of clocks.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.daemon.agenda import Timing


class _AtStarts(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires at every start of one sync."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return self._timing.next_start(now)


class Waking:
    """Calls `ring` at the start of every sync, and `each_minute` once a minute; both answer at once."""

    def __init__(self, *, ring: Callable[[], None], each_minute: Callable[[], None]) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns where one wake-up is missed
        self._ring = ring
        # the executor that is called "debug" runs in the scheduler's own thread, which is enough to ring a bell
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": DebugExecutor()}, daemon=True)
        self._add(each_minute, IntervalTrigger(minutes=1, timezone=UTC), "each minute")

    def _add(self, call: Callable[[], None], trigger: BaseTrigger, name: str) -> None:
        # several missed moments are one wake-up, and none is too late
        self._scheduler.add_job(call, trigger, id=name, coalesce=True, misfire_grace_time=None, replace_existing=True)

    def arrange(self, timings: Mapping[str, Timing | None]) -> None:
        wanted = {f"sync {name}": timing for name, timing in timings.items() if timing}
        for job in self._scheduler.get_jobs():
            if job.id.startswith("sync ") and job.id not in wanted:
                job.remove()
        for name, timing in wanted.items():
            self._add(self._ring, _AtStarts(timing), name)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown()
