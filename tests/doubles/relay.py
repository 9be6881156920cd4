"""What stands between a program and its server, and can be cut: as where the server is started anew."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress


class Relay:
    """Passes each connection on to a server, for as long as the way is open; `port` is its own, on this machine."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._both: set[socket.socket] = set()
        self._is_open = True
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """All connections end, and each new one at once, for the block."""
        self._is_open = False
        self._end_all()
        yield
        self._is_open = True

    def close(self) -> None:
        self._is_open = False
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._end_all()

    def _end_all(self) -> None:
        for one in list(self._both):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=[self._listening.accept()[0]], daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with closing(caller), suppress(OSError):
            if not self._is_open:
                return
            with socket.create_connection(self._server) as server:
                self._both |= {caller, server}
                back = threading.Thread(target=_pass_on, args=[server, caller], daemon=True)
                back.start()
                _pass_on(caller, server)
                back.join()
                self._both -= {caller, server}


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65536):
            target.sendall(said)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
