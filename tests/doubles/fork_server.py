"""`syncd` as a real process, without the second that its imports take: a server has imported everything, and forks.

A child has its own arguments, environment, folder and descriptors, and ends as an interpreter does. Variables that an
interpreter or a library reads when it starts are those of the server, so there is one server for each set of them.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NoReturn, TextIO

NUMBER = struct.Struct("i")
LONGEST_ORDER = 1 << 17
READ_AT_START = ("PYTHON", "SQLITE_", "TMPDIR", "TZ", "LANG", "LC_")


class Forked:
    """What tests need of `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], *, folder: Path, environment: Mapping[str, str]) -> None:
        order = json.dumps({"arguments": arguments, "folder": str(folder), "environment": dict(environment)})
        pipes = [os.pipe() for _ in range(3)]
        ours, theirs = zip(*pipes, strict=True)
        interpreter = frozenset((name, value) for name, value in environment.items() if name.startswith(READ_AT_START))
        socket.send_fds(_server(interpreter), [order.encode()], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        self.stdout: TextIO | None = os.fdopen(ours[0], encoding="utf-8")
        self.stderr: TextIO | None = os.fdopen(ours[1], encoding="utf-8")
        self._told = ours[2]
        self.pid = self._hear()
        self.returncode: int | None = None

    def _hear(self) -> int:
        told = os.read(self._told, NUMBER.size)
        assert told, "the server has ended"
        return int(NUMBER.unpack(told)[0])

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = self._hear()
            os.close(self._told)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("syncd", timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it says until its end; killed if that does not come in time."""
        with ThreadPoolExecutor(2) as readers:
            said = [readers.submit(_read_all, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        out, err = (one.result() for one in said)
        return out, err


class Started(subprocess.Popen[str]):
    """The same where nothing can be forked, as on Windows: each has to import everything."""

    def __init__(self, arguments: tuple[str, ...], *, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(
            [sys.executable, "-m", "syncd", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


def _read_all(stream: TextIO | None) -> str:
    if stream is None:
        return ""
    with stream:
        return stream.read()


@cache
def _server(interpreter: frozenset[tuple[str, str]]) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(READ_AT_START)}
    server = subprocess.Popen(
        [sys.executable, __file__, str(theirs.fileno())],
        env=environment | dict(interpreter),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # as for a child, for `sys.stdout` asks only once what it writes to
        stderr=subprocess.STDOUT,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(_stop, ours, server)
    return ours


def _stop(orders: socket.socket, server: "subprocess.Popen[bytes]") -> None:
    orders.close()
    server.communicate()


if not hasattr(os, "fork"):
    Forked = Started  # type: ignore[assignment,misc]


# --- the server ---


def serve(orders: socket.socket) -> None:
    """Returns in each child, which is the command from then on."""
    import syncd
    from syncd.config.schema import outline

    for module in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for types in (None, frozenset({"csv"})):  # what every start makes anew
        outline(types)
    gc.freeze()  # else the end of each child looks through all that was imported, which takes longer than its work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the attendants
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 3)
        if not order:
            orders.close()
            sys.exit()
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child = os.fork()
            if child == 0:
                become(json.loads(order), descriptors)
                return
            attend(child, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def attend(child: int, descriptors: list[int]) -> NoReturn:
    """Tells the test the child's number, and how it ended."""
    out, err, told = descriptors
    os.close(out)
    os.close(err)
    os.write(told, NUMBER.pack(child))
    _, status = os.waitpid(child, 0)
    os.write(told, NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def become(order: dict[str, object], descriptors: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, target in zip(descriptors, (1, 2), strict=False):
        os.dup2(descriptor, target)
    for descriptor in descriptors:
        os.close(descriptor)
    folder, environment, arguments = order["folder"], order["environment"], order["arguments"]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    sys.path[0] = folder


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("syncd", run_name="__main__", alter_sys=True)
