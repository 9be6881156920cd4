"""What is due: decided from schedules, the last starts and the time, touching nothing.

A sync is due where its schedule names a moment after its last start that has come, or where a create of unknown fate
may be sent again. Whatever kept runs from starting (no daemon, no database, a suspended machine, a run that took long),
one run makes up for all the moments that were missed.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from syncd.domain.due import Due
from syncd.domain.museums import museum_of
from syncd.domain.schedule import Schedule

SKEW = timedelta(minutes=1)  # clocks of machines may differ by so much; what lies further ahead was a wrong clock
LONG = timedelta(minutes=1)  # a run that took longer is expected to do so again


@dataclass(slots=True)
class _Room:
    """For how many runs more there is some; `each` is the most of one museum, and may be open."""

    all: int
    long: int
    each: int | None
    _of: Counter[str] = field(default_factory=Counter)

    def has(self, sync: str, *, is_long: bool) -> bool:
        museum = museum_of(sync)
        is_full = bool(museum) and self.each is not None and self._of[museum] >= self.each
        return self.all > 0 and not is_full and not (is_long and self.long <= 0)

    def fill(self, sync: str, *, is_long: bool) -> None:
        self.all -= 1
        self.long -= is_long
        self._of[museum_of(sync)] += 1


def share_of_short(limit: int) -> int:
    """How many of so many runs at once are short ones alone."""
    return limit // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A schedule; `lag`, by which this sync starts later, spreads syncs that are due at one moment."""

    schedule: Schedule
    lag: timedelta

    def moment_after(self, moment: datetime) -> datetime:
        """In UTC: what Python reckons within one zone is off by an hour where its clocks change."""
        return self.schedule.next_after(moment).astimezone(UTC)

    def start_of(self, moment: datetime) -> datetime:
        """A little after its moment, but never by more than a tenth of the time to the one after."""
        return moment + min(self.lag, (self.moment_after(moment) - moment) / 10)

    def next_start(self, now: datetime) -> datetime:
        return self.start_of(self.moment_after(now))


@dataclass(slots=True, kw_only=True)
class _Line:
    """One sync. `since` is its last start, or when it was first seen here; without timing it runs on request only."""

    timing: Timing | None
    since: datetime
    moment: datetime | None = None  # the schedule's first after `since`
    again_at: datetime | None = None  # when the time of creates of unknown fate is over
    wanted_since: datetime | None = None
    requests: list[str] = field(default_factory=list)
    not_before: datetime | None = None
    is_running: bool = False
    is_long: bool = True  # as its last run was; a first one may be
    was_cut: bool = False
    is_paused: bool = False
    skips: datetime | None = None  # of a paused sync the start that is left out next
    is_gone: bool = False

    def start_after(self, since: datetime) -> None:
        self.since = since
        self.moment = self.timing.moment_after(since) if self.timing else None

    def waiting_since(self, now: datetime) -> datetime | None:
        """Since when a run is due; None where none is."""
        if self.is_running or self.is_gone or (self.not_before and now < self.not_before):
            return None
        if self.is_paused:
            return self.wanted_since if self.requests else None  # a person has asked for it
        return min(filter(None, (self.wanted_since, self.moment_due(now))), default=None)

    def moment_due(self, now: datetime) -> datetime | None:
        """The first moment that has come since the last start."""
        is_due = self.timing and self.moment and self.timing.start_of(self.moment) <= now
        again = self.again_at if self.again_at and self.since < self.again_at <= now else None
        return min(filter(None, (self.moment if is_due else None, again)), default=None)


class Agenda:
    """All syncs of the configuration in force."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._limit = 1
        self._of_museum: int | None = None

    def arrange(
        self, timings: Mapping[str, Timing | None], *, limit: int, of_museum: int | None = None, now: datetime
    ) -> list[str]:
        """Take over a configuration, and name the syncs that are new or have another schedule.

        A run under way is not disturbed. A schedule that was changed counts from now, so that nothing looks missed.
        """
        self._limit, self._of_museum = limit, of_museum
        changed = []
        for name, timing in timings.items():
            line = self._lines.setdefault(name, _Line(timing=timing, since=now, is_gone=True))
            is_other = _schedule(line.timing) != _schedule(timing)
            changed += [name] if is_other or line.is_gone else []
            line.timing, line.is_gone = timing, False
            line.start_after(max(line.since, now) if is_other else line.since)
        for name in self._lines.keys() - timings.keys():
            self._lines[name].is_gone = True
        self._drop_gone()
        return changed

    def _drop_gone(self) -> None:
        self._lines = {name: line for name, line in self._lines.items() if line.is_running or not line.is_gone}

    # --- what is known of runs ---

    def note_start(self, sync: str, at: datetime, now: datetime) -> None:
        """A run of the sync has started, here or elsewhere."""
        line = self._lines[sync]
        at = at if at <= now + SKEW else now
        if at > line.since:
            line.start_after(at)

    def resume(self, sync: str, last_start: datetime) -> None:
        """What the state database says of a sync that was only just seen: moments since then were missed."""
        self._lines[sync].start_after(last_start)

    def want(self, sync: str, now: datetime, *requests: str) -> None:
        """A run has been asked for: now, or right after the one under way; asked for twice, it is still one."""
        line = self._lines[sync]
        line.wanted_since = line.wanted_since or now
        line.requests += requests

    def note_length(self, sync: str, length: timedelta | None) -> None:
        """How long its last run took; None where there was none."""
        self._lines[sync].is_long = length is None or length > LONG

    def look_again(self, sync: str, at: datetime | None) -> None:
        """A run is due then, besides those of the schedule."""
        self._lines[sync].again_at = at

    def rest(self, syncs: Collection[str], now: datetime) -> list[str]:
        """These are paused, and no others; names those of them of which a start is left out by it just now."""
        skipping = []
        for name, line in self._lines.items():
            line.is_paused = name in syncs
            if not (line.is_paused and line.timing):
                line.skips = None
            elif line.skips is None:
                line.skips = line.timing.next_start(now)
            elif line.skips <= now:
                line.skips = line.timing.next_start(now)
                skipping.append(name)
        return skipping

    # --- what is to be done ---

    def due(self, now: datetime) -> list[str]:
        """The syncs to start at this moment, as far as there is room beside those under way.

        Those that were asked for come first, then who waits longest. Long runs leave some room to short ones, and
        those of one museum to those of others.
        """
        for line in self._lines.values():
            if line.since > now + SKEW:  # the clock was set back
                line.start_after(now)
        waiting = {name: at for name, line in self._lines.items() if (at := line.waiting_since(now))}
        in_turn = sorted(waiting, key=lambda name: (self._lines[name].wanted_since is None, waiting[name]))
        room = _Room(all=self._limit, long=self._limit - share_of_short(self._limit), each=self._of_museum)
        for name in self.running:
            room.fill(name, is_long=self.is_long(name))
        chosen = []
        for name in in_turn:
            if room.has(name, is_long=self.is_long(name)):
                room.fill(name, is_long=self.is_long(name))
                chosen.append(name)
        return chosen

    def begin(self, sync: str, now: datetime) -> Due:
        line = self._lines[sync]
        is_wanted = line.wanted_since is not None
        due = Due(sync=sync, moment=None if is_wanted else line.moment_due(now), requests=tuple(line.requests))
        line.is_running, line.wanted_since, line.requests, line.not_before = True, None, [], None
        return due

    def adopt(self, under_way: Collection[Due]) -> None:
        """These runs are under way, whoever has begun them, and no others: of those the end was not seen."""
        names = {due.sync for due in under_way}
        for name, line in self._lines.items():
            line.is_running = name in names and not line.is_gone
        self._drop_gone()

    def end(self, due: Due, started: datetime, now: datetime) -> None:
        """The run is over."""
        line = self._lines[due.sync]
        line.is_running = line.was_cut = False
        self.note_start(due.sync, started, now)
        self._drop_gone()

    def cut(self, due: Due, started: datetime, now: datetime) -> bool:
        """The run was cut short: it is begun again, but only once; cut twice, it waits for its next moment."""
        line = self._lines[due.sync]
        is_resumed = not line.was_cut
        line.is_running, line.was_cut = False, is_resumed
        self.note_start(due.sync, started, now)
        if is_resumed:
            self.want(due.sync, now, *due.requests)
        self._drop_gone()
        return is_resumed

    def put_off(self, due: Due, until: datetime, now: datetime) -> None:
        """The run could not begin, because the sync is being run elsewhere: it is still due."""
        line = self._lines[due.sync]
        line.is_running, line.not_before = False, until
        if due.moment is None:
            self.want(due.sync, now, *due.requests)
        self._drop_gone()

    # --- questions ---

    @property
    def running(self) -> list[str]:
        return [name for name, line in self._lines.items() if line.is_running]

    @property
    def requests(self) -> list[str]:
        """Those that a run has still to be begun for."""
        return [id_ for line in self._lines.values() for id_ in line.requests]

    def is_long(self, sync: str) -> bool:
        return self._lines[sync].is_long

    def knows(self, sync: str) -> bool:
        return sync in self._lines and not self._lines[sync].is_gone

    def next_runs(self) -> dict[str, datetime | None]:
        """The schedules' next moments, by their own clocks; one that lies in the past is being waited for."""
        return {
            name: line.moment.astimezone(line.timing.schedule.zone) if line.moment and line.timing else None
            for name, line in self._lines.items()
            if not line.is_gone
        }


def _schedule(timing: Timing | None) -> Schedule | None:
    return timing.schedule if timing else None
