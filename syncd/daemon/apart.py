"""A run in a process of its own: what becomes of it is its own, and it has no secret but those of its museum.

`conduct_apart` starts a process with `main`, which reads the order from its standard input, logs to standard error, and
says on standard output how the run has ended. Where the process that ordered it dies, the run stops.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import FrameType
from typing import IO, Any

from pydantic import BaseModel, SecretStr

from syncd import log as logs
from syncd.assembly import now
from syncd.config.model import Config
from syncd.daemon.conducting import conduct
from syncd.daemon.order import Ended, Fate, Order
from syncd.domain.museums import museum_of
from syncd.domain.runs import Summary, failed_summary
from syncd.gomus.client import Observe
from syncd.machine import signals
from syncd.machine.processes import limit_memory

LOOK = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Told:
    """What a process says of its run."""

    fate: Fate
    finished: datetime
    summary: Summary | None


# --- in the process that orders it ---


def conduct_apart(order: Order, stopping: threading.Event, _observing: Callable[[str], Observe]) -> Ended:
    """As `conduct`, in a process of its own; calls are not counted."""
    started = now()
    own = replace(order, config=part_of(order.config, order.sync.name))
    child = subprocess.Popen(
        [sys.executable, "-c", "from syncd.daemon.apart import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=without_secrets_of_others(order, os.environ),
    )
    limit = order.config.daemon.run_timeout
    watch = threading.Thread(target=_watch, args=(child, stopping, limit and limit.total_seconds()), daemon=True)
    with child:  # its standard input stays open while we live
        watch.start()
        said = _talk(child, pickle.dumps((own, logs.chosen_format())))
    return _ended(order, started, said, child.returncode)


def _talk(child: "subprocess.Popen[bytes]", order: bytes) -> bytes:
    """Its answer; what it logs is passed on meanwhile."""
    if not (child.stdin and child.stdout and child.stderr):
        return b""
    lines = threading.Thread(target=_pass_on, args=(child.stderr,), daemon=True)
    lines.start()
    with suppress(BrokenPipeError, ValueError):  # it has died, or is to stop already
        child.stdin.write(order)
        child.stdin.flush()
    said = child.stdout.read()
    lines.join()
    return said


def _ended(order: Order, started: datetime, said: bytes, code: int) -> Ended:
    with suppress(EOFError, pickle.UnpicklingError):
        told: Told = pickle.loads(said)  # noqa: S301 - of our own child
        return Ended(order=order, fate=told.fate, started=started, finished=told.finished, summary=told.summary)
    how = f"was ended by the signal {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    summary = failed_summary(order.sync.name, f"its process {how}", "see `run_memory` and `run_timeout` in [daemon]")
    logs.get_logger().error("run.failed", sync=order.sync.name, error=summary.error, remedy=summary.remedy)
    return Ended(order=order, fate=Fate.CRASHED, started=started, finished=now(), summary=summary)


def _watch(child: "subprocess.Popen[bytes]", stopping: threading.Event, limit: float | None) -> None:
    """Ask it to stop, and end it where it takes longer than it may."""
    began, is_asked = time.monotonic(), False
    while child.poll() is None:
        if stopping.is_set() and not is_asked:
            _close_input(child)  # by which it hears that it should stop; not every system has a signal for that
            is_asked = True
        if limit is not None and time.monotonic() - began > limit:
            child.kill()
        time.sleep(LOOK)


def _close_input(child: "subprocess.Popen[bytes]") -> None:
    with suppress(BrokenPipeError):
        if child.stdin:
            child.stdin.close()


def _pass_on(lines: IO[bytes]) -> None:
    """Its log; the last words of an interpreter that dies are no events, and how it ended is told anyway."""
    for line in lines:
        if logs.chosen_format() == "json" and not line.startswith(b"{"):
            continue
        logs.pass_on(line.decode("utf-8", "replace"))


def part_of(config: Config, sync: str) -> Config:
    """The configuration of its museum alone."""
    museum = museum_of(sync)
    syncs = {name: one for name, one in config.syncs.items() if museum_of(name) == museum}
    used = {one.gomus for one in syncs.values()}
    gomus = {name: one for name, one in config.gomus.items() if name in used}
    museums = {name: one for name, one in config.museums.items() if name == museum}
    own = {"syncs": syncs, "gomus": gomus, "museums": museums}
    return config.model_copy(update={**own, "notify": None, "web": None})


def without_secrets_of_others(order: Order, environment: Mapping[str, str]) -> dict[str, str]:
    """A variable that holds a secret which the museum of this order does not need is left out."""
    needed = set(_secrets_in(part_of(order.config, order.sync.name)))
    others = set(_secrets_in(order.config)) - needed
    return {name: value for name, value in environment.items() if value.strip() not in others}


def _secrets_in(part: Any) -> Iterator[str]:  # noqa: ANN401 - whatever a configuration is made of
    if isinstance(part, SecretStr):
        yield part.get_secret_value()
    elif isinstance(part, BaseModel):
        yield from _secrets_in(dict(part))
    elif isinstance(part, Mapping):
        for one in part.values():
            yield from _secrets_in(one)
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from _secrets_in(one)


# --- in the process of the run ---


def main() -> None:
    order, form = pickle.load(sys.stdin.buffer)  # noqa: S301 - of who has started us
    logs.configure(form, sys.stderr)
    said = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    if order.config.daemon.run_memory is not None:
        limit_memory(order.config.daemon.run_memory)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in signals.STOP:
        signal.signal(number, stop)
    threading.Thread(target=_stop_when_alone, args=(stopping,), daemon=True).start()
    with logs.bound(replica=order.replica):
        ended = conduct(order, stopping, lambda _instance: _ignore)
    with os.fdopen(said, "wb") as answer:
        answer.write(pickle.dumps(Told(ended.fate, ended.finished, ended.summary)))


def _ignore(_method: str, _status: int | None, _seconds: float) -> None: ...


def _stop_when_alone(stopping: threading.Event) -> None:
    os.read(sys.stdin.fileno(), 1)  # ends when nobody has the other end any more
    stopping.set()
