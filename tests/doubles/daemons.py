"""Daemons for tests: real processes whose log is read as it is written."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fork_server import Forked
from office import Office

PATIENCE = 30.0  # seconds until an event that does not come is a failure
Event = dict[str, Any]


class DaemonProcess:
    """One `syncd` without a command, or `syncd worker`."""

    def __init__(self, process: Forked) -> None:
        self.process = process
        self.events: list[Event] = []
        self._news = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def wait_for(self, name: str, count: int = 1, **fields: object) -> Event:
        """The `count`-th event of this name with these fields, come or to come."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_over or len(self.named(name, **fields)) >= count, PATIENCE)
            assert len(self.named(name, **fields)) >= count, f"the daemon ended without {name}"
            return self.named(name, **fields)[count - 1]

    def named(self, name: str, **fields: object) -> list[Event]:
        return [event for event in self.events if event["event"] == name and fields.items() <= event.items()]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.send(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join()
        return code

    def close(self) -> None:
        self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


@contextmanager
def started(office: Office, first: str = "daemon.scheduled", *command: str) -> Iterator[DaemonProcess]:
    """From its first event of this name on; a daemon, or what the command names."""
    daemon = DaemonProcess(office.start(*command))
    try:
        daemon.wait_for(first)
        yield daemon
    finally:
        daemon.close()


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Wire:
    """A line to a server that can be cut, and mended: while it is cut, connecting is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._listen()

    def _listen(self) -> None:
        self._start(self._accept, self._listening)

    def _start(self, act: Callable[..., None], *parts: socket.socket) -> None:
        self._threads.append(threading.Thread(target=act, args=parts))
        self._threads[-1].start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                self._start(self._pass_on, near, far)
                self._start(self._pass_on, far, near)

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while part := here.recv(65536):
                there.sendall(part)
        for end in (here, there):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *self._ends):
            end.close()
        self._ends.clear()
        self._threads.clear()

    def mend(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._listen()
