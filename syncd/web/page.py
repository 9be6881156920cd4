"""What the status page shows, gathered from the state database and the daemon."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from syncd.assembly import looking_at_state
from syncd.domain.runs import SUCCEEDED, Status
from syncd.errors import SyncdError
from syncd.report import words
from syncd.report.failures import FailureGroup, group_failures
from syncd.report.html import make_environment
from syncd.report.standing import SyncStanding, standings
from syncd.state.board import Board, Replica
from syncd.state.runs import RunRow
from syncd.state.store import Store
from syncd.web.chart import COLUMN, SHOWN, Chart, draw_chart, kind_of
from syncd.web.view import DaemonView

GROUPS = 12  # so many reasons are listed; the command lists all
_ENVIRONMENT = make_environment("syncd.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One sync on the page. `success` is the last successful run, where the last run was none."""

    standing: SyncStanding
    zone: ZoneInfo
    kind: str
    label: str
    is_running: bool
    is_decided: bool
    needs_a_person: bool
    runs: tuple[RunRow, ...]
    success: RunRow | None
    chart: Chart
    failures: tuple[FailureGroup, ...]
    further: int  # reasons that are not listed


def draw_page(daemon: DaemonView, now: datetime, *, show_ids: bool) -> tuple[str, bool]:
    """The page as HTML, and whether the state could be read for it."""
    shown: list[Shown] = []
    replicas: list[Replica] = []
    trouble: SyncdError | None = None
    try:
        with looking_at_state(daemon.config) as state:
            replicas = Board(state.engine).alive(now)
            running = {*daemon.running(), *(sync for replica in replicas for sync in replica.running)}
            shown = _gather(daemon, state.store, running, show_ids=show_ids)
    except SyncdError as error:
        trouble = error
    page = _ENVIRONMENT.get_template("status.html").render(
        syncs=shown,
        trouble=trouble,
        problems=list(daemon.problems()),
        daemons=len(replicas),
        now=now,
        zone=_zone(daemon),
        words=words,
        show_ids=show_ids,
        verdict=_verdict(shown),
        width=SHOWN * COLUMN,
    )
    return page, trouble is None


def _zone(daemon: DaemonView) -> ZoneInfo:
    """The time zone of the page as a whole is that of the first sync."""
    return next(iter(daemon.config.syncs.values())).timezone


def _gather(daemon: DaemonView, store: Store, running: Collection[str], *, show_ids: bool) -> list[Shown]:
    syncs = daemon.config.syncs
    return [
        _show(
            standing,
            store,
            syncs[standing.sync].timezone,
            is_running=standing.sync in running,
            is_decided=standing.held is not None and not standing.tally.held,
            show_ids=show_ids,
        )
        for standing in standings(syncs.values(), store, lambda sync: daemon.next_run(sync.name))
    ]


def _show(  # noqa: PLR0913 - what one sync's part of the page depends on
    standing: SyncStanding, store: Store, zone: ZoneInfo, *, is_running: bool, is_decided: bool, show_ids: bool
) -> Shown:
    runs = store.runs.latest(standing.sync, SHOWN)
    failures = group_failures(store, standing.sync, with_ids=show_ids)
    kind, label = _standing_in_a_word(standing, is_running=is_running, is_decided=is_decided)
    has_failed = standing.last is not None and standing.last.status not in (
        *(status.value for status in SUCCEEDED),
        None,
    )
    return Shown(
        standing=standing,
        zone=zone,
        kind=kind,
        label=label,
        is_running=is_running,
        is_decided=is_decided,
        needs_a_person=kind in ("failed", "held"),
        runs=tuple(runs),
        success=store.runs.last_ended(standing.sync, SUCCEEDED) if has_failed else None,
        chart=draw_chart(runs, zone, is_running=is_running),
        failures=tuple(failures[:GROUPS]),
        further=len(failures[GROUPS:]),
    )


def _standing_in_a_word(standing: SyncStanding, *, is_running: bool, is_decided: bool) -> tuple[str, str]:
    last = standing.last
    if is_running:
        return "running", "Under way"
    if last is None:
        return "open", "No run yet"
    if last.status != Status.FAILED.value and standing.held:
        return ("open", "Decided") if is_decided else ("held", words.ENDED["held"])
    return kind_of(last, is_under_way=False)


def _verdict(shown: list[Shown]) -> str:
    waiting = sum(one.needs_a_person for one in shown)
    if not waiting:
        return "Nothing needs you"
    if len(shown) == 1:
        return "The sync needs you"
    return f"{waiting} of {len(shown)} syncs {'needs' if waiting == 1 else 'need'} you"
