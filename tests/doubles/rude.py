"""Servers that are rude below HTTP: they take no connection, or answer a byte at a time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAUSE = 0.2


@contextmanager
def black_hole() -> Iterator[str]:
    """A port whose packets vanish: its queue is full, and nobody accepts."""
    with ExitStack() as open_, socket.socket() as listening:
        listening.bind(("", 0))
        listening.listen(0)
        for _ in range(4):
            filler = open_.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", listening.getsockname()[1]))
        time.sleep(0.1)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    """A port that takes every connection, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def saying(at_once: bytes, dripping: bytes) -> Iterator[str]:
    """To whoever asks: the first at once, then the other again and again, a byte at a time."""
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(at_once)
            while dripping and not over.is_set():
                for byte in dripping:
                    connection.sendall(bytes([byte]))
                    if over.wait(PAUSE):
                        return

    def listen(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
