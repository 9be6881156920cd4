"""Serves the sandbox on a port; port 0 takes a free one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]  # waitress has no types
from waitress.wasyncore import close_all  # type: ignore[import-untyped]  # waitress has no types

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_THREADS = 16  # a client's calls under way at once; above them waitress queues and warns


@contextmanager
def serve(app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Gives the URL; the server runs in a thread of its own until the block ends."""
    server = _listen(app, host, port)
    thread = Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    try:
        yield _url(server)
    finally:
        server.task_dispatcher.shutdown()
        _end(server, thread)


def _end(server: TcpWSGIServer, thread: Thread) -> None:
    """Waitress has no public stop: its loop ends once it watches nothing; only then may the sockets be closed."""
    watched = server._map  # noqa: SLF001 - as above
    left: dict[int, object] = {}

    def let_go() -> None:
        left.update(watched)
        watched.clear()

    server.trigger.pull_trigger(let_go)
    thread.join()
    close_all(left, ignore_all=True)


def serve_forever(
    app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0, *, announce: Callable[[str], None] = print
) -> None:
    """Until Ctrl-C; `announce` gets the URL once it listens."""
    server = _listen(app, host, port)
    announce(_url(server))
    try:
        server.run()
    finally:
        close_all(server._map)  # noqa: SLF001 - as above


def _listen(app: "WSGIApplication", host: str, port: int) -> TcpWSGIServer:
    server: TcpWSGIServer = create_server(app, host=host, port=port, threads=_THREADS, ipv6=":" in host)
    return server


def _url(server: TcpWSGIServer) -> str:
    """One that a client on this machine can use, even where the server listens on every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.effective_host, server.effective_host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{server.effective_port}" if ":" in host else f"http://{host}:{server.effective_port}"
