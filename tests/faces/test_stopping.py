"""SIGTERM and Ctrl-C, sent to real commands while they wait: for the source, for go~mus, for a file to rest."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crm import PAGINATIONS, Crm, open_crm
from daemons import started, until
from flask import Response
from office import COLUMNS, CONFIG, Ended, Office

from syncd.assembly import looking_at_state
from syncd.config import load
from syncd.sandbox import Sandbox, create_app, serve

TAP = Path(__file__).parents[1] / "doubles/tap.py"
COMMANDS = {
    "once": ["--once"],
    "verify": ["verify", "members"],
    "erase": ["erase", "M-0003", "--yes"],
    "check": ["check"],
    "plan": ["plan"],
    "dry-run": ["--once", "--dry-run"],
}
ONLY_READ = ("check", "plan", "dry-run")
SOURCE = CONFIG[CONFIG.index('type = "csv"') : CONFIG.index("[sync.members.foreign_id]")]


def limit() -> float:
    """Seconds from the signal to the end: 3 where the machine has a core to spare, more as others keep it busy."""
    return 3.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Door:
    """In front of a sandbox: what is shut out is told to come again in two minutes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._app = create_app(sandbox)
        self.shuts: Callable[[str, str], bool] = lambda _method, _path: False
        self.was_shut = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if self.shuts(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            self.was_shut.set()
            start("429 Too Many Requests", [("Retry-After", "120"), ("Content-Length", "0")])
            return [b""]
        return self._app(environ, start)


@pytest.fixture
def door() -> Door:
    return Door(Sandbox())


@pytest.fixture
def office(tmp_path: Path, door: Door) -> Iterator[Office]:
    with serve(door) as url:
        yield Office(tmp_path, url, door.sandbox)


def stopped(
    office: Office, arguments: Sequence[str], is_waiting: Callable[[], object], number: signal.Signals
) -> Ended:
    """A command that is sent a signal once it waits. It fails, within the limit, and in words."""
    process = office.start(*arguments)
    try:
        until(is_waiting)
        time.sleep(0.3)  # from the answer to the wait
        process.send_signal(number)
        began = time.monotonic()
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - began
    finally:
        process.kill()
    assert (process.returncode, "Traceback" in out + err) == (1, False)
    assert took < limit()
    return Ended(process.returncode, out, err)


def goes_on(office: Office, members: int = 40) -> None:
    """The next run does what was left, and nothing twice; it lists whom it may not create again."""
    is_listed = len(office.rows) > members
    assert office.syncd("--once").code == (3 if is_listed else 0)
    assert (len(office.sandbox.customers), office.sandbox.duplicates()) == (members, [])
    with looking_at_state(load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token})) as state:
        assert state.store.journal.open_intents("members") == []


def only_read(office: Office, ended: Ended) -> None:
    assert ended.err.splitlines()[-1] == "Stopped before its end; nothing was changed."
    assert not (office.folder / "state/syncd.db").exists()


both_signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


# --- go~mus asks to wait ---


@both_signals
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_while_go_mus_asks_it_to_wait(
    office: Office, door: Door, command: str, number: signal.Signals
) -> None:
    if command in ("verify", "erase"):
        office.syncd("--once")
    door.shuts = lambda _method, path: "countries" in path or command in ("verify", "erase")
    ended = stopped(office, COMMANDS[command], door.was_shut.is_set, number)
    door.shuts = lambda _method, _path: False
    if command in ONLY_READ:
        only_read(office, ended)
    else:
        goes_on(office, 39 if command == "erase" else 40)


@pytest.mark.parametrize(
    ("command", "method"),
    [("once", "GET"), ("once", "POST"), ("once", "PUT"), ("once", "DELETE"), ("erase", "PUT"), ("erase", "DELETE")],
)
def test_a_call_that_is_told_to_come_again_is_not_waited_for(
    office: Office, door: Door, command: str, method: str
) -> None:
    if command == "erase" or method in ("PUT", "DELETE"):
        office.syncd("--once")
    if method == "PUT":
        office.rows[7][1] = "Zzanders"
    if method == "DELETE" and command == "once":
        del office.rows[7]
    office.export()
    door.shuts = lambda asked, path: asked == method and "/customers" in path
    stopped(office, COMMANDS[command], door.was_shut.is_set, signal.SIGTERM)
    door.shuts = lambda _method, _path: False
    goes_on(office, 39 if command == "erase" or method == "DELETE" else 40)


@pytest.mark.parametrize("foreign_id", ["M-unknown", "M-0003"])
def test_an_erasure_is_noted_before_anything_else_and_says_so(office: Office, door: Door, foreign_id: str) -> None:
    office.syncd("--once")
    door.shuts = lambda method, path: method != "GET" or "unknown" in path
    told = stopped(office, ["erase", foreign_id, "--yes"], door.was_shut.is_set, signal.SIGTERM)
    assert told.err.endswith("\nasked to stop. The erasure is noted: the next run goes on with it.\n")


# --- the source makes it wait ---


@contextmanager
def busy_crm(office: Office) -> Iterator[Callable[[], object]]:
    """A CRM that answers its first page, and for the second says when to come again."""
    crm = Crm(records=[dict(zip(COLUMNS, row, strict=True)) for row in office.rows])

    def come_again(number: int, response: Response) -> Response:
        if number > 1:
            response.status_code = 429
            response.headers["Retry-After"] = "120"
        return response

    with open_crm(crm) as url:
        options = {"type": "rest", "url": f"{url}/api/pages", **PAGINATIONS["pages-with-total"]}
        office.reconfigure(SOURCE, as_toml(options))
        crm.misbehave = come_again
        yield lambda: len(crm.asked) > 1


@contextmanager
def restless_file(office: Office) -> Iterator[Callable[[], object]]:
    office.reconfigure('settled = "0s"', 'settled = "60s"')
    office.export()
    yield lambda: office.sandbox.calls_to("GET")  # the lookups, right before the source


@contextmanager
def silent_tap(office: Office) -> Iterator[Callable[[], object]]:
    """One that says nothing, and does not want to end either."""
    script = {"records": [], "breaks_after": 0, "how": "deaf", "forks": str(office.folder / "pid")}
    (office.folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
    command = [sys.executable, str(TAP), "script.json"]
    office.reconfigure(SOURCE, as_toml({"type": "singer", "command": command, "stream": "contacts"}))
    yield (office.folder / "pid").exists


def as_toml(options: dict[str, Any]) -> str:
    def spelled(value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{name} = {spelled(one)}" for name, one in value.items()) + " }"
        return json.dumps(value)

    return "".join(f"{name} = {spelled(value)}\n" for name, value in options.items())


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "erase"])
@pytest.mark.parametrize(
    ("source", "number"),
    [
        (busy_crm, signal.SIGTERM),
        (busy_crm, signal.SIGINT),
        (restless_file, signal.SIGTERM),
        (silent_tap, signal.SIGTERM),
    ],
)
def test_a_command_ends_while_the_source_makes_it_wait(
    office: Office, command: str, source: Callable[[Office], Any], number: signal.Signals
) -> None:
    before = (office.folder / "config.toml").read_text(encoding="utf-8")
    with source(office) as is_waiting:
        ended = stopped(office, COMMANDS[command], is_waiting, number)
    assert office.sandbox.customers == []
    if command in ONLY_READ:
        only_read(office, ended)
    else:
        office.configure(before)
        goes_on(office)


def test_a_run_that_was_stopped_while_reading_is_no_failure_and_touches_nobody(office: Office) -> None:
    office.syncd("--once")
    office.rows = office.rows[:10]
    office.export()
    with busy_crm(office) as is_waiting:
        stopped(office, COMMANDS["once"], is_waiting, signal.SIGTERM)
    assert json.loads(office.syncd("history", "--json").out)[0]["status"] == "stopped"
    assert len(office.sandbox.customers) == 40


# --- the daemon, and impatience ---


def test_the_daemon_ends_while_both_make_it_wait(office: Office, door: Door) -> None:
    door.shuts = lambda method, _path: method == "POST"
    with started(office) as daemon:
        office.syncd("trigger", "members")
        until(door.was_shut.is_set)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < limit()
    assert daemon.wait_for("daemon.stopped")["syncs"] == ["members"]
    door.shuts = lambda _method, _path: False
    goes_on(office)


def test_the_second_signal_ends_the_process_whichever_it_is(office: Office) -> None:
    office.sandbox.latency = 8
    process = office.start("--once")
    until(lambda: office.sandbox.calls)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=6)
    assert process.returncode == -signal.SIGTERM
