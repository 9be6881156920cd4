"""How hosts are reached over HTTP: within bounds that hold by the clock, and in words where they are not reached.

httpx bounds each wait alone, so an answer that comes byte by byte, a name with many addresses, or a resolver that does
not answer could take for ever. Here one deadline holds for all that a try does.
"""

import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore
import httpx

from syncd.errors import Misconfigured, Problem

LONGEST_TRY = 1.9  # times the time-out: what ends it has to come before twice as long is over
LONGEST_CONNECT = 10.0  # seconds, name and TLS included
LOOK_UP = 1.0  # seconds between two looks at whether it is time to stop
PIECE = 16 * 1024
ALMOST = 0.95  # of what the tries may take: who comes a little early has waited long enough
PROXIES = ("http_proxy", "https_proxy", "all_proxy")

NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

FOR_EVER = float("inf")


@dataclass(slots=True)
class _Bound:
    """What holds for one try: until when it may last, and what is asked every second meanwhile."""

    until: float = FOR_EVER
    heed: Callable[[], None] = lambda: None
    looks_at: float = FOR_EVER

    def look(self) -> None:
        if time.monotonic() >= self.looks_at:
            self.looks_at = time.monotonic() + LOOK_UP
            self.heed()


_bound: ContextVar[_Bound | None] = ContextVar("bound", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How long one try may take to connect, in seconds, and how many tries without an answer are enough.

    `silence`: for so many seconds at least a server may be at work on one call, and not hear the others.
    """

    connect: float = LONGEST_CONNECT
    tries: int = 3
    silence: float = 30.0


LASTING = Reach()
_reach: ContextVar[Reach] = ContextVar("reach", default=LASTING)


@contextmanager
def in_haste() -> Iterator[None]:
    """In the block hosts are given up sooner: a person waits for the answer."""
    before = _reach.set(Reach(connect=5.0, tries=1, silence=0.0))
    try:
        yield
    finally:
        _reach.reset(before)


def reach() -> Reach:
    return _reach.get()


class Patience:
    """With one host: whether it is worth another try, or out of reach. One `timeout` is for a try, in seconds.

    It is out of reach after some tries in a row without a connection, and after as long without any answer as so many
    tries take, or longer. Thread-safe.
    """

    def __init__(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._tries = reach().tries
        self._silence = ALMOST * max(self._tries * timeout, reach().silence)
        self._clock = clock
        self._missed = 0
        self._heard = float("-inf")
        self._silent_since: float | None = None
        self.is_over = False

    def note_answer(self) -> None:
        self._missed, self._heard, self._silent_since = 0, self._clock(), None

    def note_failure(self, error: httpx.HTTPError, began: float) -> None:
        """`began`, when the try did, is by the clock of this."""
        self._missed = self._missed + 1 if isinstance(error, NEVER_ARRIVED) else 0
        since = self._silent_since = max(began, self._heard) if self._silent_since is None else self._silent_since
        self.is_over = self._missed >= self._tries or self._clock() - since >= self._silence


class NoConnection(httpcore.ConnectError):
    """To `host`, which is the proxy where there is one."""

    def __init__(self, host: str, cause: Exception) -> None:
        super().__init__(host)
        self.host = host
        self.cause = cause

    @property
    def words(self) -> str:
        return _cause(self.cause)


def open_http(*, timeout: float, **arguments: Any) -> httpx.Client:  # noqa: ANN401 - as httpx.Client takes them
    """A client whose calls are bounded `within` a time. Raises Misconfigured where the environment won't do."""
    times = httpx.Timeout(timeout, connect=min(timeout, reach().connect))
    try:
        _require_certificates()
        http = httpx.Client(timeout=times, **arguments)
    except (httpx.InvalidURL, ImportError, ValueError, OSError) as error:
        raise Misconfigured([_what_is_wrong(error)], remedy="set it right where syncd is started") from None
    # httpx has no public way to another network backend.
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()  # noqa: SLF001
    return http


def open_socket(host: str, port: int) -> socket.socket:
    """Connected, within the `reach`, for what is not HTTP. Raises NoConnection."""
    connected: socket.socket = _Backend().connect_tcp(host, port, reach().connect).get_extra_info("socket")
    return connected


@contextmanager
def within(seconds: float, heed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Whatever is sent and received in the block has this time together, else httpx.TimeoutException.

    `heed` is asked every second while an answer is waited for, and may raise.
    """
    now = time.monotonic()
    before = _bound.set(_Bound(now + seconds, heed, now + LOOK_UP))
    try:
        yield
    finally:
        _bound.reset(before)


def _in_force() -> _Bound:
    return _bound.get() or _Bound()


def _left(late: httpcore.TimeoutException, timeout: float | None, until: float = FOR_EVER) -> float:
    left = min(until, _in_force().until) - time.monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(left, timeout)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first address of the host that answers, all in the one time."""
        until = time.monotonic() + min(LONGEST_CONNECT if timeout is None else timeout, LONGEST_CONNECT)
        failure: Exception | None = None
        try:
            addresses = _addresses(host, port, _left(httpcore.ConnectTimeout(), None, until))
            for number, address in enumerate(addresses):
                left = _left(httpcore.ConnectTimeout(), None, until) / (len(addresses) - number)
                try:
                    stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
                    return _Stream(stream, host=host, connected_by=until)
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error.__cause__ if isinstance(error.__cause__, OSError) else error
        except (OSError, UnicodeError, OverflowError, httpcore.ConnectTimeout) as error:
            failure = failure or error
        raise NoConnection(host, failure or OSError()) from failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, *, host: str, connected_by: float) -> None:
        self._inner = inner
        self._host = host
        self._connected_by = connected_by

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        until = FOR_EVER if timeout is None else time.monotonic() + timeout
        while True:
            _in_force().look()
            left = _left(httpcore.ReadTimeout(), None, until)
            try:
                return self._inner.read(max_bytes, min(left, LOOK_UP))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._inner.write(buffer[start : start + PIECE], _left(httpcore.WriteTimeout(), timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        host = server_hostname or self._host
        try:
            left = _left(httpcore.ConnectTimeout(), timeout, self._connected_by)
            inner = self._inner.start_tls(ssl_context, server_hostname, left)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            self.close()
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            raise NoConnection(host, cause) from error
        return _Stream(inner, host=host, connected_by=self._connected_by)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """In a thread, since a resolver takes its own time and can't be interrupted.

    Raises OSError, UnicodeError, OverflowError.
    """
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(info[4][0]) for info in infos)))
        except (OSError, UnicodeError, OverflowError) as error:
            found.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


# --- words ---


CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "it refuses the connection"),
    (ssl.SSLError, "TLS fails; does it speak https on this port?"),
    (TimeoutError, "no answer in time"),
    (httpcore.TimeoutException, "no answer in time"),
    (UnicodeError, "that is no name of a host"),
    (OverflowError, "that is no port"),
    (OSError, "there is no way to it"),
)


CERTIFICATE = "its certificate can't be verified"
OF_CERTIFICATES = {  # by OpenSSL's X509_V_ERR_*
    9: "it is not valid yet, by the clock of this machine",
    10: "it has expired",
    **dict.fromkeys((18, 19, 20, 21), "it is signed by nobody who is trusted here; SSL_CERT_FILE names who is"),
    **dict.fromkeys((62, 64), "it is another host's"),
}


def words_of(error: httpx.HTTPError, host: str, whom: str) -> str | None:
    """Why there is no connection to `whom` at `host`; None where there was one. Nothing is taken from its text."""
    missed = _missed(error)
    if missed is None:
        return None
    if missed.host == host:
        return f"no connection to {whom} at {host}: {missed.words}"
    name = next((name for name in _variables(PROXIES) if missed.host in os.environ[name]), "its variable")
    return f"no connection to the proxy {missed.host} ({name}) on the way to {whom}: {missed.words}"


def _missed(error: BaseException) -> NoConnection | None:
    found: BaseException | None = error
    while found is not None and not isinstance(found, NoConnection):
        found = found.__cause__
    return found


def _cause(cause: Exception) -> str:
    if isinstance(cause, socket.gaierror):
        is_unknown = cause.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
        return "there is no host of this name" if is_unknown else "its name can't be looked up, DNS does not answer"
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = OF_CERTIFICATES.get(cause.verify_code)
        return f"{CERTIFICATE}: {why}" if why else CERTIFICATE
    return next((words for kind, words in CAUSES if isinstance(cause, kind)), "it failed")


def _variables(names: Iterable[str]) -> list[str]:
    """Those that are set, small or capital."""
    return [name for one in names for name in (one, one.upper()) if os.environ.get(name)]


def _require_certificates() -> None:
    """A folder that is missing holds no certificate, and OpenSSL does not mind. Raises OSError."""
    if not os.environ.get("SSL_CERT_FILE") and (folder := os.environ.get("SSL_CERT_DIR")):
        next(Path(folder).iterdir(), None)


def _what_is_wrong(error: Exception) -> Problem:
    """Names the variable, never its value: that of a proxy may hold a password."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if isinstance(error, OSError) and os.environ.get(name):
            is_there = Path(os.environ[name]).exists()
            words = "holds no certificate that can be read" if is_there else "names what is not there"
            return Problem(path=name, message=words)
    for name in _variables(PROXIES):
        if not _is_proxy(os.environ[name]):
            return Problem(path=name, message="is no address of a proxy such as 'http://proxy.example:3128'")
    name = next(iter(_variables(["no_proxy"])), "NO_PROXY")
    return Problem(path=name, message="can't be read: it takes hosts and single addresses, with a comma between them")


def _is_proxy(address: str) -> bool:
    try:
        httpx.HTTPTransport(proxy=address if "://" in address else f"http://{address}").close()
    except (httpx.InvalidURL, ImportError, ValueError):
        return False
    return True
