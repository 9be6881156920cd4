"""The channels that an alarm goes out by: webhook, apprise, heartbeat. No message holds a value."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import httpx
import structlog

from syncd import __version__
from syncd.config.model import NotifyOptions

log = structlog.get_logger()
TIMEOUT = 10.0  # seconds; receivers that hang hold up nobody for longer, all of them together


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
    """Something that is sent in a thread of its own, so that a receiver that hangs blocks nobody."""

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
        """Whether it has arrived. A failure is logged, without the address."""
        self.thread.join(max(0.0, deadline - time.monotonic()))
        if self.is_done:
            return True
        status = self.error.response.status_code if isinstance(self.error, httpx.HTTPStatusError) else None
        log.warning("notify.failed", source=self.what, error=type(self.error or TimeoutError()).__name__, status=status)
        return False


class Channels:
    """The channels of the configuration. A message goes to all of them at once."""

    def __init__(
        self, options: NotifyOptions, *, transport: httpx.BaseTransport | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._options = options
        self._transport = transport
        self._timeout = timeout

    def send(self, message: Message) -> bool:
        """Whether at least one receiver was reached, or there is none."""
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
    import apprise

    receiver = apprise.Apprise()
    if not receiver.add(url) or not receiver.notify(title=message.title, body=message.text):
        raise ConnectionError


def try_out(options: NotifyOptions) -> Sequence[tuple[str, bool]]:
    """Send a trial message to each receiver; answers which of them were reached."""
    text = "This is a trial. Alarms of syncd will come this way."
    return Channels(options).send_to_each(Message(sync="all syncs", kind="alarms", state="test", text=text))
