"""What the status page shows, gathered from the state database and the daemon."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from syncd.assembly import looking_at_state
from syncd.config.model import Config
from syncd.domain.languages import Language
from syncd.domain.runs import SUCCEEDED, Status
from syncd.errors import SyncdError
from syncd.report.failures import FailureGroup, group_failures
from syncd.report.held import HeldPart, gather_held
from syncd.report.html import draw
from syncd.report.standing import SyncStanding, standings
from syncd.report.words import Words, words_in
from syncd.state.board import Board, Replica
from syncd.state.runs import RunRow
from syncd.state.store import Store
from syncd.web.chart import COLUMN, SHOWN, Chart, draw_chart, kind_of
from syncd.web.queue import QueueStanding, look_at_queue
from syncd.web.view import DaemonView

GROUPS = 12  # so many reasons are listed; the command lists all
FEW = 8  # so many syncs are shown at length; of more, only those that are not done
WORST_FIRST = ("failed", "held", "problems", "stopped", "open", "decided", "never", "running", "done")
REFRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One sync on the page. `success` is the last successful run, where the last run was none."""

    standing: SyncStanding
    zone: tzinfo
    kind: str
    is_running: bool
    held: HeldPart | None
    runs: tuple[RunRow, ...]
    success: RunRow | None
    chart: Chart
    failures: tuple[FailureGroup, ...]
    further: int  # reasons that are not listed

    @property
    def needs_a_person(self) -> bool:
        return self.kind in ("failed", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How somebody looks at the page."""

    language: Language
    show_ids: bool
    is_still: bool  # it is not to renew itself


def draw_page(daemon: DaemonView, now: datetime, look: Look) -> tuple[str, bool]:
    """The page as HTML, and whether the state could be read for it."""
    shown: list[Shown] = []
    replicas: list[Replica] = []
    queue: QueueStanding | None = None
    trouble: SyncdError | None = None
    words = words_in(look.language)
    try:
        with looking_at_state(daemon.config) as state:
            replicas = Board(state.engine).alive(now)
            running = {*daemon.running(), *(sync for replica in replicas for sync in replica.running)}
            found = standings(daemon.config.syncs.values(), state.store, now, lambda sync: daemon.next_run(sync.name))
            shown = _gather(found, state.store, running, words, show_ids=look.show_ids)
            queue = look_at_queue(daemon.config, state.engine)
    except SyncdError as error:
        trouble = error
    page = draw(
        "status.html",
        look.language,
        "syncd.web",
        syncs=shown,
        queue=queue,
        are_runs_apart=daemon.config.daemon.isolate_runs,
        trouble=trouble,
        problems=list(daemon.problems()),
        broken=_tell_broken(daemon.config),
        daemons=len(replicas),
        now=now,
        zone=daemon.config.zone_of(None),
        look=look,
        minutes=REFRESH // timedelta(minutes=1),
        verdict=_verdict(shown, words),
        is_folded=len(shown) > FEW,
        width=SHOWN * COLUMN,
    )
    return page, trouble is None


def _tell_broken(config: Config) -> list[str]:
    """The mistakes of museums' files, without where those lie on the machine."""
    return [problem.located.removeprefix(f"{config.base}/") for problem in config.mistakes]


def _gather(
    found: Iterable[SyncStanding], store: Store, running: Collection[str], words: Words, *, show_ids: bool
) -> list[Shown]:
    shown = [
        _show(standing, store, words, is_running=standing.sync in running, show_ids=show_ids) for standing in found
    ]
    return sorted(shown, key=lambda one: WORST_FIRST.index(one.kind))


def _show(standing: SyncStanding, store: Store, words: Words, *, is_running: bool, show_ids: bool) -> Shown:
    runs = store.runs.latest(standing.sync, SHOWN)
    failures = group_failures(store, standing.sync, with_ids=show_ids)
    has_failed = standing.last is not None and standing.last.status not in (
        *(status.value for status in SUCCEEDED),
        None,
    )
    return Shown(
        standing=standing,
        zone=standing.zone,
        kind=_kind_of_standing(standing, is_running=is_running),
        is_running=is_running,
        held=gather_held(store, standing.sync, with_ids=show_ids),
        runs=tuple(runs),
        success=store.runs.last_ended(standing.sync, SUCCEEDED) if has_failed else None,
        chart=draw_chart(runs, standing.zone, words, is_running=is_running),
        failures=tuple(failures[:GROUPS]),
        further=len(failures[GROUPS:]),
    )


def _kind_of_standing(standing: SyncStanding, *, is_running: bool) -> str:
    last = standing.last
    if is_running:
        return "running"
    if last is None:
        return "never"
    if last.status != Status.FAILED.value and standing.held:
        return "held" if standing.tally.held else "decided"
    return kind_of(last, is_under_way=False)


def _verdict(shown: list[Shown], words: Words) -> str:
    waiting = sum(one.needs_a_person for one in shown)
    if not waiting:
        return words.say("status.nothing")
    if len(shown) == 1:
        return words.say("status.only_one")
    return words.say("status.some", waiting, all=len(shown))
