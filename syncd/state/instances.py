"""What is learned of an instance, and its lists of salutations, titles, countries and languages, kept for a while."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from syncd.domain.records import LookupEntry
from syncd.state import tables as t
from syncd.state.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Instances:
    """The tables `learned` and `lookup`."""

    db: Transactions

    def learned(self, instance: str) -> dict[str, str]:
        rows = self.db.rows(select(t.learned).where(t.learned.c.instance == instance))
        return {row.name: row.value for row in rows}

    def learn(self, instance: str, facts: Mapping[str, str]) -> None:
        rows = [{"instance": instance, "name": name, "value": value} for name, value in facts.items()]
        self.db.upsert(t.learned, rows, key=["instance", "name"])

    def unlearn(self, instance: str, names: Collection[str]) -> None:
        """So that it is as though these had never been learned."""
        statement = delete(t.learned).where(t.learned.c.instance == instance)
        self.db.write_among(statement, t.learned.c.name, names)

    def forget(self, instance: str) -> None:
        """What was learned under this name, and the lists: they are of another instance."""
        for table in (t.learned, t.lookup):
            self.db.write(delete(table).where(table.c.instance == instance))

    def lookup(self, instance: str, kind: str, locale: str, *, since: datetime) -> tuple[LookupEntry, ...] | None:
        """A list that was fetched after that moment; None where there is none so fresh."""
        c = t.lookup.c
        is_meant = (c.instance == instance, c.kind == kind, c.locale == locale)
        row = self.db.first(select(c.entries).where(*is_meant, c.fetched_at > since))
        if row is None:
            return None
        return tuple(LookupEntry(id=id_, names=tuple(names)) for id_, names in json.loads(row.entries))

    def keep_lookup(self, instance: str, kind: str, locale: str, entries: Sequence[LookupEntry], at: datetime) -> None:
        text = json.dumps([[entry.id, entry.names] for entry in entries])
        row = {"instance": instance, "kind": kind, "locale": locale, "entries": text, "fetched_at": at}
        self.db.upsert(t.lookup, [row], key=["instance", "kind", "locale"])
