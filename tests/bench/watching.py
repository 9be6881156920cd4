"""What the state database and the instances tell of a cluster; asked again where PostgreSQL is away just now."""

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.request import urlopen

import psycopg
from crowd import Member

from syncd.assembly import opening_board
from syncd.config import load
from syncd.config.model import Config
from syncd.errors import StateUnusable

AWAY = 90.0  # seconds for which PostgreSQL may be
WRITES = ("create", "update", "delete")
SCHEMAS = {"procrastinate_jobs": "syncd_queue"}
T = TypeVar("T")


@dataclass
class State:
    config: Config
    url: str
    instances: Mapping[str, str]  # by sync
    most: int = 0  # calls at once, of any instance
    _connection: "psycopg.Connection[Any] | None" = None

    @classmethod
    @contextmanager
    def open(cls, folder: Path, keys: Mapping[str, str], instances: Mapping[str, str]) -> Iterator["State"]:
        config = load(folder / "config.toml", {**os.environ, **keys})
        state = cls(config, keys["STATE_URL"], instances)
        try:
            yield state
        finally:
            if state._connection:
                state._connection.close()

    # --- the database ---

    def rows(self, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
        return patiently(lambda: self._connected().execute(query, values).fetchall())

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True, connect_timeout=3)
        return self._connection

    def ask(self, sync: str) -> None:
        def ask() -> str:
            with opening_board(self.config) as board:
                return board.ask(sync, at=datetime.now(UTC), expires_at=None)

        patiently(ask)

    def asked_for(self) -> set[str]:
        """The syncs of which somebody waits for an answer."""
        return {sync for (sync,) in self.rows("select distinct sync from request where status is null")}

    def first_starts(self, syncs: Collection[str], since: float) -> dict[str, float]:
        query = """
            select sync, min(started_at) from run where sync = any(%s) and started_at > %s group by sync
        """
        return {sync: at.timestamp() for sync, at in self.rows(query, list(syncs), moment(since))}

    def given_up(self, syncs: Collection[str], since: float) -> set[str]:
        query = "select sync from request where status = 'failed' and sync = any(%s) and finished_at > %s"
        return {sync for (sync,) in self.rows(query, list(syncs), moment(since))}

    def leader(self, schedulers: Sequence[Member], since: float = 0.0) -> Member | None:
        """Which of them is at work, and has said so since then."""
        query = "select name from replica where agenda <> '{}' and seen_at > %s order by seen_at desc"
        names = [name for (name,) in self.rows(query, moment(since))]
        for name in names:
            for one in schedulers:
                if f"-{one.process.pid}-" in name:
                    return one
        return None

    def keep(self, folder: Path) -> None:
        for table, order in (("run", "started_at"), ("request", "requested_at"), ("procrastinate_jobs", "id")):
            whole = f"{SCHEMAS.get(table, 'public')}.{table}"
            rows = self.rows(f"select to_jsonb(t)::text from {whole} t order by {order}")  # noqa: S608 - our own words
            (folder / f"table-{table}.jsonl").write_text("".join(f"{row}\n" for (row,) in rows))

    # --- the instances ---

    def count(self, syncs: Collection[str]) -> Counter[str]:
        """The writes to these syncs' instances since they were last counted."""
        calls: Counter[str] = Counter()
        for sync in syncs:
            counted = ask_json(f"{self.instances[sync]}/counted")
            self.most = max(self.most, counted["most"])
            calls.update({kind: number for kind, number in counted["calls"].items() if kind in WRITES})
        return calls

    def shown(self, sync: str) -> dict[str, Any]:
        return dict(ask_json(f"{self.instances[sync]}/shown"))


def ask_json(url: str) -> Any:
    with urlopen(url) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def patiently(ask: Callable[[], T]) -> T:
    give_up_at = monotonic() + AWAY
    while monotonic() < give_up_at:
        with suppress(psycopg.OperationalError, StateUnusable):
            return ask()
        sleep(0.3)
    return ask()
