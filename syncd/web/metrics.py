"""Metrics for Prometheus: what this process did, counted as it happens, and how the syncs stand, read per scrape."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.assembly import looking_at_state
from syncd.config.model import SyncConfig
from syncd.domain.runs import SUCCEEDED, Status, Summary
from syncd.errors import SyncdError
from syncd.gomus.client import Observe
from syncd.state.board import Board
from syncd.state.runs import RunRow
from syncd.state.store import Store, Tally
from syncd.web.view import DaemonView

RUN_SECONDS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
NO_ANSWER = "none"


class Metrics:
    """What this process has done since its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = Counter(
            "syncd_runs",
            "Runs that ended in this process, by how they ended.",
            ["sync", "status"],
            registry=self.registry,
        )
        self._outcomes = Counter(
            "syncd_outcomes",
            "Changes to customers that were settled, by action and result.",
            ["sync", "action", "result"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "syncd_run_duration_seconds", "How long runs took.", ["sync"], buckets=RUN_SECONDS, registry=self.registry
        )
        self._calls = Counter(
            "syncd_gomus_calls",
            "Tries of calls to go~mus, by method and status; the status is 'none' where no answer came.",
            ["gomus", "method", "status"],
            registry=self.registry,
        )
        self._call_duration = Histogram(
            "syncd_gomus_call_duration_seconds",
            "How long go~mus took to answer a call, or until the try was given up.",
            ["gomus", "method"],
            buckets=CALL_SECONDS,
            registry=self.registry,
        )

    def note_run(self, summary: Summary, duration: timedelta) -> None:
        self._runs.labels(summary.sync, summary.status.value).inc()
        self._duration.labels(summary.sync).observe(duration.total_seconds())
        for (action, result), count in summary.outcomes.items():
            self._outcomes.labels(summary.sync, action, result).inc(count)

    def observing(self, instance: str) -> Observe:
        """An observer for the calls to this instance."""

        def observe(method: str, status: int | None, seconds: float) -> None:
            self._calls.labels(instance, method, str(status or NO_ANSWER)).inc()
            self._call_duration.labels(instance, method).observe(seconds)

        return observe


class Standings(Collector):
    """How the syncs stand, read from the state database on each scrape; that it can't be read is a metric too."""

    def __init__(self, daemon: DaemonView, clock: Callable[[], datetime]) -> None:
        self._daemon = daemon
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("syncd_build", "The version that is running.", value={"version": __version__})
        yield from self._of_daemon()
        try:
            with looking_at_state(self._daemon.config) as state:
                told = [*self._of_state(state.store), _daemons(len(Board(state.engine).alive(self._clock())))]
        except SyncdError:
            told = []
        yield _gauge("syncd_state_up", "Whether the state database could be read.", bool(told))
        yield from told

    def _of_daemon(self) -> Iterator[Metric]:
        daemon = self._daemon
        yield _gauge("syncd_ready", "Whether the daemon calls itself ready.", not daemon.problems())
        info = GaugeMetricFamily(
            "syncd_sync_info", "The syncs of the configuration; always 1.", labels=["sync", "gomus", "schedule"]
        )
        next_run = _of_syncs("syncd_next_run_timestamp_seconds", "When the next run is due.")
        running = _of_syncs("syncd_running", "Whether this process carries out a run of the sync now.")
        for name, sync in daemon.config.syncs.items():
            info.add_metric([name, sync.gomus, sync.schedule.text if sync.schedule else ""], 1)
            running.add_metric([name], name in daemon.running())
            if due := daemon.next_run(name):
                next_run.add_metric([name], due.timestamp())
        yield from (info, next_run, running)

    def _of_state(self, store: Store) -> Iterator[Metric]:
        syncs = list(self._daemon.config.syncs.values())
        tallies = store.tally()
        yield from _tallied({sync.name: tallies.get(sync.name, Tally()) for sync in syncs})
        yield from self._of_runs(syncs, store)

    def _of_runs(self, syncs: list[SyncConfig], store: Store) -> Iterator[Metric]:
        success = _of_syncs("syncd_last_success_timestamp_seconds", "When the last run ended that was done.")
        age = _of_syncs("syncd_last_success_age_seconds", "How long ago that was.")
        ended = _of_syncs("syncd_last_run_timestamp_seconds", "When the last run ended, whichever way.")
        status = GaugeMetricFamily(
            "syncd_last_run_status", "1 for the way in which the last run ended.", labels=["sync", "status"]
        )
        records = _of_syncs(
            "syncd_source_records", "Records that were read last; of a source that tells changes, the changed ones."
        )
        statuses = list(Status)
        for sync in syncs:
            last, good = store.runs.last_ended(sync.name, statuses), store.runs.last_ended(sync.name, SUCCEEDED)
            for one in statuses if last else ():
                status.add_metric([sync.name, one.value], last is not None and last.status == one.value)
            _add_end(ended, last)
            _add_end(success, good)
            if good and good.finished_at:
                age.add_metric([sync.name], max(0.0, (self._clock() - good.finished_at).total_seconds()))
            if (read := _records(last, good)) is not None:
                records.add_metric([sync.name], read)
        yield from (success, age, ended, status, records)


def _tallied(tallies: dict[str, Tally]) -> Iterator[Metric]:
    known = _of_syncs("syncd_known_customers", "Customers that go~mus has confirmed and the sync keeps in step.")
    refused = _of_syncs(
        "syncd_quarantined_records", "Records that go~mus refused, set aside until they change or are due."
    )
    invalid = _of_syncs("syncd_invalid_records", "Records of the last read that could not be mapped.")
    intents = _of_syncs("syncd_open_intents", "Calls that were begun and whose effect is not known yet.")
    held = GaugeMetricFamily(
        "syncd_held_changes", "Changes that a guard holds until a person approves.", labels=["sync", "action"]
    )
    for sync, tally in tallies.items():
        known.add_metric([sync], tally.known)
        refused.add_metric([sync], tally.refused)
        invalid.add_metric([sync], tally.invalid)
        intents.add_metric([sync], tally.open_intents)
        for action in HOLDABLE:
            held.add_metric([sync, action], tally.held.get(action, 0))
    yield from (known, refused, invalid, intents, held)


HOLDABLE = ("create", "update", "delete")


def _daemons(count: int) -> Metric:
    return GaugeMetricFamily(
        "syncd_daemons", "Daemons on this state database that gave a sign of life lately.", value=count
    )


def _records(*runs: RunRow | None) -> int | None:
    """The records of the first of these runs that counted any."""
    return next((run.counts["records"] for run in runs if run and "records" in run.counts), None)


def _gauge(name: str, words: str, is_so: bool) -> Metric:  # noqa: FBT001 - the value of the metric
    return GaugeMetricFamily(name, words, value=int(is_so))


def _of_syncs(name: str, words: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=["sync"])


def _add_end(family: GaugeMetricFamily, run: RunRow | None) -> None:
    if run and run.finished_at:
        family.add_metric([run.sync], run.finished_at.timestamp())
