"""The status page, health and metrics, served in a thread beside the daemon; of a worker health and metrics alone."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]  # waitress has no types
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]  # waitress has no types
from waitress.receiver import ChunkedReceiver  # type: ignore[import-untyped]  # waitress has no types
from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]  # waitress has no types
from waitress.utilities import BadRequest  # type: ignore[import-untyped]  # waitress has no types
from waitress.wasyncore import close_all  # type: ignore[import-untyped]  # waitress has no types

from syncd.assembly import now
from syncd.config.model import WebOptions
from syncd.errors import Misconfigured, Problem
from syncd.web.app import create_app, create_bare_app
from syncd.web.leaving import leave_metrics
from syncd.web.metrics import Metrics
from syncd.web.view import DaemonView

__all__ = ["DaemonView", "Metrics", "leave_metrics", "serving", "serving_metrics"]

log = structlog.get_logger()
THREADS = 8
LONGEST_HEADER = 16 * 1024  # bytes; nothing that is read here needs more
LONGEST_BODY = 1024
LONGEST_HOOK = 2**30  # of a webhook, which tells what has changed; nobody reads it
MOST_WAITING = 64  # connections that ask for nothing yet, or any more
OTHER_ADDRESS = "set an address of this machine, such as '127.0.0.1:8080'"
TROUBLE = {
    errno.EADDRINUSE: (
        "another program listens there already",
        "end it, if it is an older syncd, or set another port",
    ),
    errno.EACCES: ("this user may not listen there", "set a port above 1023"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", OTHER_ADDRESS),
}


@contextmanager
def serving(
    options: WebOptions, daemon: DaemonView, metrics: Metrics, clock: Callable[[], datetime] = now
) -> Iterator[str]:
    """Serve until the block ends; gives the address with the port that was really taken. Raises Misconfigured."""
    listening = _listen(options, "web.listen")
    app = create_app(options, daemon, metrics, clock, places=THREADS - 1)
    with _served(app, listening, LONGEST_HOOK if options.trigger_token else LONGEST_BODY) as address:
        yield address


@contextmanager
def serving_metrics(options: WebOptions, metrics: Metrics) -> Iterator[str]:
    """As `serving`, of a process that has no page."""
    with _served(create_bare_app(metrics.registry), _listen(options, "--listen"), LONGEST_BODY) as address:
        yield address


@contextmanager
def _served(app: Flask, listening: socket.socket, longest_body: int) -> Iterator[str]:
    server: TcpWSGIServer = create_server(
        app,
        sockets=[listening],
        threads=THREADS,
        ident=None,
        max_request_header_size=LONGEST_HEADER,
        max_request_body_size=longest_body,
        channel_timeout=30,
        connection_limit=2 * MOST_WAITING,
        asyncore_use_poll=True,
    )
    server.channel_class = _Channel
    thread = Thread(target=server.run, name="web", daemon=True)
    thread.start()
    try:
        address = _address(listening)
        parts = urlsplit(address)
        log.info("web.listening", host=parts.hostname, port=parts.port)
        yield address
    finally:
        server.task_dispatcher.shutdown()
        _end(server, thread)


class _Nowhere:
    """Where the body of a request goes: nothing here reads one, so none is kept."""

    def append(self, _data: bytes) -> None:
        """Drop it."""

    def __len__(self) -> int:
        return 0

    def getfile(self) -> BytesIO:
        return BytesIO()

    def close(self) -> None:
        """There is nothing to close."""


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is not None:
            self.body_rcv.buf = _Nowhere()

    def received(self, data: bytes) -> int:
        """What waitress keeps between the chunks of a body has no limit of its own."""
        consumed: int = super().received(data)
        body = self.body_rcv
        if isinstance(body, ChunkedReceiver) and len(body.control_line) + len(body.trailer) > LONGEST_HEADER:
            self.error, self.completed = BadRequest("a chunk without an end"), True
        return consumed


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """Where too many wait, the oldest makes room for a new one: whoever asks at once is answered at once.

    A time-out alone does not do, since a connection that drips is never idle.
    """

    parser_class = _Parser

    def __init__(self, server: TcpWSGIServer, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - as waitress calls
        super().__init__(server, *arguments, **more)
        waiting = [one for one in server.active_channels.values() if not one.requests]
        for oldest in waiting[:-MOST_WAITING]:
            oldest.will_close = True


def _end(server: TcpWSGIServer, thread: Thread) -> None:
    """Stop waitress, which has no public way: its loop ends once it watches no socket, and then they may be closed."""
    watched = server._map  # noqa: SLF001 - as above
    left: dict[int, object] = {}

    def let_go() -> None:
        left.update(watched)
        watched.clear()

    server.trigger.pull_trigger(let_go)
    thread.join()
    close_all(left, ignore_all=True)


def _listen(options: WebOptions, key: str) -> socket.socket:
    """`key` is where the address was set."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, dualstack_ipv6=options.host == "::")
    except OSError as error:
        words = "there is no such host" if isinstance(error, socket.gaierror) else "can't be listened on"
        words, remedy = TROUBLE.get(error.errno or 0, (words, OTHER_ADDRESS))
        problem = Problem(path=key, message=f"{options.listen}: {words}")
        raise Misconfigured([problem], remedy=remedy) from None


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
