"""Whole processes, measured: CPU, time and memory of each. This one stays small, for what it uses counts for those."""

import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

TURNS = 3
COMPILES_ANEW = "PYTHONDONTWRITEBYTECODE"  # with it each run would compile the program
TAIL = 4096  # bytes that hold the last two lines of an export


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float
    wall: float
    memory: float  # MiB

    def __str__(self) -> str:
        return f"{self.cpu:8.2f} s CPU {self.wall:8.2f} s {self.memory:6.0f} MiB"

    @classmethod
    def of(cls, costs: Sequence["Cost"]) -> "Cost":
        """The medians, and the most memory."""
        cpu, wall = (statistics.median(getattr(one, what) for one in costs) for what in ("cpu", "wall"))
        return cls(cpu, wall, max(one.memory for one in costs))


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    environment = {name: value for name, value in environment.items() if name != COMPILES_ANEW}
    begun = monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, monotonic() - begun, used.ru_maxrss / 1024)


@contextmanager
def listening(module: Sequence[str]) -> Iterator[str]:
    """A server of its own, as `python -m` starts it; the port is the argument behind those that are given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *module, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            sleep(5)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def serving() -> AbstractContextManager[str]:
    return listening(["syncd", "sandbox", "--port"])


@contextmanager
def timed_instances(milliseconds: int, count: int, *, is_unique: bool = True) -> Iterator[list[str]]:
    """So many instances of go~mus that answer each call after so many milliseconds."""
    command = [sys.executable, str(Path(__file__).with_name("timed_gomus.py")), str(milliseconds), str(count)]
    command += [] if is_unique else ["twice"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().split() if server.stdout else []
        finally:
            server.terminate()


@contextmanager
def timed_gomus(milliseconds: int) -> Iterator[str]:
    with timed_instances(milliseconds, 1) as (url,):
        yield url


def swap_last_lines(path: Path) -> None:
    """So that it is not the file of the last run, though nothing has changed."""
    with path.open("r+b") as file:
        file.seek(-min(TAIL, path.stat().st_size), os.SEEK_END)
        begin = file.tell()
        head, one, other, end = file.read().rsplit(b"\n", 3)
        file.seek(begin)
        file.write(b"\n".join([head, other, one, end]))
