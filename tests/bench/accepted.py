"""Writes an export and the state that a first load of it leaves: `python accepted.py FOLDER ROWS [STATE_URL]`.

The state is written as if go~mus had accepted every record; only of those who change in `changed.csv` it is digested
field by field what they say.
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
from syncd.domain.records import Customer, Digests
from syncd.example.make import FILE
from syncd.plan.spool import Spool
from syncd.runs.drawing import comparing, fetch_lookups
from syncd.state.emails import EmailsRead
from syncd.state.known import KnownRow

CHANGED = 100  # of so many one


def write_export(folder: Path, rows: int, state_url: str = "") -> None:
    """In order twice, shuffled, and shuffled with some changed records.

    There are no records of several lines, so that lines can be put into another order. `shown.toml` makes no call.
    Without `state_url` the state is SQLite.
    """
    text = FILE.with_name("config.toml").read_text(encoding="utf-8")
    if state_url:
        state = f'url = "{state_url}"\ndigest_key = {{ env = "SYNCD_DIGEST_KEY" }}'
        text = text.replace('url = "sqlite:///syncd.db"', state)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    without_calls = text.replace("[sync.members]\n", '[sync.members]\nactions = ["erase"]\n')
    (folder / "shown.toml").write_text(without_calls, encoding="utf-8")
    write(folder / "members.csv", rows, encoding="utf-8")
    head, *others = (folder / "members.csv").read_bytes().splitlines(keepends=True)
    whole = b"".join([head, *(one for one in others if one.count(b";") == head.count(b";") and b'"' not in one)])
    for name in ("members.csv", "before.csv"):
        (folder / name).write_bytes(whole)
    head, *others = whole.splitlines(keepends=True)
    random.Random(1).shuffle(others)
    (folder / "shuffled.csv").write_bytes(head + b"".join(others))
    with (folder / "changed.csv").open("wb") as changed:  # the last column is the one of remarks
        changed.write(head)
        changed.writelines(one.rstrip() + b" neu\r\n" if _changes(one.partition(b";")[0]) else one for one in others)


def _changes(number: str | bytes) -> bool:
    return int(number) % CHANGED == 0


def accept_all(folder: Path) -> None:
    config = load(folder / "config.toml", os.environ)
    sync = make_sync(config, config.syncs["members"], sleep)
    with opening_state(config) as state, Spool() as spool, sync.source.open(None) as reading:
        recall = make_recall(config, config.syncs["members"], state)
        with make_client(config, config.syncs["members"], sleep) as client:
            comparison = comparing(sync, recall, fetch_lookups(sync, client))(reading=reading, spool=spool)
        state.store.runs.enter(sync.name, recall.instance.address)
        for start, page in zip(count(1, CHUNK), chunks(reading), strict=False):
            rows, addresses = [], {}  # that there are addresses makes the state as large as it is
            for number, record in enumerate(page, start):
                digest, own_id = comparison.digest(record), str(record.values["Mitgliedsnummer"])
                digests = Digests(record=digest, fields=dict.fromkeys(sync.mapper.writes, digest[:8]))
                foreign_id = sync.mapper.prefix + own_id
                if _changes(own_id):
                    customer = sync.mapper.customer(record, comparison.lookups, known_as=foreign_id)
                    assert isinstance(customer, Customer)
                    digests = recall.digester.of(foreign_id).customer(customer.fields)
                addresses[foreign_id] = recall.email(f"{own_id}@example.org")
                rows.append(KnownRow(foreign_id=foreign_id, gomus_id=number, digests=digests, source_digest=digest))
            state.store.known.put(sync.name, rows)
            state.store.note_emails(sync.name, EmailsRead(held=addresses.items(), waiting={}, among=None))
        state.store.absences.count_for(sync.name, recall.absence_context)
        state.store.absences.judged_for(sync.name, recall.absence_context)


if __name__ == "__main__":
    write_export(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
    accept_all(Path(sys.argv[1]))
