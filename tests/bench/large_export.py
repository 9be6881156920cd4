"""How long an export of many members takes to read and to map, and how much memory: `make bench-read ROWS=1000000`."""

import csv
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import get_args

from syncd.config import load
from syncd.domain.records import LookupEntry, SourceRecord
from syncd.example.make import COLUMNS, FILE, SEED, Chance, member
from syncd.gomus.fields import FIELDS
from syncd.mapping.lookups import Lookup, LookupKind
from syncd.mapping.mapper import Mapper
from syncd.sources import find_source

NAMES = ("Frau", "Herr", "Dr.", "Prof.", "Prof. Dr.", "Deutschland", "DE", "Österreich", "Schweiz")
LOOKUPS = {
    kind: Lookup(kind, [LookupEntry(id=number, names=(name,)) for number, name in enumerate(NAMES, start=1)])
    for kind in get_args(LookupKind)
}
ENVIRONMENT = {"GOMUS_URL": "https://gomus.invalid", "GOMUS_TOKEN": "of nobody"}


def write(file: Path, rows: int, *, encoding: str = "windows-1252") -> None:
    chance = Chance(SEED)
    with file.open("w", encoding=encoding, newline="") as text:
        writer = csv.DictWriter(text, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows(member(number, chance) for number in range(1, rows + 1))


def measure(what: str, rows: int, work: Callable[[], int]) -> None:
    begun = perf_counter()
    count = work()
    seconds = perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<14} {seconds:8.2f} s  {rows / seconds:10,.0f} rows/s  {peak:6.0f} MiB at most  ({count:,})")


def main(rows: int) -> None:
    with TemporaryDirectory() as folder:
        base = Path(folder)
        write(base / "members.csv", rows)
        (base / "config.toml").write_bytes(FILE.with_name("config.toml").read_bytes())
        config = load(base / "config.toml", ENVIRONMENT)
        sync = config.syncs["members"]
        mapper = Mapper(foreign_id=sync.foreign_id, fields=sync.fields, catalogue=FIELDS)

        def records() -> Iterator[SourceRecord]:
            adapter = find_source(sync.source.type)
            source = adapter(sync.source, base=base, sleep=sleep, clock=lambda: datetime.now(UTC))
            with source.open() as reading:
                yield from reading

        measure("read", rows, lambda: sum(1 for _ in records()))
        measure("read and map", rows, lambda: sum(bool(mapper.customer(record, LOOKUPS)) for record in records()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
