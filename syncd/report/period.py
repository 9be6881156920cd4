"""The report over a time: what the runs of each sync did, and what is held and not synced as things stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from syncd.config.model import SyncConfig
from syncd.domain.languages import Language
from syncd.domain.runs import Status
from syncd.report.failures import FailureGroup, group_failures
from syncd.report.held import HeldPart, gather_held
from syncd.report.html import draw
from syncd.report.run import SENT_FIELDS, Outcomes, most_first, tabulate
from syncd.report.words import DONE, kind
from syncd.state.runs import RunRow
from syncd.state.store import Store

LISTED_RUNS = 200
LISTED_REASONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPeriod:
    """`runs` are listed; `quiet` ones had nothing to do, and `older` ones are too many. `kinds` are those of all."""

    sync: str
    instance: str
    zone: tzinfo
    kinds: Sequence[str]
    runs: Sequence[RunRow]
    quiet: int
    older: int
    outcomes: Outcomes
    fields: Sequence[tuple[str, int]]
    held: HeldPart | None
    failures: Sequence[FailureGroup]
    further: int  # reasons that are not listed


def report_period(store: Store, syncs: Iterable[SyncConfig], since: datetime) -> list[SyncPeriod]:
    return [_report_sync(store, sync, since) for sync in syncs]


def _report_sync(store: Store, sync: SyncConfig, since: datetime) -> SyncPeriod:
    runs = store.runs.since(sync.name, since)
    telling = [run for run in runs if not _is_quiet(run)]
    failures = group_failures(store, sync.name, with_ids=True)
    return SyncPeriod(
        sync=sync.name,
        instance=sync.gomus,
        zone=sync.timezone,
        kinds=[kind(run) for run in runs],
        runs=telling[:LISTED_RUNS],
        quiet=len(runs) - len(telling),
        older=len(telling[LISTED_RUNS:]),
        outcomes=tabulate(store.journal.count_outcomes_since(sync.name, since)),
        fields=most_first(store.journal.count_fields_since(sync.name, since, SENT_FIELDS)),
        held=gather_held(store, sync.name, with_ids=True),
        failures=failures[:LISTED_REASONS],
        further=len(failures[LISTED_REASONS:]),
    )


def _is_quiet(run: RunRow) -> bool:
    return run.status == Status.DONE.value and not any(run.counts.get(name) for name in DONE)


def period_as_html(
    periods: Sequence[SyncPeriod], since: datetime, until: datetime, language: Language = Language.ENGLISH
) -> str:
    """A self-contained page; it names foreign_ids, but no value."""
    return draw(
        "period.html",
        language,
        periods=periods,
        since=since,
        until=until,
        zone=periods[0].zone,
        number_of_runs=sum(len(one.kinds) for one in periods),
    )
