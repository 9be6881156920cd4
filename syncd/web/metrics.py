"""Metrics for Prometheus: what this process did, counted as it happens, and how the syncs stand, read per scrape."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.assembly import looking_at_state
from syncd.config.model import Config, SyncConfig
from syncd.domain.runs import SUCCEEDED, Status, Summary
from syncd.errors import SyncdError
from syncd.gomus.client import Observe
from syncd.state.board import Board
from syncd.state.runs import RunRow
from syncd.state.store import Store, Tally
from syncd.web.queue import QueueStanding, look_at_queue
from syncd.web.view import DaemonView

RUN_SECONDS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
NO_ANSWER = "none"
ELSEWHERE = "--once"
HOLDABLE = ("create", "link", "update", "delete", "release")


class Metrics:
    """What this process has done since its start."""

    def __init__(self) -> None:
        # They double the series, and no rule or panel asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
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


class Serving(Collector):
    """What a daemon knows of itself."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon

    def collect(self) -> Iterator[Metric]:
        daemon, syncs = self._daemon, self._daemon.config.syncs
        yield GaugeMetricFamily("syncd_ready", "Whether the daemon calls itself ready.", value=not daemon.problems())
        due = {name: moment.timestamp() for name in syncs if (moment := daemon.next_run(name))}
        yield _of_syncs("syncd_next_run_timestamp_seconds", "When the next run is due.", due)
        running = {name: name in daemon.running() for name in syncs}
        yield _of_syncs("syncd_running", "Whether this process carries out a run of the sync now.", running)


class Standings(Collector):
    """How the syncs stand, read from the state database on each scrape; that it can't be read is a metric too.

    What a command has left is read later. Something starts it, so that every sync is expected to run.
    """

    def __init__(self, config: Callable[[], Config], clock: Callable[[], datetime], *, is_left: bool = False) -> None:
        self._read_config = config
        self._clock = clock
        self._is_left = is_left

    @property
    def _config(self) -> Config:
        return self._read_config()

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("syncd_build", "The version that is running.", value={"version": __version__})
        yield from self._of_config()
        try:
            with looking_at_state(self._config) as state:
                told = [
                    *self._of_tallies(state.store),
                    *self._of_runs(state.store),
                    self._of_pauses(state.store),
                    self._of_board(Board(state.engine)),
                    *_of_queue(look_at_queue(self._config, state.engine), self._config.syncs),
                ]
        except SyncdError:
            told = []
        yield GaugeMetricFamily("syncd_state_up", "Whether the state database could be read.", value=bool(told))
        yield from told

    def _of_config(self) -> Iterator[Metric]:
        yield _family(
            "syncd_sync_info",
            "The syncs of the configuration; always 1.",
            ["sync", "gomus", "schedule"],
            {(sync.name, sync.gomus, self._schedule(sync)): 1 for sync in self._config.syncs.values()},
        )
        yield _family(
            "syncd_config_mistakes",
            "Mistakes in the files of museums; of such a file what it said before is in force, if anything.",
            ["museum"],
            {(name,): len(museum.problems) for name, museum in self._config.museums.items()},
        )

    def _schedule(self, sync: SyncConfig) -> str:
        return sync.schedule.text if sync.schedule else ELSEWHERE if self._is_left else ""

    def _of_tallies(self, store: Store) -> Iterator[Metric]:
        found = store.tally()
        tallies = {name: found.get(name, Tally()) for name in self._config.syncs}
        yield _of_syncs(
            "syncd_known_customers",
            "Customers that go~mus has confirmed and the sync keeps in step.",
            {name: tally.known for name, tally in tallies.items()},
        )
        yield _of_syncs(
            "syncd_quarantined_records",
            "Records that go~mus refused, set aside until they change or are due.",
            {name: tally.refused for name, tally in tallies.items()},
        )
        yield _of_syncs(
            "syncd_invalid_records",
            "Records of the last read that could not be mapped.",
            {name: tally.invalid for name, tally in tallies.items()},
        )
        yield _of_syncs(
            "syncd_open_intents",
            "Calls that were begun and whose effect is not known yet.",
            {name: tally.open_intents for name, tally in tallies.items()},
        )
        yield _family(
            "syncd_held_changes",
            "Changes that a guard holds until a person approves.",
            ["sync", "action"],
            {(name, action): tally.held.get(action, 0) for name, tally in tallies.items() for action in HOLDABLE},
        )

    def _of_runs(self, store: Store) -> Iterator[Metric]:
        last = store.runs.last_ended_of(self._config.syncs, tuple(Status))
        good = store.runs.last_ended_of(self._config.syncs, SUCCEEDED)
        success = _ends(good)
        yield _of_syncs("syncd_last_success_timestamp_seconds", "When the last run ended that was done.", success)
        if not self._is_left:  # an age is right at its moment alone
            age = {name: max(0.0, self._clock().timestamp() - ended) for name, ended in success.items()}
            yield _of_syncs("syncd_last_success_age_seconds", "How long ago that was.", age)
        yield _of_syncs("syncd_last_run_timestamp_seconds", "When the last run ended, whichever way.", _ends(last))
        yield _family(
            "syncd_last_run_status",
            "1 for the way in which the last run ended.",
            ["sync", "status"],
            {(name, one.value): run.status == one.value for name, run in last.items() for one in Status},
        )
        yield _of_syncs(
            "syncd_source_records",
            "Records that were read last; of a source that tells changes, the changed ones.",
            {name: read for name in last if (read := _records(last[name], good.get(name))) is not None},
        )

    def _of_pauses(self, store: Store) -> Metric:
        paused = store.pauses.in_force(self._clock())
        words = "Whether a person lets the sync rest."
        return _of_syncs("syncd_paused", words, {name: name in paused for name in self._config.syncs})

    def _of_board(self, board: Board) -> Metric:
        return GaugeMetricFamily(
            "syncd_daemons",
            "Daemons on this state database that gave a sign of life lately.",
            value=len(board.alive(self._clock())),
        )


def _of_queue(queue: QueueStanding | None, syncs: Collection[str]) -> Iterator[Metric]:
    if queue is None:
        return
    yield _family(
        "syncd_queue_jobs",
        "Runs in the queue that wait, or are under way.",
        ["queue", "state"],
        {(line.name, state): count for line in queue.lines for state, count in line.by_state.items()},
    )
    yield _family(
        "syncd_queue_oldest_seconds",
        "How long the run has waited that waits longest.",
        ["queue"],
        {(line.name,): line.oldest.total_seconds() for line in queue.lines},
    )
    yield GaugeMetricFamily("syncd_workers", "Workers that give signs of life.", value=len(queue.workers))
    yield GaugeMetricFamily(
        "syncd_worker_places", "How many runs these workers may have under way at once.", value=queue.places
    )
    leases = {name: name in queue.leases for name in syncs}
    yield _of_syncs("syncd_lease_held", "Whether any process has the right to run the sync now.", leases)
    yield _family(
        "syncd_gomus_slots",
        "Rights to a call at a time that processes have now, all together.",
        ["gomus"],
        {(name,): count for name, count in queue.slots.items()},
    )


def _records(*runs: RunRow | None) -> int | None:
    """The records of the first of these runs that counted any."""
    return next((run.counts["records"] for run in runs if run and "records" in run.counts), None)


def _ends(runs: Mapping[str, RunRow]) -> dict[str, float]:
    return {sync: run.finished_at.timestamp() for sync, run in runs.items() if run.finished_at}


def _of_syncs(name: str, words: str, values: Mapping[str, float]) -> Metric:
    return _family(name, words, ["sync"], {(sync,): value for sync, value in values.items()})


def _family(name: str, words: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family
