"""The daemon through days and years of its own: a desk with a clock that is set, real runs, a real state database."""

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa
import structlog
from bad_day import make_daemon
from faults import Fault
from museum import Clock, Museum
from office import CONFIG
from werkzeug.wrappers import Response

from syncd.assembly import State, opening_state
from syncd.config import load
from syncd.config.model import Config
from syncd.daemon import desk as desk_module
from syncd.daemon.desk import Desk
from syncd.daemon.order import Ended, Fate, Order
from syncd.domain.museums import museum_of
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import LeaseTaken, StateLocksUsOut, StateUnusable
from syncd.runs.run import run
from syncd.sandbox.proxy import Passing, html
from syncd.state.board import Board
from syncd.state.pauses import Pause

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def within(moment: datetime, windows: list[tuple[datetime, datetime]]) -> bool:
    return any(begin <= moment < end for begin, end in windows)


@dataclass
class Life:
    """A museum with one or more desks. A run begins at once, and ends after `takes`."""

    folder: Path
    start: datetime
    schedule: str
    takes: timedelta = timedelta(seconds=5)
    state_url: str = "sqlite:///state/syncd.db"
    desks: list[Desk] = field(default_factory=list)
    begun: list[Order] = field(default_factory=list)
    starts: list[datetime] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)  # of the database
    is_gomus_up: bool = True
    fault: Fault | None = None  # of every create that holds a certain customer
    loses_database_in_run: bool = False
    why_not: type[StateUnusable] = StateUnusable
    opened_at: list[datetime] = field(default_factory=list)  # or tried to, of the database
    _orders: list[tuple[Desk, Order]] = field(default_factory=list)
    _due: list[tuple[datetime, Desk, Ended]] = field(default_factory=list)
    _opened: int = 0

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir(exist_ok=True)
        self.configure(self.schedule)
        self.clock = Clock()
        self.clock.now = self.start
        self.museum = Museum(state_url=self.config.state.url, clock=self.clock, attempts=1)
        sa.event.listen(self.museum.engine, "before_cursor_execute", self._refuse)
        self.museum.fill(30)

    def configure(self, schedule: str, sync: str = "members") -> None:
        text = CONFIG.format(url="https://demo.gomus.de").replace("sqlite:///state/syncd.db", self.state_url)
        text = text.replace("[sync.members]\n", f'[sync.members]\nschedule = "{schedule}"\n')
        (self.folder / "config.toml").write_text(text.replace("sync.members", f"sync.{sync}"))
        self.config = self._load()

    def _load(self) -> Config:
        return load(self.folder / "config.toml", {"GOMUS_TOKEN": "of nobody", "SYNCD_DIGEST_KEY": "a key for tests"})

    def _refuse(self, *_: Any) -> None:
        if within(self.clock.now, self.outages):
            raise sa.exc.OperationalError("", None, Exception())

    @contextmanager
    def _opening(self, config: Config) -> Iterator[State]:
        self.opened_at.append(self.clock.now)
        if within(self.clock.now, self.outages):
            raise self.why_not("the state database failed (Exception -)")
        with opening_state(config) as state:
            sa.event.listen(state.engine, "before_cursor_execute", self._refuse)
            yield state

    def open_desk(self) -> Desk:
        self._opened += 1
        desk = Desk(
            name=f"replica-{self._opened}",
            config=self.config,
            start=lambda order: self._orders.append((desk, order)),
            clock=self.clock,
            monotonic=lambda: self.clock().timestamp(),
            reload=self._load,
            opening=self._opening,
        )
        self.desks.append(desk)
        return desk

    def close_desks(self) -> None:
        """An orderly stop; runs that would go on are not waited for."""
        for desk in self.desks:
            desk.leave([order.due.sync for _, owner, ended in self._due if owner is desk for order in [ended.order]])
        self.desks.clear()
        self._due.clear()

    def kill(self, desk: Desk) -> None:
        """The system frees its locks; it does not come to write down the end of its runs."""
        self.desks.remove(desk)
        self._due = [one for one in self._due if one[1] is not desk]
        desk._close_board()
        with self.museum.engine.begin() as connection:
            connection.execute(sa.text("update run set finished_at = null, status = null"))

    def _begin(self, desk: Desk, order: Order) -> None:
        started = self.clock()
        fate, summary = self._conduct(order)
        self.fates.append(fate)
        if fate in (Fate.ENDED, Fate.CUT):
            self.begun.append(order)
            self.starts.append(started)
        finished = started + (self.takes if fate in (Fate.ENDED, Fate.CUT) else timedelta(0))
        self._due.append(
            (finished, desk, Ended(order=order, fate=fate, started=started, finished=finished, summary=summary))
        )

    def _conduct(self, order: Order) -> tuple[Fate, Summary | None]:
        self.museum.sandbox.reset_calls()
        self.museum.row(1 + len(self.begun) % 30)["notes"] = f"Stand {len(self.begun)}"
        try:
            with self.museum.world(self._fault) as world:
                board = Board(self.museum.engine)
                entering = lambda id_: board.note_run(order.due.requests, id_)  # noqa: E731 - as the crew has it
                return Fate.ENDED, run(self.museum.sync, world, trigger=order.trigger, entering=entering)
        except LeaseTaken:
            return Fate.BUSY, None
        except StateUnusable:
            return Fate.CUT, None

    def _fault(self, request: httpx.Request, _number: int) -> Fault | None:
        if self.loses_database_in_run:
            self.loses_database_in_run = False
            self.outages.append((self.clock.now, self.clock.now + 10 * MINUTE))
        if self.fault and request.method == "POST" and b"M-0007" in request.content:
            return self.fault
        return None if self.is_gomus_up else Fault.NO_CONNECTION

    def live(self, until: datetime, step: timedelta, each: Callable[[datetime], None] = lambda _now: None) -> None:
        while self.clock.now < until:
            self.clock.now += step
            each(self.clock.now)
            for one in [one for one in self._due if one[0] <= self.clock.now]:
                self._due.remove(one)
                one[1].hand_in(one[2])
            for desk in self.desks:
                desk.look()
            while self._orders:  # only now: two desks that look at once do not know of each other's runs
                self._begin(*self._orders.pop(0))

    def close(self) -> None:
        self.close_desks()
        self.museum.close()

    def moments(self) -> list[str]:
        told = [order.due.moment and order.due.moment.astimezone(BERLIN) for order in self.begun]
        return [f"{moment:%d. %H:%M %z}" if moment else "asked" for moment in told]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Life]]:
    lives: list[Life] = []

    def begin(start: str, schedule: str, **more: Any) -> Life:
        lives.append(Life(tmp_path, at(start), schedule, **more))
        lives[-1].open_desk()
        return lives[-1]

    yield begin
    for life in lives:
        life.close()


# --- the clocks change ---


@pytest.mark.parametrize(
    ("start", "moments"),
    [
        ("2026-03-28 00:00", ["28. 02:30 +0100", "29. 03:00 +0200", "30. 02:30 +0200"]),
        ("2026-10-24 00:00", ["24. 02:30 +0200", "25. 02:30 +0200", "26. 02:30 +0100"]),
    ],
)
def test_half_past_two_runs_once_a_day_when_clocks_change(live: Any, start: str, moments: list[str]) -> None:
    life = live(start, "30 2 * * *")
    life.live(at(start) + timedelta(days=3), 10 * MINUTE)
    assert life.moments() == moments


@pytest.mark.parametrize(
    ("start", "moment"), [("2026-03-23 00:00", "29. 03:00 +0200"), ("2026-10-19 00:00", "25. 03:00 +0100")]
)
def test_three_on_sunday_is_three_on_the_sunday_that_the_clocks_change(live: Any, start: str, moment: str) -> None:
    life = live(start, "0 3 * * 0")
    life.live(at(start) + timedelta(days=7), 30 * MINUTE)
    assert life.moments() == [moment]


@pytest.mark.parametrize("change", ["2026-03-29 01:00", "2026-10-25 01:00"])
def test_every_quarter_goes_on_across_a_restart_and_a_change_of_clocks(live: Any, change: str) -> None:
    life = live(f"{change[:10]} 00:05", "every 15m")
    life.live(at(change) - 10 * MINUTE, MINUTE)
    life.close_desks()
    life.clock.now = at(change) + 20 * MINUTE  # three quarters, 00:45 was run
    life.open_desk()
    life.live(at(change) + 61 * MINUTE, MINUTE)
    told = [order.due.moment and f"{order.due.moment:%H:%M}" for order in life.begun]
    assert told == ["00:15", "00:30", "00:45", "01:00", "01:30", "01:45", "02:00"]


# --- missed, late, changed ---


def test_a_sync_that_never_ran_waits_for_its_first_moment(live: Any) -> None:
    life = live("2026-11-23 09:07", "every 15m")
    life.live(at("2026-11-23 09:14"), MINUTE)
    assert life.begun == []
    life.live(at("2026-11-23 09:16"), MINUTE)
    assert len(life.begun) == 1


def test_a_run_longer_than_the_interval_is_followed_by_one_that_makes_up_for_all(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m", takes=timedelta(minutes=40))
    life.live(at("2026-11-23 11:00"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["09:16", "09:56", "10:36"]


def test_a_create_whose_fate_is_unknown_is_looked_for_as_soon_as_its_time_is_over(live: Any) -> None:
    life = live("2026-11-23 07:58", "0 9 * * *")
    life.fault = Fault.SERVER_ERROR
    life.live(at("2026-11-23 08:05"), MINUTE)
    life.fault = None
    life.live(at("2026-11-23 11:00"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["08:01", "08:11"]
    assert len(life.museum.sandbox.customers) == 30


# --- paused ---


def pause(life: Life, until: str | None = None) -> None:
    ends = at(until) if until else None
    life.museum.store.pauses.begin(Pause(sync="members", since=life.clock.now, until=ends, by="somebody", why=None))


def test_a_paused_sync_is_not_run_by_its_schedule(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    life.live(at("2026-11-23 09:20"), MINUTE)
    pause(life)
    life.live(at("2026-11-23 12:00"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["09:16"]


def test_one_run_makes_up_for_a_pause(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    pause(life)
    life.live(at("2026-11-23 10:02"), MINUTE)
    life.museum.store.pauses.end("members", life.clock.now)
    life.live(at("2026-11-23 10:20"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["10:03", "10:16"]


def test_a_pause_ends_by_itself(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    pause(life, until="2026-11-23 10:02")
    life.live(at("2026-11-23 10:10"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["10:02"]


def test_the_log_tells_once_of_each_moment_that_a_pause_skips(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    pause(life)
    heard: list[str] = []
    listen_to_the_log(heard)
    life.live(at("2026-11-23 10:05"), MINUTE)
    assert heard.count("daemon.skipped") == 4


def test_a_person_may_run_a_paused_sync(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    pause(life)
    now = life.clock.now
    Board(life.museum.engine).ask("members", at=now, expires_at=now + 10 * MINUTE)
    life.live(at("2026-11-23 09:05"), MINUTE)
    assert life.moments() == ["asked"]


def test_a_webhook_waits_until_the_pause_is_over(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 12h")
    Board(life.museum.engine).ask("members", at=life.clock.now, expires_at=None)
    pause(life, until="2026-11-23 09:30")
    life.live(at("2026-11-23 09:29"), MINUTE)
    assert life.begun == []
    life.live(at("2026-11-23 09:35"), MINUTE)
    assert life.moments() == ["asked"]


def test_a_create_whose_fate_is_unknown_waits_for_the_end_of_a_pause(live: Any) -> None:
    life = live("2026-11-23 07:58", "0 9 * * *")
    life.fault = Fault.SERVER_ERROR
    life.live(at("2026-11-23 08:05"), MINUTE)
    life.fault = None
    pause(life, until="2026-11-23 08:40")
    life.live(at("2026-11-23 08:50"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["08:01", "08:40"]


def test_a_run_that_was_cut_off_is_not_begun_again_in_a_pause(live: Any) -> None:
    life = live("2026-11-23 09:00", "every 15m")
    life.loses_database_in_run = True
    life.live(at("2026-11-23 09:20"), MINUTE)
    assert life.fates == [Fate.CUT]
    life.outages.clear()
    pause(life)
    life.live(at("2026-11-23 11:00"), MINUTE)
    assert life.fates == [Fate.CUT]


def test_a_machine_that_slept_makes_up_for_the_night_once(live: Any) -> None:
    life = live("2026-11-23 20:00", "every 15m")
    life.live(at("2026-11-23 20:20"), MINUTE)
    life.clock.now = at("2026-11-24 07:52")
    life.live(at("2026-11-24 08:01"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["20:16", "07:53", "08:01"]


def test_a_clock_that_is_set_back_starves_nobody(live: Any) -> None:
    life = live("2026-11-23 20:00", "every 15m")
    life.live(at("2026-11-23 20:20"), MINUTE)
    life.clock.now = at("2026-11-23 10:00")
    life.live(at("2026-11-23 10:17"), MINUTE)
    assert [f"{start:%H:%M}" for start in life.starts] == ["20:16", "10:16"]


def test_a_schedule_that_is_changed_counts_from_then_on(live: Any) -> None:
    life = live("2026-11-23 00:00", "0 3 * * *")
    life.live(at("2026-11-23 12:00"), 10 * MINUTE)
    life.configure("0 11 * * *")  # ten in UTC: two hours ago
    life.desks[0].read_anew()
    life.live(at("2026-11-24 12:00"), 10 * MINUTE)
    assert life.moments() == ["23. 03:00 +0100", "24. 11:00 +0100"]


def test_syncs_due_at_one_moment_start_a_little_apart_and_never_late(live: Any) -> None:
    life = live("2026-11-23 00:00", "every 15m")
    for _ in range(9):
        life.open_desk()
    step = timedelta(milliseconds=100)
    life.clock.now = at("2026-11-23 00:14:59")
    life.live(at("2026-11-23 00:15:03"), step)
    (start,) = life.starts  # of ten daemons one is at work
    assert at("2026-11-23 00:15") <= start < at("2026-11-23 00:15:02.5")


def test_a_run_that_a_stop_cut_short_is_gone_on_with_at_the_next_start(live: Any) -> None:
    life = live("2026-11-23 01:55", "0 3 * * *", takes=timedelta(hours=1))
    life.live(at("2026-11-23 02:10"), MINUTE)
    life.close_desks()
    life.open_desk()
    life.live(at("2026-11-23 02:15"), MINUTE)
    assert life.moments() == ["23. 03:00 +0100", "asked"]


def test_a_database_that_is_gone_is_tried_after_growing_pauses(live: Any) -> None:
    gone = (at("2026-11-23 10:00:30"), at("2026-11-23 10:10:30"))
    life = live("2026-11-23 10:00", "every 15m", outages=[gone])
    life.live(at("2026-11-23 10:12"), timedelta(seconds=1))
    tries = [moment for moment in life.opened_at if within(moment, [gone])]
    pauses = [round((later - earlier).total_seconds()) for earlier, later in pairwise(tries)]
    assert pauses[:7] == sorted(pauses[:7])
    assert (pauses[0] <= 3, 60 <= max(pauses) <= 62) == (True, True)
    assert life.opened_at[-1] - gone[1] <= MINUTE


@pytest.mark.parametrize("is_each_told", [True, False])
def test_a_lost_database_is_told_once_and_a_refused_password_with_each_try(live: Any, is_each_told: bool) -> None:
    gone, heard = (at("2026-11-23 10:00:30"), at("2026-11-23 10:30:30")), []
    life = live("2026-11-23 10:00", "every 15m", outages=[gone])
    listen_to_the_log(heard)
    life.why_not = StateLocksUsOut if is_each_told else StateUnusable
    life.live(gone[1] + 5 * MINUTE, timedelta(seconds=1))
    tries = sum(within(moment, [gone]) for moment in life.opened_at)
    told = heard.count("daemon.database_lost")
    assert tries > 20
    assert 0 <= told - (tries if is_each_told else 1) <= 1  # and that the open one broke


# --- creates whose fate is unknown ---


def lose_posts(foreign_id: str, times: int) -> Callable[[Passing], Response]:
    """Turns the first creates of a customer away, in words that leave open whether they were done."""
    left = [times]

    def hook(call: Passing) -> Response:
        is_meant = call.method == "POST" and any(one["foreign_id"] == foreign_id for one in call.customers)
        left[0] -= is_meant
        return html(503) if is_meant and left[0] >= 0 else call.act()

    return hook


@pytest.mark.parametrize("replicas", [1, 2])
def test_an_open_create_is_looked_at_once_its_time_is_over_and_not_only_at_the_next_moment(
    live: Any, replicas: int
) -> None:
    life = live("2026-11-23 01:55", "0 3 * * *")
    for _ in range(replicas - 1):
        life.open_desk()
    life.museum.sandbox.hook = lose_posts("M-0001", times=1)
    life.live(at("2026-11-23 06:00"), timedelta(seconds=20))
    assert [order.trigger for order in life.begun] == [Trigger.SCHEDULE, Trigger.SCHEDULE]
    assert timedelta(minutes=10) <= life.starts[1] - life.starts[0] < timedelta(minutes=12)
    assert len(life.museum.sandbox.customers) == 30


def test_an_open_create_is_looked_at_after_a_restart_too(live: Any) -> None:
    life = live("2026-11-23 01:55", "0 3 * * *")
    life.museum.sandbox.hook = lose_posts("M-0001", times=1)
    life.live(at("2026-11-23 02:05"), timedelta(seconds=20))
    life.close_desks()
    life.open_desk()
    life.live(at("2026-11-23 02:30"), timedelta(seconds=20))
    assert [f"{start:%H:%M}" for start in life.starts] == ["02:00", "02:10"]


def test_what_stays_open_is_not_looked_at_again_and_again(live: Any) -> None:
    """Sent four times, waited for each time, and given up."""
    life = live("2026-11-23 01:55", "0 3 * * *")
    life.museum.sandbox.hook = lose_posts("M-0030", times=1000)
    life.live(at("2026-11-23 12:00"), MINUTE)
    assert [len(life.museum.sandbox.customers), len(life.starts)] == [29, 5]


# --- replicas ---


def test_of_two_replicas_one_is_at_work_and_tries_nothing_in_vain(live: Any) -> None:
    life = live("2026-11-23 00:00", "every 15m")
    life.open_desk()
    life.live(at("2026-11-23 06:01"), timedelta(seconds=20))
    assert life.moments() == sorted(set(life.moments()))
    assert [len(life.begun), set(life.fates)] == [24, {Fate.ENDED}]
    assert {order.replica for order in life.begun} == {life.desks[0].name}


def test_who_stands_by_is_not_ready_and_says_who_is_at_work(live: Any) -> None:
    life = live("2026-11-23 00:00", "every 15m")
    standby = life.open_desk()
    life.live(at("2026-11-23 00:01"), timedelta(seconds=20))
    assert [desk.picture.problems == () for desk in life.desks] == [True, False]
    life.kill(life.desks[0])
    life.live(at("2026-11-23 00:02"), timedelta(seconds=20))
    assert standby.picture.problems == ()


def test_who_takes_over_makes_up_for_what_fell_due_meanwhile(live: Any) -> None:
    life = live("2026-11-22 23:59", "every 1h")
    life.open_desk()
    life.live(at("2026-11-23 00:59"), timedelta(seconds=20))
    life.desks.pop(0).leave([])
    life.clock.now = at("2026-11-23 01:30")
    life.live(at("2026-11-23 01:31"), timedelta(seconds=20))
    assert [f"{start:%H:%M}" for start in life.starts] == ["00:00", "01:30"]


def test_a_run_whose_replica_died_is_gone_on_with_by_another(live: Any) -> None:
    life = live("2026-11-23 01:55", "0 3 * * *", takes=timedelta(hours=1))
    life.open_desk()
    life.live(at("2026-11-23 02:10"), timedelta(seconds=5))
    (order,) = life.begun
    life.kill(life.desks[0])
    died = life.clock.now
    life.takes = timedelta(seconds=5)
    life.live(died + timedelta(seconds=10), timedelta(seconds=1))
    assert [other.trigger for other in life.begun] == [Trigger.SCHEDULE, Trigger.REQUEST]
    assert life.begun[1].replica != order.replica
    assert life.starts[1] - died < timedelta(seconds=3)


def test_what_kills_its_process_twice_is_not_tried_for_ever(live: Any) -> None:
    life = live("2026-11-23 01:55", "0 3 * * *", takes=timedelta(hours=1))
    life.live(at("2026-11-23 02:10"), timedelta(seconds=10))
    for _ in range(3):
        life.kill(life.desks[0])
        life.open_desk()
        life.live(life.clock.now + MINUTE, timedelta(seconds=5))
    assert len(life.begun) == 2


# --- a day with everything ---

DAY = at("2026-11-23 00:00")
DATABASE_GONE = [(at("2026-11-23 04:07"), at("2026-11-23 05:20")), (at("2026-11-23 13:59"), at("2026-11-23 14:10"))]
GOMUS_GONE = [(at("2026-11-23 08:10"), at("2026-11-23 09:05"))]
LONG_RUNS = [(at("2026-11-23 17:10"), at("2026-11-23 18:10"))]
CUT_IN_RUN = at("2026-11-23 20:10")


@pytest.mark.long
def test_a_day_with_outages_every_moment_is_run_once_or_made_up_for_once_and_nothing_grows(live: Any) -> None:
    life, sizes, heard = live("2026-11-23 00:00", "every 15m", outages=[*DATABASE_GONE]), [], []
    threads = threading.active_count()
    listen_to_the_log(heard)

    def happen(now: datetime) -> None:
        if now == CUT_IN_RUN:
            life.loses_database_in_run = True
        life.is_gomus_up = not within(now, GOMUS_GONE)
        life.takes = timedelta(minutes=25) if within(now, LONG_RUNS) else timedelta(seconds=5)
        if now.minute == 0 and now.second == 0:
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        live_on(life, DAY + timedelta(days=1), happen)
    finally:
        tracemalloc.stop()
    _check_moments(life)
    _check_customers(life)
    growth = (sizes[-1] - sizes[3]) / 1024
    print(f"{len(life.begun)} runs; memory from hour 4 to 24: {growth:+.0f} KiB")
    assert growth < 200
    assert threading.active_count() == threads
    assert (heard.count("daemon.database_lost"), heard.count("daemon.database_back")) == (3, 3)


def _drop() -> Any:
    raise structlog.DropEvent


def listen_to_the_log(heard: list[str]) -> None:
    structlog.configure(
        processors=[lambda _l, _m, event: heard.append(event["event"]) or _drop()],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )


def live_on(life: Life, until: datetime, happen: Callable[[datetime], None]) -> None:
    """In even minutes, whatever a run's own looks at the clock add."""
    moment = life.clock.now.replace(second=0, microsecond=0)
    while moment < until:
        moment += MINUTE
        life.clock.now = max(life.clock.now, moment)
        happen(moment)
        life.live(life.clock.now + timedelta(microseconds=1), timedelta(microseconds=1))


def _check_moments(life: Life) -> None:
    quarters = [DAY + number * 15 * MINUTE for number in range(1, 97)]
    blocked = [*DATABASE_GONE, (CUT_IN_RUN, CUT_IN_RUN + 15 * MINUTE), (LONG_RUNS[0][0], LONG_RUNS[0][1] + 30 * MINUTE)]
    for quarter in quarters:
        following = [start for start in life.starts if start >= quarter]
        if following and not within(quarter, blocked):
            assert following[0] - quarter <= 2 * MINUTE, "late"
    resumed = [order for order in life.begun if order.due.moment is None]
    assert len(resumed) == 1, "the run that the database cut short"
    for (earlier, _), (later, order) in pairwise(zip(life.starts, life.begun, strict=True)):
        missed = [quarter for quarter in quarters if earlier < quarter <= later]
        assert missed or order.due.moment is None, "twice for one moment"
    assert life.starts[-1] > quarters[-2], "to the end of the day"


def _check_customers(life: Life) -> None:
    assert life.museum.run().status is Status.DONE
    assert life.museum.sandbox.duplicates() == []
    held = {customer.foreign_id: customer["notes"] for customer in life.museum.sandbox.customers}
    assert held == {f"M-{row['id']}": row["notes"] for row in life.museum.rows}


def test_of_a_museum_so_many_syncs_are_under_way_as_the_configuration_says(tmp_path: Path) -> None:
    config = make_daemon(tmp_path, "members", schedule="every 1h").config
    syncs = {
        name: config.syncs["members"].model_copy(update={"name": name}) for name in ("louvre/a", "louvre/b", "prado/a")
    }
    limits = config.daemon.model_copy(update={"max_concurrent_runs": 8, "max_runs_of_museum": 1})
    clock, orders = Clock(), list[Order]()
    clock.now = at("2026-03-09T12:59:00")
    desk = Desk(
        name="replica",
        config=config.model_copy(update={"daemon": limits, "syncs": syncs}),
        start=orders.append,
        clock=clock,
        monotonic=lambda: clock().timestamp(),
        reload=lambda: config,
    )
    for now in ("12:59:00", "13:00:10"):
        clock.now = at(f"2026-03-09T{now}")
        desk.look()
    desk.leave([])
    assert sorted(museum_of(order.sync.name) for order in orders) == ["louvre", "prado"]


def test_of_thousands_that_are_due_at_once_each_look_starts_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the daemon would be silent for minutes, and taken for dead."""
    monkeypatch.setattr(desk_module, "AT_ONCE", 2)
    config = make_daemon(tmp_path, "members", "schools", "donors", schedule="every 1h").config
    many = config.daemon.model_copy(update={"max_concurrent_runs": 8})
    clock, orders = Clock(), list[Order]()
    clock.now = at("2026-03-09T12:59:00")
    desk = Desk(
        name="replica",
        config=config.model_copy(update={"daemon": many}),
        start=orders.append,
        clock=clock,
        monotonic=lambda: clock().timestamp(),
        reload=lambda: config,
    )
    asked: list[str] = []
    listening = (sa.Engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    sa.event.listen(*listening)
    desk.look()
    sa.event.remove(*listening)
    of_each = [one for one in asked if 'run."trigger" IN' in one]  # when it last started, and how long it took
    assert len(of_each) == 2 * 2
    begun = []
    for now in ("12:59:01", "13:00:05", "13:00:06", "13:00:07"):
        clock.now = at(f"2026-03-09T{now}")
        desk.look()
        begun.append(len(orders))
    desk.leave([])
    assert begun == [0, 2, 3, 3]
