"""Writes an export and the state that a first load of it leaves: `python accepted.py FOLDER ROWS`.

The state is written as if go~mus had accepted every record; what the records say is not digested field by field.
"""

import os
import random
import sys
from itertools import count
from pathlib import Path
from time import sleep

from large_export import write

from syncd.assembly import make_client, make_recall, make_sync, opening_state
from syncd.config import load
from syncd.domain.chunks import CHUNK, chunks
from syncd.domain.records import Digests
from syncd.example.make import FILE
from syncd.plan.spool import Spool
from syncd.runs.drawing import comparing, fetch_lookups
from syncd.state.known import KnownRow


def write_export(folder: Path, rows: int) -> None:
    """In order twice, and shuffled; without records of several lines, so that lines can be put into another order."""
    (folder / "config.toml").write_bytes(FILE.with_name("config.toml").read_bytes())
    write(folder / "members.csv", rows, encoding="utf-8")
    head, *others = (folder / "members.csv").read_bytes().splitlines(keepends=True)
    whole = b"".join([head, *(one for one in others if one.count(b";") == head.count(b";") and b'"' not in one)])
    for name in ("members.csv", "before.csv"):
        (folder / name).write_bytes(whole)
    head, *others = whole.splitlines(keepends=True)
    random.Random(1).shuffle(others)
    (folder / "shuffled.csv").write_bytes(head + b"".join(others))


def accept_all(folder: Path) -> None:
    config = load(folder / "config.toml", os.environ)
    sync = make_sync(config, config.syncs["members"], sleep)
    with opening_state(config) as state, Spool() as spool, sync.source.open(None) as reading:
        recall = make_recall(config, config.syncs["members"], state)
        with make_client(config, config.syncs["members"], sleep) as client:
            comparison = comparing(sync, recall, fetch_lookups(sync, client))(reading=reading, spool=spool)
        state.store.runs.enter(sync.name, recall.instance.address)
        for start, page in zip(count(1, CHUNK), chunks(reading), strict=False):
            rows = []
            for number, record in enumerate(page, start):
                digest = comparison.digest(record)
                fields = dict.fromkeys(sync.mapper.writes, digest[:8])
                digests = Digests(record=digest, fields=fields)
                foreign_id = sync.mapper.prefix + str(record.values["Mitgliedsnummer"])
                rows.append(KnownRow(foreign_id=foreign_id, gomus_id=number, digests=digests, source_digest=digest))
            state.store.known.put(sync.name, rows)
        state.store.absences.count_for(sync.name, recall.absence_context)
        state.store.absences.judged_for(sync.name, recall.absence_context)


if __name__ == "__main__":
    write_export(Path(sys.argv[1]), int(sys.argv[2]))
    accept_all(Path(sys.argv[1]))
