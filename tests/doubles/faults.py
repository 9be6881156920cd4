"""A network that breaks on purpose, round one that works: `FaultTransport(inner, [None, Fault.READ_TIMEOUT])`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from threading import Lock, local
from typing import NoReturn, Protocol, TypeAlias

import httpx


class Effect(Enum):
    NONE = auto()  # the request never acted
    DONE = auto()  # it acted; only the answer was lost or spoilt
    LATER = auto()  # it will act, after the client has given up on it


class Fault(Enum):
    """Named by what the client sees; `effect` is what happened in the world."""

    # Nothing happened
    NO_CONNECTION = ("connect error", Effect.NONE)
    CONNECT_TIMEOUT = ("connect time-out", Effect.NONE)
    THROTTLED = (429, Effect.NONE)
    UNAVAILABLE = (503, Effect.NONE)
    SERVER_ERROR = (500, Effect.NONE)
    KILLED_BEFORE = ("kill", Effect.NONE)
    # It was done
    READ_TIMEOUT = ("read time-out", Effect.DONE)
    READ_ERROR = ("connection reset", Effect.DONE)
    DISCONNECTED = ("server disconnected", Effect.DONE)
    SERVER_ERROR_AFTER = (500, Effect.DONE)
    BAD_GATEWAY = (502, Effect.DONE)
    GATEWAY_TIMEOUT = (504, Effect.DONE)
    TRUNCATED = ("half an answer", Effect.DONE)
    KILLED_AFTER = ("kill", Effect.DONE)
    # It is done after the client timed out, and looked perhaps
    LATE = ("read time-out", Effect.LATER)

    def __init__(self, seen: str | int, effect: Effect) -> None:
        self.seen = seen
        self.effect = effect


KILLS = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER})
# After these a client can't know whether its request acted
UNCLEAR = frozenset(fault for fault in Fault if fault.effect is not Effect.NONE) - KILLS | {Fault.SERVER_ERROR}


class Killed(BaseException):
    """The process died here. No `except Exception` may see it."""


Choose: TypeAlias = Callable[[httpx.Request, int], Fault | None] | Sequence[Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    method: str
    path: str
    fault: Fault | None


class Time(Protocol):
    """A clock that goes on by itself only when somebody sleeps."""

    def __call__(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Kept:
    """A request that acts after so many others, or from a certain time on."""

    request: httpx.Request
    requests_left: int = 0
    due_at: datetime | None = None


class _TakesLonger(BaseException):
    """The server needs so much longer than the client waits."""

    def __init__(self, more: timedelta) -> None:
        self.more = more


class FaultTransport(httpx.BaseTransport):
    """`choose` names the fault of the n-th request (from 0), or None; a sequence that has run out means none.

    A kill kills the process, all its threads: every later request raises Killed too, until `revive`. A LATE request
    acts just before the `late_by`-th one after it, so that with 2 the first look does not see it yet; where `late_for`
    is set, before the first one that comes so much later than it; or on `flush`.

    A server whose sleep is `take_time` takes its time by `time`: where that is more than the client waits, the client
    sees a time-out when its own time is over, and the request acts when the server's is.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        choose: Choose = (),
        *,
        retry_after: str | None = "1",
        late_by: int = 1,
        late_for: timedelta | None = None,
        time: Time | None = None,
    ) -> None:
        self.choose = choose
        self.late_for = late_for
        self.happened: list[Happened] = []
        self._inner = inner
        self._retry_after = retry_after
        self._late_by = late_by
        self._time = time
        self._calling = local()
        self._late: list[_Kept] = []
        self._is_dead = False
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        fault, due = self._next(request)
        for late in due:
            self._act(late)
        try:
            return self._patiently(request) if fault is None else self._break(request, fault)
        except _TakesLonger as longer:
            assert self._time is not None
            with self._lock:
                self._late.append(_Kept(request=request, due_at=self._time() + longer.more))
            raise httpx.ReadTimeout("the server takes longer (on purpose)", request=request) from None

    def take_time(self, seconds: float) -> None:
        """The server's sleep, in the thread of the call that it is at work on."""
        assert self._time is not None
        patience = getattr(self._calling, "patience", None)
        if patience is None:  # nobody waits for a request that is late
            return
        self._time.sleep(min(seconds, patience))
        if seconds > patience:
            raise _TakesLonger(timedelta(seconds=seconds - patience))

    @property
    def is_dead(self) -> bool:
        return self._is_dead

    def die(self) -> NoReturn:
        """The process is killed in this call. Raises Killed."""
        self._is_dead = True
        raise Killed

    def revive(self) -> None:
        """A new process; what was LATE is still on its way."""
        self._is_dead = False

    def flush(self) -> None:
        """Let every LATE request act now."""
        with self._lock:
            late, self._late = self._late, []
        for kept in late:
            self._act(kept.request)

    def close(self) -> None:
        self._inner.close()

    def _next(self, request: httpx.Request) -> tuple[Fault | None, list[httpx.Request]]:
        with self._lock:
            if self._is_dead:
                raise Killed
            fault = self._chosen(request, len(self.happened))
            self.happened.append(Happened(method=request.method, path=request.url.path, fault=fault))
            due = self._due()
            if fault is Fault.LATE:
                self._late.append(self._kept(request))
            self._is_dead = fault in KILLS
            return fault, due

    def _chosen(self, request: httpx.Request, number: int) -> Fault | None:
        if callable(self.choose):
            return self.choose(request, number)
        return self.choose[number] if number < len(self.choose) else None

    def _kept(self, request: httpx.Request) -> _Kept:
        if self.late_for is None:
            return _Kept(request=request, requests_left=self._late_by)
        assert self._time is not None
        return _Kept(request=request, due_at=self._time() + self.late_for)

    def _due(self) -> list[httpx.Request]:
        for kept in self._late:
            kept.requests_left -= 1
        due = [kept for kept in self._late if self._is_due(kept)]
        self._late = [kept for kept in self._late if kept not in due]
        return [kept.request for kept in due]

    def _is_due(self, kept: _Kept) -> bool:
        if kept.due_at is None:
            return kept.requests_left <= 0
        return self._time is not None and self._time() >= kept.due_at

    def _patiently(self, request: httpx.Request) -> httpx.Response:
        """As long as the client waits for an answer."""
        self._calling.patience = request.extensions.get("timeout", {}).get("read")
        try:
            return self._inner.handle_request(request)
        finally:
            self._calling.patience = None

    def _act(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        response.close()
        return response

    def _break(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        answer = self._act(request) if fault.effect is Effect.DONE else None
        match fault.seen:
            case int(status):
                return self._status_answer(fault, status)
            case "kill":
                raise Killed
            case "half an answer":
                assert answer is not None
                return _halved(answer)
            case _:
                raise _ERRORS[fault](f"{fault.seen} (on purpose)", request=request)

    def _status_answer(self, fault: Fault, status: int) -> httpx.Response:
        """As proxies answer: HTML, not the API's JSON."""
        says_when = fault in (Fault.THROTTLED, Fault.UNAVAILABLE) and self._retry_after is not None
        headers = {"Retry-After": str(self._retry_after)} if says_when else {}
        return httpx.Response(status, headers=headers, html=f"<h1>{status}</h1>")


_ERRORS: dict[Fault, type[httpx.TransportError]] = {
    Fault.NO_CONNECTION: httpx.ConnectError,
    Fault.CONNECT_TIMEOUT: httpx.ConnectTimeout,
    Fault.READ_TIMEOUT: httpx.ReadTimeout,
    Fault.READ_ERROR: httpx.ReadError,
    Fault.DISCONNECTED: httpx.RemoteProtocolError,
    Fault.LATE: httpx.ReadTimeout,
}


def _halved(answer: httpx.Response) -> httpx.Response:
    """An answer without a body has no half: it passes whole."""
    headers = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
    return httpx.Response(answer.status_code, headers=headers, content=answer.content[: len(answer.content) // 2])
