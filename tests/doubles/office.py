"""A museum's office for tests: a folder with a configuration and an export, a sandbox on a port, the real command."""

import csv
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fork_server import Forked

from syncd.sandbox import TOKEN, Sandbox, create_app, serve

CONFIG = """
[state]
url = "sqlite:///state/syncd.db"
[gomus.main]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
attempts = 2
timeout = "5s"
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
tel = {{ from = "Telefon", transform = [{{ phone = "DE" }}] }}
date_of_birth = {{ from = "Geboren", transform = [{{ date = "%d.%m.%Y" }}] }}
addr_country_id = {{ from = "Land", lookup = "country", default = "DE" }}
[sync.members.delete]
grace = "0s"
"""
COLUMNS = ["Nr", "Vorname", "Nachname", "E-Mail", "Telefon", "Geboren", "Land"]
# Values that must never leave: easy to find, and like nothing else
MARKS = ("Zzvor", "Zznäch", "zzmail", "23125", "1971-04", "04.1971")


def person(number: int) -> list[str]:
    phone = f"030 23125{number:03d}"
    return [
        f"{number:04d}",
        f"Zzvor{number}",
        f"Zznäch{number}",
        f"zzmail{number}@example.org",
        phone,
        "03.04.1971",
        "",
    ]


@dataclass
class Office:
    folder: Path
    url: str
    sandbox: Sandbox
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[list[str]] = field(default_factory=lambda: [person(number) for number in range(1, 41)])
    token: str = TOKEN

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir()
        self.configure(CONFIG.format(url=self.url))
        self.export()

    def configure(self, text: str) -> None:
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def reconfigure(self, old: str, new: str) -> None:
        text = (self.folder / "config.toml").read_text(encoding="utf-8")
        assert old in text
        self.configure(text.replace(old, new))

    def export(self) -> None:
        with (self.folder / "members.csv").open("w", newline="", encoding="cp1252") as file:
            csv.writer(file, delimiter=";").writerows([self.columns, *self.rows])

    def age(self, name: str) -> None:
        """An export of yesterday: nobody waits until it is settled."""
        yesterday = time.time() - 86_400
        os.utime(self.folder / name, (yesterday, yesterday))

    def start(self, *arguments: str) -> Forked:
        environment = {**os.environ, "GOMUS_TOKEN": self.token, "PYTHONWARNINGS": "error"}
        environment.pop("SYNCD_CONFIG", None)
        return Forked(arguments, folder=self.folder, environment=environment)

    def syncd(self, *arguments: str) -> "Ended":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)

    def files(self) -> set[str]:
        return {str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file()}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    sandbox = Sandbox()
    with serve(create_app(sandbox)) as url:
        yield Office(folder, url, sandbox)
