"""How near a run comes to the bound of its calls: `make bench-calls`.

Whole processes against a go~mus that answers each call after 50 ms. The ideal is what the calls take that are needed,
at full concurrency from the first to the last: what a run takes longer it spends on itself.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from sqlite3 import connect
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from measuring import timed_gomus

MILLISECONDS = 50
BATCH = 100
FIELDS = ("name", "surname", "email", "addr_street", "addr_zip", "addr_city", "tel", "mobile", "notes")
CONFIG = """
[state]
url = "sqlite:///syncd.db"
[gomus.main]
url = {{ env = "GOMUS_URL" }}
token = {{ env = "GOMUS_TOKEN" }}
concurrency = {concurrency}
unique_foreign_ids = {unique}
[sync.members]
gomus = "main"
[sync.members.source]
type = "csv"
path = "members.csv"
settled = "0s"
[sync.members.foreign_id]
from = "id"
prefix = "MEMBER-"
[sync.members.fields]
{fields}
[sync.members.delete]
grace = "0s"
max_percent = 100
max_count = 1000000
[sync.members.guards]
update_percent = 100
identity_percent = 100
"""


@dataclass(frozen=True, slots=True)
class Load:
    """`alone` are calls beside which no other may be under way, `together` those that may be."""

    what: str
    alone: int
    together: int

    def ideal(self, concurrency: int) -> float:
        return (self.alone + ceil(self.together / concurrency)) * MILLISECONDS / 1000


def write(folder: Path, numbers: range, *, notes: str = "") -> None:
    with (folder / "members.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *FIELDS])
        for one in numbers:
            address = [f"Am Weg {one % 99}", f"{one % 90000 + 10000}", "Berlin"]
            phones = [f"+49 30 {one:06}", f"+49 171 {one:06}"]
            writer.writerow([one, "Ada", f"Example{one}", f"ada{one}@example.org", *address, *phones, notes])


def sync(folder: Path, url: str, load: Load, concurrency: int, *options: str) -> None:
    environment = {**os.environ, "GOMUS_URL": url, "GOMUS_TOKEN": "of-nobody"}
    began = os.times()
    subprocess.run(
        [sys.executable, "-m", "syncd", "--once", *options],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ended = os.times()
    cpu = ended.children_user + ended.children_system - began.children_user - began.children_system
    with urlopen(f"{url}/counted") as answer:  # noqa: S310 - our own server
        counted = json.load(answer)
    ideal, span = load.ideal(concurrency), counted["span"]
    calls = ", ".join(f"{number} {kind}" for kind, number in sorted(counted["calls"].items()))
    print(
        f"  {load.what:<36} ideal {ideal:6.2f} s  got {span:6.2f} s  {100 * ideal / span:4.0f} %"
        f"  most at once {counted['most']:2}  whole process {cpu:5.2f} s CPU  ({calls})",
        flush=True,
    )


def configure(folder: Path, concurrency: int, *, unique: bool = False) -> None:
    fields = "\n".join(f'{name} = "{name}"' for name in FIELDS)
    text = CONFIG.format(concurrency=concurrency, unique="true" if unique else "false", fields=fields)
    (folder / "config.toml").write_text(text)
    (folder / "syncd.db").unlink(missing_ok=True)


def batches(records: int) -> int:
    return ceil(records / BATCH)


def measure(rows: int, concurrency: int, folder: Path) -> None:
    """The first customer of an instance is created alone, and read back.

    That ids are unique is believed of the configuration once a batch was looked for, and at once where it was seen.
    """
    print(f"{concurrency} calls at once")
    some, new = rows // 10, rows * 2 // 5
    first = batches(rows - 1)
    with timed_gomus(MILLISECONDS) as url:
        configure(folder, concurrency)
        write(folder, range(rows))
        sync(folder, url, Load(f"first load of {rows:,}, assumed empty", 2, first), concurrency, "--assume-empty")
        write(folder, range(rows), notes="changed")
        sync(folder, url, Load(f"{rows:,} updates", 0, batches(rows)), concurrency)
        write(folder, range(some, rows), notes="changed")
        sync(folder, url, Load(f"{some:,} erasures", 0, some * CALLS_OF_AN_ERASURE), concurrency)
        write(folder, range(some, rows + new), notes="changed")
        sync(folder, url, Load(f"{new:,} creates, looked for first", 0, new + batches(new)), concurrency)
    with timed_gomus(MILLISECONDS) as url:
        configure(folder, concurrency, unique=True)
        write(folder, range(rows))
        sync(folder, url, Load(f"first load of {rows:,}, ids unique", 2, first + BATCH), concurrency)
        with connect(folder / "syncd.db") as state:
            state.execute("INSERT INTO learned VALUES ('main', 'unique', 'yes')")
        write(folder, range(2 * rows))
        sync(folder, url, Load(f"{rows:,} creates, seen to be unique", 0, batches(rows)), concurrency)


CALLS_OF_AN_ERASURE = 7  # before and after each of the two writes, by foreign_id and by number


def main(rows: int, concurrencies: Sequence[int]) -> None:
    for concurrency in concurrencies:
        with TemporaryDirectory() as folder:
            measure(rows, concurrency, Path(folder))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5_000, [int(one) for one in sys.argv[2:]] or [4, 16])
