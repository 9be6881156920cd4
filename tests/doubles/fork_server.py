"""`syncd` as a real process, without the second that its imports take: a server has imported everything, and forks.

A child has its own arguments, environment, folder and descriptors, and ends as an interpreter does. Variables that an
interpreter or a library reads when it starts are those of the server, so there is one server for each set of them.
"""

import atexit
import gc
import importlib
import json
import logging
import os
import pkgutil
import runpy
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TextIO

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
    import_what_is_late()
    keep_statements()
    keep_authorities()
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


def import_what_is_late() -> None:
    """What commands import where they need it."""
    import phonenumbers

    phonenumbers.parse("030 1234567", "DE")
    for name in ("_strptime", "phonenumbers.shortdata", "portalocker", "typer._click.decorators"):
        importlib.import_module(name)


def keep_authorities() -> None:
    """Those that certifi brings, for the first client of each child: to read them takes 0.03 s."""
    import certifi

    usual = {"cafile": certifi.where()}
    kept, create = [ssl.create_default_context(**usual)], ssl.create_default_context

    def create_or_take(*arguments: Any, **named: Any) -> ssl.SSLContext:
        is_usual = not arguments and named == usual
        return kept.pop() if kept and is_usual else create(*arguments, **named)

    ssl.create_default_context = create_or_take


def keep_statements() -> None:
    """What SQLAlchemy has compiled for a few runs, for every engine on a SQLite file."""
    import sqlalchemy
    import structlog
    from databases import compiled_once, upgrade_by_copy
    from museum import Museum

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        museum = Museum(state_url=f"sqlite:///{folder}/state.db", upgrading=upgrade_by_copy)
        museum.fill(4)
        museum.run()
        museum.row(2)["notes"] = "changed"
        museum.remove(3)
        for _ in range(2):
            museum.run()
        museum.close()
    structlog.reset_defaults()
    create = sqlalchemy.create_engine
    sqlalchemy.create_engine = lambda *arguments, **named: compiled_once(create(*arguments, **named))


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


def conclude(program: Callable[[], object]) -> NoReturn:
    """Ends as an interpreter does, but lets everything that was imported lie: to clear that away takes 0.1 s."""
    code = 0
    try:
        program()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as the interpreter has it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    conclude(lambda: runpy.run_module("syncd", run_name="__main__", alter_sys=True))
