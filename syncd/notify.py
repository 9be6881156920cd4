"""Alarms: who is to know is told when something goes wrong, once for each condition, and once more when it is over.

A condition is kept in the state database until it has been told, so that a mail server that is down loses no alarm. No
message holds personal data: sync, run, counts, reasons and remedies, as in the log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

import httpx
import structlog

from syncd import __version__
from syncd.config.model import Config, NotifyOptions, SyncConfig
from syncd.errors import StateUnusable
from syncd.run import Status, Summary
from syncd.schedule import Schedule
from syncd.state.conditions import Condition, Conditions, Telling
from syncd.state.store import Store

log = structlog.get_logger()
TIMEOUT = 10.0  # seconds; a receiver that hangs holds up nobody for longer
SUCCEEDED = (Status.DONE, Status.PROBLEMS)
LOST = "state database"


class Kind(Enum):
    """What can be wrong with a sync."""

    FAILED = "failed"
    HELD = "held"
    FAILURES = "failures"  # records that can't be synced
    OVERDUE = "overdue"  # no successful run for too long


OVER = {
    Kind.FAILED: "runs are done again",
    Kind.HELD: "nothing is held any more",
    Kind.FAILURES: "every record is in order again",
    Kind.OVERDUE: "a run has succeeded again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`state` is raised, over or test."""

    sync: str
    kind: str
    state: str
    text: str
    since: datetime | None = None

    @property
    def title(self) -> str:
        return f"syncd: {self.sync} {self.kind}" + ("" if self.state == "raised" else f" ({self.state})")


class Channels:
    """Where messages go. What goes wrong with one is logged, without its address, and keeps no other from its turn."""

    def __init__(self, options: NotifyOptions, *, transport: httpx.BaseTransport | None = None) -> None:
        self._options = options
        self._transport = transport

    def send(self, message: Message) -> bool:
        """Whether somebody was reached; also where nobody is to be."""
        sent = [ok for _, ok in self.send_to_each(message)]
        return not sent or any(sent)

    def send_to_each(self, message: Message) -> Iterator[tuple[str, bool]]:
        if self._options.webhook is not None:
            yield "webhook", self._guarded("webhook", lambda: self._post(message))
        for place, url in enumerate(self._options.urls, start=1):
            yield f"urls {place}", self._guarded("urls", lambda url=url: _by_apprise(url.get_secret_value(), message))  # type: ignore[misc]  # bound at once

    def beat(self, sync: str) -> None:
        """Tell the dead man's switch that a run has succeeded."""
        if self._options.heartbeat_url is not None:
            url = self._options.heartbeat_url.get_secret_value().replace("{sync}", sync)
            self._guarded("heartbeat_url", lambda: self._call("GET", url, None))

    def _guarded(self, what: str, send: Callable[[], None]) -> bool:
        try:
            send()
        except Exception as error:  # noqa: BLE001 - an alarm that fails must not fail the run
            log.warning("notify.failed", source=what, error=type(error).__name__)
            return False
        return True

    def _post(self, message: Message) -> None:
        assert self._options.webhook is not None  # noqa: S101 - as the caller looked
        body = {
            "title": message.title,
            "sync": message.sync,
            "condition": message.kind,
            "state": message.state,
            "text": message.text,
            "since": message.since.isoformat() if message.since else None,
        }
        self._call("POST", self._options.webhook.get_secret_value(), body)

    def _call(self, method: str, url: str, body: Mapping[str, object] | None) -> None:
        headers = {"User-Agent": f"syncd/{__version__}"}
        with httpx.Client(transport=self._transport, timeout=TIMEOUT, headers=headers) as client:
            client.request(method, url, json=body).raise_for_status()


def _by_apprise(url: str, message: Message) -> None:
    import apprise  # noqa: PLC0415 - an extra, and slow to import

    receiver = apprise.Apprise()
    if not receiver.add(url) or not receiver.notify(title=message.title, body=message.text):
        raise ConnectionError


class Alarms:
    """Compares what runs say with the conditions that stand, and tells the difference."""

    def __init__(self, config: Config, options: NotifyOptions, *, store: Store, conditions: Conditions) -> None:
        self._config = config
        self._options = options
        self._store = store
        self._conditions = conditions
        self._channels = Channels(options)

    def after_run(self, summary: Summary, now: datetime) -> None:
        if summary.status is Status.STOPPED:
            return
        run = f" (run {summary.run})" if summary.run else ""
        if summary.status is Status.FAILED:
            remedy = f" {summary.remedy}." if summary.remedy else ""
            self._raise(summary.sync, Kind.FAILED, f"The run has failed{run}: {summary.error}.{remedy}", now)
        else:
            self._clear(summary.sync, Kind.FAILED)
        if summary.status is Status.HELD:
            reasons = "; ".join(held.reason for held in summary.held)
            release = f"See `syncd plan {summary.sync}`; release it with `syncd approve {summary.sync}`."
            self._raise(summary.sync, Kind.HELD, f"A guard holds changes{run}: {reasons}. {release}", now)
        if summary.status in SUCCEEDED:
            self._clear(summary.sync, Kind.HELD)
            self._clear(summary.sync, Kind.OVERDUE)
            self._channels.beat(summary.sync)
        self._judge_failures(summary.sync, now)
        self._tell()

    def check_overdue(self, now: datetime, since: datetime) -> None:
        """`since` is when somebody began to watch: before that nothing can have been overdue."""
        for sync in self._config.syncs.values():
            if sync.schedule and (last := self._overdue_since(sync, sync.schedule, now, since)):
                turns, when = self._options.overdue_after, f"{last.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                what = f"No run has succeeded in the last {turns} turns, since {when}."
                self._raise(sync.name, Kind.OVERDUE, f"{what} See `syncd history {sync.name}` and the log.", now)
        self._tell()

    def _overdue_since(self, sync: SyncConfig, schedule: Schedule, now: datetime, since: datetime) -> datetime | None:
        run = self._store.last_run_ended(sync.name, [status.value for status in SUCCEEDED])
        last = run.started_at if run else since
        turn = last
        for _ in range(self._options.overdue_after):
            turn = schedule.next_after(turn)
        turn = max(turn, schedule.next_after(since))  # whoever has just begun to watch gives it one turn
        patience = (schedule.next_after(turn) - turn) / 2  # for its run to end
        return last if now > turn + patience else None

    def _judge_failures(self, sync: str, now: datetime) -> None:
        """Told when there are any, and again each time that they have doubled."""
        count = self._store.count_failures(sync)
        if not count:
            self._clear(sync, Kind.FAILURES)
            return
        text = f"{count} records can't be synced. See `syncd failures {sync}`."
        self._raise(sync, Kind.FAILURES, text, now, level=count)

    # --- conditions ---

    def _find(self, sync: str, kind: Kind) -> Condition | None:
        return next((one for one in self._conditions.all() if (one.sync, one.kind) == (sync, kind.value)), None)

    def _raise(self, sync: str, kind: Kind, text: str, now: datetime, *, level: int = 1) -> None:
        found = self._find(sync, kind)
        if found is None:
            new = Condition(sync=sync, kind=kind.value, since=now, level=level, telling=Telling.DUE, words=text)
            self._conditions.put(new)
        elif level >= 2 * found.level:
            self._conditions.put(replace(found, level=level, telling=Telling.DUE, words=text))
        elif found.telling is Telling.OVER:  # nobody has heard yet that it was over
            self._conditions.put(replace(found, telling=Telling.TOLD))

    def _clear(self, sync: str, kind: Kind) -> None:
        found = self._find(sync, kind)
        if found is None:
            return
        if found.telling is Telling.DUE:
            self._conditions.drop(found)
        else:
            self._conditions.put(replace(found, telling=Telling.OVER))

    def _tell(self) -> None:
        for one in self._conditions.all():
            if one.telling is Telling.DUE and self._channels.send(_message(one, "raised", one.words)):
                self._conditions.put(replace(one, telling=Telling.TOLD))
            elif one.telling is Telling.OVER:
                words = OVER[Kind(one.kind)]
                if self._channels.send(_message(one, "over", f"{words[0].upper()}{words[1:]}.")):
                    self._conditions.drop(one)


def _message(condition: Condition, state: str, text: str) -> Message:
    return Message(sync=condition.sync, kind=condition.kind, state=state, text=text, since=condition.since)


class Watch:
    """Alarms for as long as a process lives, whatever becomes of the configuration and of the state database."""

    def __init__(
        self,
        config: Callable[[], Config],
        opening: Callable[[Config, NotifyOptions], AbstractContextManager[Alarms]],
        since: datetime,
    ) -> None:
        self._config = config
        self._opening = opening
        self._since = since
        self._is_lost = False

    def after_run(self, summary: Summary, now: datetime) -> None:
        if not summary.is_cut:  # it is begun again, and tells its end then
            self._act(lambda alarms: alarms.after_run(summary, now))

    def each_minute(self, now: datetime) -> None:
        self._act(lambda alarms: alarms.check_overdue(now, self._since))

    def _act(self, act: Callable[[Alarms], None]) -> None:
        config = self._config()
        if config.notify is None:
            return
        try:
            with self._opening(config, config.notify) as alarms:
                act(alarms)
        except StateUnusable as error:
            self._tell_lost(config.notify, "raised", str(error))
        else:
            self._tell_lost(config.notify, "over", "The state database can be used again.")

    def _tell_lost(self, options: NotifyOptions, state: str, text: str) -> None:
        """Without a database nothing can be remembered but here."""
        is_lost = state == "raised"
        if is_lost != self._is_lost and Channels(options).send(Message(sync=LOST, kind="lost", state=state, text=text)):
            self._is_lost = is_lost


def try_out(options: NotifyOptions) -> Sequence[tuple[str, bool]]:
    """A trial message to each receiver: which of them was reached."""
    text = "This is a trial. Alarms of syncd will come this way."
    return list(Channels(options).send_to_each(Message(sync="all syncs", kind="alarms", state="test", text=text)))
