"""Schedulers and workers as real processes that can be killed, frozen and replaced; what they log is in files."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

SYNCD = (sys.executable, "-m", "syncd")
WORKER, SCHEDULER = "worker", "scheduler"
READY = {WORKER: {"worker.ready"}, SCHEDULER: {"daemon.scheduled", "daemon.standby"}}
OVER = {"run.finished", "run.failed"}


@dataclass(eq=False)
class Member:
    """One process."""

    role: str
    process: "subprocess.Popen[bytes]"
    log: Path
    is_frozen: bool = False

    def events(self) -> list[dict[str, Any]]:
        """Whole lines only: the last one may be half written."""
        text = self.log.read_text("utf-8", "replace").rpartition("\n")[0]
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    @property
    def is_ready(self) -> bool:
        return any(event["event"] in READY[self.role] for event in self.events())

    def under_way(self) -> set[str]:
        """The syncs whose runs it has begun and not ended."""
        syncs = set()
        for event in self.events():
            if event["event"] == "run.started":
                syncs.add(event["sync"])
            elif event["event"] in OVER:
                syncs.discard(event["sync"])
        return syncs

    def send(self, number: int) -> None:
        self.process.send_signal(number)
        self.is_frozen = number == signal.SIGSTOP


@dataclass
class Crowd:
    """All that were ever started, and those that are there."""

    folder: Path
    environment: Mapping[str, str]
    present: list[Member] = field(default_factory=list)
    gone: list[Member] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def start(self, role: str) -> Member:
        log = self.folder / f"{next(self._numbers):03}-{role}.log"
        command = [*SYNCD, *([WORKER] if role == WORKER else [])]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=out, stderr=out)
        self.present.append(member := Member(role, process, log))
        return member

    def kill(self, member: Member) -> None:
        member.send(signal.SIGKILL)
        self.drop(member)

    def drop(self, member: Member, within: float | None = None) -> int:
        """Its exit code, once it has ended."""
        code = member.process.wait(within)
        self.present.remove(member)
        self.gone.append(member)
        return code

    def of(self, role: str) -> Sequence[Member]:
        return [member for member in self.present if member.role == role and not member.is_frozen]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [one for member in (*self.gone, *self.present) for one in member.events() if one["event"] == event]


@contextmanager
def gathered(folder: Path, environment: Mapping[str, str]) -> Iterator[Crowd]:
    crowd = Crowd(folder, {**os.environ, **environment})
    try:
        yield crowd
    finally:
        for member in list(crowd.present):
            crowd.kill(member)
