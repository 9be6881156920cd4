"""Daemons for tests: real processes whose log is read as it is written."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from office import Office

PATIENCE = 30.0  # seconds until an event that does not come is a failure
Event = dict[str, Any]


class DaemonProcess:
    """One `syncd` without a command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
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
def started(office: Office, *arguments: str) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(office.start(*arguments))
    try:
        daemon.wait_for("daemon.scheduled")
        yield daemon
    finally:
        daemon.close()


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def threads_of(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
