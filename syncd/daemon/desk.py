"""The daemon's desk: once a second it looks at the notices in the state database, decides what is due, and starts it.

All of it happens in one thread. Runs have threads of their own (`crew`), and hand in how they ended.
"""

import queue
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import structlog

from syncd.assembly import State, opening_state
from syncd.config.model import Config, SyncConfig
from syncd.daemon.agenda import SKEW, Agenda, Timing
from syncd.daemon.order import Ended, Fate, Order
from syncd.daemon.post import Post
from syncd.daemon.trouble import Trouble
from syncd.domain.due import Due
from syncd.domain.runs import WHOLE
from syncd.errors import Misconfigured, StateLocksUsOut, StateUnusable, SyncdError
from syncd.report.pausing import how_to_resume
from syncd.state.board import GIVEN_UP, Board, Replica
from syncd.state.lease import holder_of

if TYPE_CHECKING:
    from syncd.cluster import Jobs

log = structlog.get_logger()
BEAT = timedelta(seconds=5)
BUSY_PAUSE = timedelta(seconds=5)
TIDY = timedelta(hours=1)
AT_ONCE = 100  # syncs that one look asks for or starts, some 20 ms each: who is silent for long is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The desk at one moment, for other threads to look at."""

    config: Config
    problems: tuple[str, ...]
    next_runs: Mapping[str, datetime | None]
    running: Collection[str]
    at: float  # of the monotonic clock


@dataclass(slots=True, kw_only=True)
class Desk:
    """`start` begins a run in a thread and answers at once; how it ended comes back by `hand_in`."""

    name: str  # of this replica
    config: Config
    start: Callable[[Order], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    reload: Callable[[], Config]
    opening: Callable[[Config], AbstractContextManager[State]] = opening_state
    arranged: Callable[[Mapping[str, Timing | None]], None] = lambda _timings: None
    post: Post = field(default_factory=lambda: Post(refused=None))
    jobs: "Jobs | None" = None  # where workers carry runs out
    picture: Picture = field(init=False)
    _agenda: Agenda = field(default_factory=Agenda)
    _ended: "queue.SimpleQueue[Ended]" = field(default_factory=queue.SimpleQueue)
    _open: ExitStack = field(default_factory=ExitStack)
    _board: Board | None = None
    _new: set[str] = field(default_factory=set)  # syncs whose last start is not known yet
    _unmeasured: set[str] = field(default_factory=set)  # those of which it is not known how long they take
    _untold: list[str] = field(default_factory=list)
    _next_beat: float = 0.0
    _next_tidy: float = 0.0
    _trouble: Trouble = field(default_factory=Trouble)
    _refused: str | None = None
    _unfinished: set[str] = field(default_factory=set)
    _busy: set[str] = field(default_factory=set)
    _paused: Collection[str] = ()
    _answers: list[tuple[tuple[str, ...], str]] = field(default_factory=list)  # to requests, by how their run ended

    def __post_init__(self) -> None:
        self._arrange(self.config)
        self._publish()

    # --- the configuration ---

    def _arrange(self, config: Config) -> None:
        timings = {name: self._timing(name, sync, config.daemon.jitter) for name, sync in config.syncs.items()}
        limit = len(timings) if config.daemon.queue else config.daemon.max_concurrent_runs
        each = config.daemon.max_runs_of_museum
        self._untold = self._agenda.arrange(timings, limit=limit, of_museum=each, now=self.clock())
        self._new |= {name for name in self._untold if config is self.config or name not in self.config.syncs}
        self.config = config
        self.arranged(timings)

    def _timing(self, name: str, sync: SyncConfig, jitter: timedelta) -> Timing | None:
        lag = jitter * _share(name)
        return Timing(schedule=sync.schedule, lag=lag) if sync.schedule else None

    def read_anew(self) -> None:
        """The configuration, on SIGHUP: as a whole, or not at all."""
        try:
            config = self.reload()
        except Misconfigured as error:
            self._refused = "the configuration was changed, and has mistakes: the one before is in force"
            problems = [problem.located for problem in error.problems]
            log.error("daemon.config_refused", problems=problems, remedy=error.remedy)
        else:
            self._refused = None
            if (config.state, config.daemon.queue) != (self.config.state, self.config.daemon.queue):
                self._close_board()
            self._arrange(config)
            self._next_beat = 0.0  # who asks for a run of a new sync must see that it is known
            log.info("daemon.reloaded", syncs=list(config.syncs))
        self._publish()

    # --- one look ---

    def look(self) -> None:
        """Do whatever is to be done at this moment."""
        self._take_in()
        if self.monotonic() >= self._trouble.next_try:
            with self._in_trouble_try_again():
                board = self._opened()
                if self._is_at_work(board):
                    self._work(board)
                else:
                    self._beat(board)
                self._note_good()
        self._publish()

    def _work(self, board: Board) -> None:
        self._follow_jobs()
        self._catch_up(board)
        self._beat(board)
        self._tell_next_runs()
        self._answer_requests(board)
        self._rest(board)
        self._take_requests(board)
        self._start_due(board)

    @contextmanager
    def _in_trouble_try_again(self) -> Iterator[None]:
        """Neither a lost database nor a mistake of ours ends the daemon.

        It is told when it changes; that the database locks us out, with each try, for nobody else will notice.
        """
        try:
            yield
        except Exception as error:
            self._close_board()
            message = error.message if isinstance(error, SyncdError) else f"crashed ({type(error).__name__})"
            is_news = message != self._trouble.error or isinstance(error, StateLocksUsOut)
            is_first = self._trouble.error is None
            pause = self._trouble.grow(self.monotonic())
            if is_first:
                self._trouble.since = self.monotonic()
            self._trouble.error = message
            if is_news and isinstance(error, SyncdError):
                log.error("daemon.database_lost", error=message, remedy=error.remedy, wait=pause)
            elif is_news:
                log.critical("crashed", exc_info=error)

    def _note_good(self) -> None:
        if self._trouble.error is not None:
            log.info("daemon.database_back", duration=round(self.monotonic() - self._trouble.since, 1))
            self._trouble = Trouble()

    def _opened(self) -> Board:
        if self._board is None:
            self._board = Board(self._open.enter_context(self.opening(self.config)).engine)
            if self.config.daemon.queue:
                from syncd.cluster import opening_jobs  # noqa: PLC0415 - an extra

                self.jobs = self._open.enter_context(opening_jobs(self._board.engine))
            self._next_beat = 0.0
        return self._board

    def _close_board(self) -> None:
        self._board = self.jobs = None
        self.post.drop()
        opened, self._open = self._open, ExitStack()
        with suppress(SyncdError):
            opened.close()

    # --- one at work, others stand by ---

    def _is_at_work(self, board: Board) -> bool:
        if self.post.confirm():
            return True
        if self.post.take(board.engine, self._open):
            self._succeed(board)
        return self.post.is_ours

    def _succeed(self, board: Board) -> None:
        """What another left undone is gone on with, and what ended while we could not look."""
        kept, left = None, list[str]()
        if self.jobs:
            self._agenda.adopt(self.jobs.inherit())
            kept, left = self._in_hand(), self.jobs.left_undone()
        cut = [name for name in board.succeed(self.name, self.clock(), kept=kept) if not holder_of(board.engine, name)]
        idle = filter(self._agenda.knows, {*cut, *left} - set(self._agenda.running))
        unfinished = sorted(idle)
        for name in unfinished:
            self._agenda.want(name, self.clock())
        before = self.post.begin()
        if before or unfinished:
            log.warning("daemon.took_over", holder=before, syncs=unfinished)
        self._new |= self.config.syncs.keys()
        self._next_beat = 0.0

    # --- what is due ---

    def _catch_up(self, board: Board) -> None:
        """Of a sync that is new here, the state database may know when it last ran."""
        new, self._new = _some(self._new)
        for name in filter(self._agenda.knows, new):
            if last := self._last_start(board, name):
                self._agenda.resume(name, last)
        unmeasured, self._unmeasured = _some(self._unmeasured | set(new))
        for name in filter(self._agenda.knows, unmeasured):
            self._agenda.note_length(name, board.last_length(name, WHOLE))

    def _tell_next_runs(self) -> None:
        following = self._agenda.next_runs()
        for name in self._untold:
            schedule = self.config.syncs[name].schedule
            words = schedule.text if schedule else "on request only"
            log.info("daemon.scheduled", sync=name, schedule=words, next_run=following[name])
        self._untold.clear()

    def _last_start(self, board: Board, sync: str) -> datetime | None:
        return board.last_start(sync, WHOLE, before=self.clock() + SKEW)

    def _start_due(self, board: Board) -> None:
        looked_at = self._agenda.due(self.clock())[:AT_ONCE]
        for name in looked_at:
            if last := self._last_start(board, name):  # somebody may have been quicker, by hand
                self._agenda.note_start(name, last, self.clock())
        for name in filter(set(self._agenda.due(self.clock())).__contains__, looked_at):
            due = self._agenda.begin(name, self.clock())
            self._next_beat = 0.0
            if self.jobs:
                self._defer(self.jobs, due)
            else:
                self.start(Order(config=self.config, sync=self.config.syncs[name], replica=self.name, due=due))

    def _rest(self, board: Board) -> None:
        """Of who is paused nothing is started but what a person asks for."""
        self._paused = frozenset(board.pauses.in_force(self.clock()))
        for name in self._agenda.rest(self._paused, self.clock()):
            log.info("daemon.skipped", sync=name, reason=f"it is paused; {how_to_resume(name)}")

    def _take_requests(self, board: Board) -> None:
        now = self.clock()
        for request in board.open_requests():
            if request.sync in self._paused and request.expires_at is None:  # a webhook's, or left by another daemon
                continue
            is_late = request.expires_at is not None and request.expires_at < now
            if self._agenda.knows(request.sync) and not is_late and board.take(request.id, self.name):
                log.info("daemon.requested", sync=request.sync)
                self._agenda.want(request.sync, now, request.id)

    # --- jobs, where there is a queue ---

    def _defer(self, jobs: "Jobs", due: Due) -> None:
        try:
            is_deferred = jobs.defer(due, is_long=self._agenda.is_long(due.sync))
        except StateUnusable:
            self._agenda.put_off(due, self.clock(), self.clock())
            raise
        if due.requests and not is_deferred:  # the job that waits does not know of them
            self._agenda.want(due.sync, self.clock(), *due.requests)

    def _follow_jobs(self) -> None:
        """Who asked is answered by the worker; but not where two of them died, or lost their database."""
        for due, outcome in self.jobs.take_ended() if self.jobs else ():
            fate = Fate[outcome.name]
            is_over = not self._agenda.knows(due.sync) or self._note_fate(due, fate, self.clock())
            if is_over and fate is not Fate.ENDED:
                self._answers.append((due.requests, GIVEN_UP))

    def _in_jobs(self) -> Sequence[str]:
        return self.jobs.requests if self.jobs else ()

    def _in_hand(self) -> list[str]:
        """The requests that are in jobs, will be, or are about to be answered."""
        return [*self._in_jobs(), *self._agenda.requests, *(id_ for ids, _ in self._answers for id_ in ids)]

    # --- runs that ended ---

    def hand_in(self, ended: Ended) -> None:
        """From the run's thread."""
        self._ended.put(ended)

    def _take_in(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._note_end(self._ended.get_nowait())

    def _note_end(self, ended: Ended) -> None:
        due = ended.order.due
        if self._note_fate(due, ended.fate, ended.started) and due.requests:
            self._answers.append((due.requests, ended.status.value))

    def _note_fate(self, due: Due, fate: Fate, started: datetime) -> bool:
        """Whether it is over, and not to be begun again."""
        now = self.clock()
        self._next_beat = 0.0
        if fate is Fate.BUSY:
            self._agenda.put_off(due, now + BUSY_PAUSE, now)
            self._tell_busy(due)
            return False
        self._busy.discard(due.sync)
        if fate is Fate.CUT:
            self._unfinished.add(due.sync)
            return not self._agenda.cut(due, started, now)
        self._unfinished.discard(due.sync)
        self._unmeasured.add(due.sync)
        self._agenda.end(due, started, now)
        return True

    def _tell_busy(self, due: Due) -> None:
        """Once for each wait, however often it is tried."""
        if due.sync not in self._busy:
            self._busy.add(due.sync)
            log.info("daemon.skipped", sync=due.sync, reason="it is being run elsewhere; its turn comes after that")

    def _answer_requests(self, board: Board) -> None:
        while self._answers:
            board.finish(*self._answers[0], self.clock())
            del self._answers[0]

    # --- signs of life ---

    def _beat(self, board: Board) -> None:
        if self.monotonic() < self._next_beat:
            return
        self._next_beat = self.monotonic() + BEAT.total_seconds()
        board.beat(self._replica())
        if not self.post.is_ours:
            return
        self._note_unclear(board)
        if self.monotonic() >= self._next_tidy:
            self._next_tidy = self.monotonic() + TIDY.total_seconds()
            board.tidy(self.clock())
            if self.jobs:
                self.jobs.tidy()

    def _note_unclear(self, board: Board) -> None:
        unclear = board.unclear()
        for name, sync in self.config.syncs.items():
            patience = self.config.gomus[sync.gomus].patience
            self._agenda.look_again(name, unclear[name] + patience if name in unclear else None)

    def _replica(self) -> Replica:
        return Replica(
            name=self.name,
            seen_at=self.clock(),
            agenda=self._agenda.next_runs() if self.post.is_ours else {},
            running=self._agenda.running,
        )

    # --- the end, and looks from outside ---

    def leave(self, still_running: Sequence[str]) -> list[str]:
        """The last look: what was cut short is left to who is at work next; answers which."""
        self._take_in()
        unfinished = sorted({*still_running, *self._unfinished} & self.config.syncs.keys())
        try:
            self._answer_requests(self._opened())
            self._opened().leave(self.name, unfinished, self.clock(), kept=self._in_jobs())
        except SyncdError as error:
            log.warning("daemon.database_lost", error=error.message, remedy=error.remedy)
        self._close_board()
        return unfinished

    def _publish(self) -> None:
        trouble = self._trouble.error or (None if self._board else "the state database has not been reached yet")
        self.picture = Picture(
            config=self.config,
            problems=tuple(filter(None, (trouble, self.post.problem, self._refused))),
            next_runs=self._agenda.next_runs(),
            running=frozenset(self._agenda.running),
            at=self.monotonic(),
        )


def _some(names: set[str]) -> tuple[list[str], set[str]]:
    """As many as one look takes, and those that are left for the next ones."""
    return (in_order := sorted(names))[:AT_ONCE], set(in_order[AT_ONCE:])


def _share(text: str) -> float:
    """From 0 to 1, always the same for the same sync."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) / 2**32
