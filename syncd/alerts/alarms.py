"""Alarms: who is to know is told when something goes wrong, once for each condition, and once more when it is over.

A condition is kept in the state database until it has been told, so that a mail server that is down loses no alarm. No
message holds personal data: sync, run, counts, reasons and remedies, as in the log.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial

import httpx
import structlog

from syncd import __version__
from syncd.config.model import Config, NotifyOptions, SyncConfig
from syncd.domain.schedule import Schedule
from syncd.errors import StateUnusable
from syncd.runs.run import Status, Summary
from syncd.state.conditions import Condition, Conditions, Telling
from syncd.state.store import Store

log = structlog.get_logger()
TIMEOUT = 10.0  # seconds; receivers that hang hold up nobody for longer, all of them together
CLAIM = timedelta(minutes=2)  # one who died while telling is waited for no longer
SUCCEEDED = (Status.DONE, Status.PROBLEMS)
ON_TIME = (*SUCCEEDED, Status.HELD)  # what is held has been told, and the rest went through
PARTIAL = ("erase", "verify")  # triggers of runs that read no source, or change nothing by it
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


@dataclass(slots=True)
class Errand:
    """Something sent in a thread of its own: what hangs there, whatever it is, holds up nobody."""

    what: str
    send: Callable[[], None]
    is_done: bool = False
    error: Exception | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name=f"notify {self.what}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.send()
            self.is_done = True
        except Exception as error:  # noqa: BLE001 - an alarm that fails must not fail the run
            self.error = error

    def wait(self, deadline: float) -> bool:
        """Whether it has arrived; what went wrong is logged, without the address."""
        self.thread.join(max(0.0, deadline - time.monotonic()))
        if self.is_done:
            return True
        status = self.error.response.status_code if isinstance(self.error, httpx.HTTPStatusError) else None
        log.warning("notify.failed", source=self.what, error=type(self.error or TimeoutError()).__name__, status=status)
        return False


class Channels:
    """Where messages go: to all at once, so that none waits for another."""

    def __init__(
        self, options: NotifyOptions, *, transport: httpx.BaseTransport | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._options = options
        self._transport = transport
        self._timeout = timeout

    def send(self, message: Message) -> bool:
        """Whether somebody was reached; also where nobody is to be."""
        sent = [ok for _, ok in self.send_to_each(message)]
        return not sent or any(sent)

    def send_to_each(self, message: Message) -> Sequence[tuple[str, bool]]:
        errands = []
        if self._options.webhook is not None:
            errands.append(Errand("webhook", lambda: self._post(message)))
        for place, url in enumerate(self._options.urls, start=1):
            errands.append(Errand(f"urls {place}", partial(_by_apprise, url.get_secret_value(), message)))
        deadline = time.monotonic() + self._timeout
        return [(errand.what, errand.wait(deadline)) for errand in errands]

    def beat(self, sync: str) -> None:
        """Tell the dead man's switch that a run has succeeded."""
        if self._options.heartbeat_url is not None:
            url = self._options.heartbeat_url.get_secret_value().replace("{sync}", sync)
            Errand("heartbeat_url", lambda: self._call("GET", url, None)).wait(time.monotonic() + self._timeout)

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
        with httpx.Client(transport=self._transport, timeout=self._timeout, headers=headers) as client:
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
            count = sum(self._store.count_held_changes(summary.sync).values())
            text = f"A guard holds changes{run}: {reasons}. {release}"
            self._raise(summary.sync, Kind.HELD, text, now, level=max(1, count))
        if summary.status in ON_TIME:
            self._clear(summary.sync, Kind.OVERDUE)
        if summary.status in SUCCEEDED:
            self._clear(summary.sync, Kind.HELD)
            self._channels.beat(summary.sync)
        self._judge_failures(summary.sync, now)
        self._tell(now)

    def check_overdue(self, now: datetime, since: datetime) -> None:
        """`since` is when somebody began to watch: before that nothing can have been overdue."""
        for sync in self._config.syncs.values():
            if sync.schedule and (last := self._overdue_since(sync, sync.schedule, now, since)):
                turns, when = self._options.overdue_after, f"{last.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                what = f"No run has succeeded in the last {turns} turns, since {when}."
                self._raise(sync.name, Kind.OVERDUE, f"{what} See `syncd history {sync.name}` and the log.", now)
        self._tell(now)

    def _overdue_since(self, sync: SyncConfig, schedule: Schedule, now: datetime, since: datetime) -> datetime | None:
        run = self._store.last_run_ended(sync.name, [status.value for status in ON_TIME], besides=PARTIAL)
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
        """Where nobody can be reached, the next occasion is for the rest too."""
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
        words = OVER[Kind(condition.kind)]
        state, text = "over", f"{words[0].upper()}{words[1:]}."
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
        except Exception as error:
            log.critical("crashed", exc_info=error)
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
    return Channels(options).send_to_each(Message(sync="all syncs", kind="alarms", state="test", text=text))
