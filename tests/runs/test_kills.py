"""kill -9 at random moments, of real processes that talk HTTP to an instance that lags and commits late.

`SYNCD_TEST_KILLS` sets how many are killed.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Timer

import pytest
from werkzeug.wrappers import Response

from syncd.sandbox.app import create_app
from syncd.sandbox.proxy import Hook, Passing, html
from syncd.sandbox.server import serve
from syncd.sandbox.store import TOKEN, Sandbox
from syncd.sandbox.switches import Switches

KILLS = int(os.environ.get("SYNCD_TEST_KILLS", "8"))
SIZE = 120
LATE = timedelta(seconds=1.5)  # sooner than a create of unknown fate is sent again
COLUMNS = ["Nr", "Vorname", "Nachname", "E-Mail", "Telefon"]
CONFIG = """
[state]
url = "{state}"
digest_key = {{ env = "SYNCD_DIGEST_KEY" }}
[gomus.main]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
batch_size = 10
timeout = "2s"
settle = "6s"
[sync.members]
[sync.members.source]
type = "csv"
path = "members.csv"
settled = "0s"
[sync.members.foreign_id]
from = "Nr"
prefix = "M-"
[sync.members.fields]
name = "Vorname"
surname = "Nachname"
email = "E-Mail"
tel = "Telefon"
[sync.members.delete]
grace = "0s"
max_percent = 100
"""


class Members:
    """An export that lives: rows come, change and go."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path = path
        self._chance = chance
        self.rows = {f"{n:04d}": self._row(n) for n in range(1, SIZE + 1)}
        self._next = SIZE + 1

    def _row(self, number: int) -> list[str]:
        phone = f"+4930231{self._chance.randrange(10_000, 99_999)}"
        return [f"{number:04d}", f"Zzvor{number}", f"Zznach{number}", f"zz{number}@example.org", phone]

    def live_on(self) -> None:
        for name in self._chance.sample(sorted(self.rows), 2):
            del self.rows[name]
        for name in self._chance.sample(sorted(self.rows), 6):
            self.rows[name] = self._row(int(name))
        for _ in range(2):  # few in all: what is due after many kills must not look like a mistake, and be held
            self.rows[f"{self._next:04d}"] = self._row(self._next)
            self._next += 1

    def write(self) -> None:
        part = self._path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=";").writerows([COLUMNS, *self.rows.values()])
        part.rename(self._path)


def commit_late(*, every: int) -> Hook:
    """One write of so many is done after it was answered with a time-out."""
    writes = count(1)

    def pass_on(call: Passing) -> Response:
        if call.method == "GET" or next(writes) % every:
            return call.act()
        Timer(LATE.total_seconds(), call.act).start()  # whether another call comes or not
        return html(504)

    return pass_on


@pytest.mark.long
@pytest.mark.timeout(0)
def test_kills_at_random_moments_lose_double_and_expose_nobody(tmp_path: Path, empty_url: str) -> None:
    chance = random.Random(20_26)
    sandbox = Sandbox(Switches(foreign_ids="repeatable", reads="seconds-later", lag=1), latency=0.01)
    sandbox.hook = commit_late(every=5)
    members = Members(tmp_path / "members.csv", chance)
    members.write()
    with serve(create_app(sandbox)) as url:
        (tmp_path / "config.toml").write_text(CONFIG.format(url=url, state=empty_url))
        killed = 0
        while killed < KILLS:
            process = _start(tmp_path)
            try:
                process.wait(timeout=chance.uniform(0.6, 3.0))
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.wait()
            if process.returncode == 0 or chance.random() < 0.2:
                members.live_on()
                members.write()
        sandbox.hook = None
        codes = [_end_later(tmp_path) for _ in range(4)]
        assert codes[-1] == 0
    assert sandbox.duplicates() == []
    assert sandbox.touched_strangers() == []
    held = {
        customer.foreign_id: [customer[f] for f in ("name", "surname", "email", "tel")]
        for customer in sandbox.customers
    }
    assert held == {f"M-{name}": row[1:] for name, row in members.rows.items()}
    assert not [c.id for c in sandbox.deleted if any("zz" in str(value).lower() for value in c.fields.values())]


def _end_later(folder: Path) -> int:
    """Once creates whose fate is unknown may be sent again."""
    time.sleep(7)
    return _start(folder).wait(timeout=60)


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "GOMUS_TOKEN": TOKEN, "SYNCD_DIGEST_KEY": "a key for tests"}
    command = [sys.executable, "-m", "syncd", "--config", str(folder / "config.toml"), "--once"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
