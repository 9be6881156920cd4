"""Alarms: each condition is reported once when it begins and once when it is over.

A condition is kept in the state database until it has been reported, so that no alarm is lost while a mail server is
down. No message holds a value: sync, run, counts, reasons and remedies, as in the log.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import structlog

from syncd.alerts.channels import Channels, Message
from syncd.config.model import Config, NotifyOptions, SyncConfig
from syncd.config.prefixes import REMEDY, find_shared_prefix
from syncd.domain.guards import how_to_release
from syncd.domain.runs import COMPLETE, SUCCEEDED, WHOLE, Status, Summary
from syncd.domain.schedule import Schedule
from syncd.report.pausing import RESTS, how_to_resume, span_of
from syncd.report.words import capitalized
from syncd.state.conditions import Condition, Conditions, Telling
from syncd.state.pauses import Pause
from syncd.state.store import Store

log = structlog.get_logger()
TIMEOUT = 10.0  # seconds; receivers that hang hold up nobody for longer, all of them together
CLAIM = timedelta(minutes=2)  # one who died while telling is waited for no longer
LOST = "state database"
LONGEST_PAUSE = timedelta(days=7)


class Kind(Enum):
    """What can be wrong with a sync."""

    FAILED = "failed"
    HELD = "held"
    FAILURES = "failures"  # records that can't be synced
    OVERDUE = "overdue"  # no successful run for too long
    PREFIX = "prefix"  # the ids of another sync of the instance may be the same
    PAUSED = "paused"  # a person lets it rest, for long


OVER = {
    Kind.FAILED: "runs are done again",
    Kind.HELD: "nothing is held any more",
    Kind.FAILURES: "every record is in order again",
    Kind.OVERDUE: "a run has succeeded again",
    Kind.PREFIX: "its ids are its own again",
    Kind.PAUSED: "it is paused no longer",
}


class Alarms:
    """Compares the outcome of runs with the conditions that are known, and reports what is new and what is over."""

    def __init__(self, config: Config, options: NotifyOptions, *, store: Store, conditions: Conditions) -> None:
        self._config = config
        self._options = options
        self._store = store
        self._conditions = conditions
        self._channels = Channels(options)

    def after_run(self, summary: Summary, now: datetime) -> None:
        if summary.status is Status.STOPPED:
            return
        run = f" (run {summary.run_id})" if summary.run_id else ""
        if summary.status is Status.FAILED:
            remedy = f" {summary.remedy}." if summary.remedy else ""
            self._raise(summary.sync, Kind.FAILED, f"The run has failed{run}: {summary.error}.{remedy}", now)
        else:
            self._clear(summary.sync, Kind.FAILED)
        if summary.status is Status.HELD:
            reasons = "; ".join(held.reason for held in summary.held)
            remedy = capitalized(how_to_release(summary.sync))
            count = sum(self._store.held.count_changes(summary.sync).values())
            text = f"A guard holds changes{run}: {reasons}. {remedy}."
            self._raise(summary.sync, Kind.HELD, text, now, level=max(1, count))
        if summary.status in COMPLETE:
            self._clear(summary.sync, Kind.OVERDUE)
        if summary.status in SUCCEEDED:
            self._clear(summary.sync, Kind.HELD)
            self._channels.beat(summary.sync)
        self._judge_failures(summary.sync, now)
        self._judge_prefix(summary.sync, now)
        self._tell(now)

    def check_overdue(self, now: datetime, since: datetime) -> None:
        """Judge who has not run for too long, or rests for too long.

        `since` is when the watch began: nothing was overdue before that.
        """
        pauses, over = self._store.pauses.in_force(now), self._store.pauses.over(now)
        for sync in self._config.syncs.values():
            self._judge_pause(sync, pauses.get(sync.name), now)
            if sync.name in pauses:
                continue
            ended = over.get(sync.name)
            began = max(since, ended.until) if ended and ended.until else since
            if sync.schedule and (last := self._overdue_since(sync, sync.schedule, now, began)):
                turns, when = self._options.overdue_after, f"{last.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                what = f"No run has succeeded in the last {turns} turns, since {when}."
                self._raise(sync.name, Kind.OVERDUE, f"{what} See `syncd history {sync.name}` and the log.", now)
        self._tell(now)

    def _judge_pause(self, sync: SyncConfig, pause: Pause | None, now: datetime) -> None:
        if pause is None:
            self._clear(sync.name, Kind.PAUSED)
        elif now - pause.since > LONGEST_PAUSE:
            text = f"Paused {span_of(pause, sync.timezone)}: {RESTS}. {capitalized(how_to_resume(sync.name))}."
            self._raise(sync.name, Kind.PAUSED, text, now)

    def _overdue_since(self, sync: SyncConfig, schedule: Schedule, now: datetime, since: datetime) -> datetime | None:
        run = self._store.runs.last_ended(sync.name, COMPLETE, WHOLE)
        last = run.started_at if run else since
        turn = last
        for _ in range(self._options.overdue_after):
            turn = schedule.next_after(turn)
        turn = max(turn, schedule.next_after(since))  # whoever has just begun to watch gives it one turn
        patience = (schedule.next_after(turn) - turn) / 2  # for its run to end
        return last if now > turn + patience else None

    def _judge_failures(self, sync: str, now: datetime) -> None:
        """Report failures when there are any, and again each time that their number has doubled."""
        count = self._store.failures.count(sync)
        if not count:
            self._clear(sync, Kind.FAILURES)
            return
        text = f"{count} records can't be synced. See `syncd failures {sync}`."
        self._raise(sync, Kind.FAILURES, text, now, level=count)

    def _judge_prefix(self, sync: str, now: datetime) -> None:
        """A sync without a state has not run at all, which is an alarm of its own."""
        configured = self._config.syncs.get(sync)
        problem = find_shared_prefix(self._config, configured) if configured else None
        if problem is None:
            self._clear(sync, Kind.PREFIX)
        elif self._store.has_state(sync):
            self._raise(sync, Kind.PREFIX, f"{capitalized(str(problem))}. {capitalized(REMEDY)}.", now)

    # --- conditions ---

    def _raise(self, sync: str, kind: Kind, text: str, now: datetime, *, level: int = 1) -> None:
        found = self._conditions.find(sync, kind.value)
        if found is None:
            new = Condition(sync=sync, kind=kind.value, since=now, level=level, telling=Telling.DUE, words=text)
            self._conditions.add(new)
        elif level >= 2 * found.level:
            self._conditions.change(found, replace(found, level=level, telling=Telling.DUE, words=text))
        elif found.telling is Telling.OVER:  # nobody has heard yet that it was over
            self._conditions.change(found, replace(found, telling=Telling.TOLD))

    def _clear(self, sync: str, kind: Kind) -> None:
        found = self._conditions.find(sync, kind.value)
        if found is None:
            return
        if found.telling is Telling.DUE and found.claimed_until is None:
            self._conditions.drop(found)
        elif found.telling is not Telling.OVER:
            self._conditions.change(found, replace(found, telling=Telling.OVER, claimed_until=None))

    def _tell(self, now: datetime) -> None:
        """Report what is due. Where nobody can be reached, the rest waits for the next occasion too."""
        for one in self._conditions.all():
            if one.telling is Telling.TOLD or not self._conditions.claim(one, now, now + CLAIM):
                continue
            if not self._channels.send(_message(one)):
                self._conditions.change(one, one)
                return
            if one.telling is Telling.DUE:
                self._conditions.change(one, replace(one, telling=Telling.TOLD))
            else:
                self._conditions.drop(one)


def _message(condition: Condition) -> Message:
    if condition.telling is Telling.DUE:
        state, text = "raised", condition.words
    else:
        state, text = "over", f"{capitalized(OVER[Kind(condition.kind)])}."
    return Message(sync=condition.sync, kind=condition.kind, state=state, text=text, since=condition.since)
