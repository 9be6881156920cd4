"""What the owner of the data looks at besides failures: what was changed in go~mus, and what the source itself says.

Names of fields and texts of the configuration; never a value.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, or_, select

from syncd.domain.chunks import chunks
from syncd.state import tables as t
from syncd.state.journal import names_in
from syncd.state.transactions import Transactions

DRIFT, ERRAND, KNOWN = t.drift.c, t.errand.c, t.known.c


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """A customer of whom go~mus was seen to show something else than it accepted.

    In the place of fields stands where it is, `gone`, `merged` or `renamed`, where it is not to be found at all.
    """

    foreign_id: str
    fields: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Worklist:
    """The tables `drift` and `errand`."""

    db: Transactions

    # --- what was changed in go~mus ---

    def note_drift(self, sync: str, drifted: Mapping[str, Iterable[str]], at: datetime) -> None:
        """In place of what was seen of these customers before; of whom there are no fields, it is over."""
        names = {foreign_id: ",".join(sorted(fields)) for foreign_id, fields in drifted.items()}
        rows = [
            {"sync": sync, "foreign_id": one, "fields": fields, "since": at} for one, fields in names.items() if fields
        ]
        over = [foreign_id for foreign_id, fields in names.items() if not fields]
        self.db.upsert(t.drift, rows, key=["sync", "foreign_id"], kept=["since"])
        self.db.write_among(delete(t.drift).where(DRIFT.sync == sync), DRIFT.foreign_id, over)

    def end_drift(self, sync: str, settled: Mapping[str, Iterable[str]]) -> None:
        """These fields of these customers are in step again."""
        if self.db.first(select(DRIFT.sync).where(DRIFT.sync == sync).limit(1)) is None:
            return
        of_sync = select(DRIFT.foreign_id, DRIFT.fields, DRIFT.since).where(DRIFT.sync == sync)
        for row in self.db.rows_among(of_sync, DRIFT.foreign_id, list(settled)):
            left = set(names_in(row.fields)) - set(settled[row.foreign_id])
            self.note_drift(sync, {row.foreign_id: left}, row.since)

    def drifts(self, sync: str) -> list[DriftRow]:
        """Of customers who are still known."""
        columns = (DRIFT.foreign_id, DRIFT.fields, DRIFT.since)
        is_known = exists().where(KNOWN.sync == sync, KNOWN.foreign_id == DRIFT.foreign_id)
        rows = self.db.rows(select(*columns).where(DRIFT.sync == sync, is_known).order_by(DRIFT.foreign_id))
        return [DriftRow(**{**row._asdict(), "fields": names_in(row.fields)}) for row in rows]

    def drift_of(self, sync: str, foreign_id: str) -> tuple[str, ...]:
        row = self.db.first(select(DRIFT.fields).where(DRIFT.sync == sync, DRIFT.foreign_id == foreign_id))
        return names_in(row.fields) if row else ()

    # --- what the source says ---

    def replace_errands(self, sync: str, told: Iterable[tuple[str, Sequence[str]]] | None) -> None:
        """Whoever is among these has these texts and no others; None where the sync tells nothing at all."""
        before = delete(t.errand).where(ERRAND.sync == sync)
        if told is None:
            self.db.write(before)
            return
        for page in chunks(told):
            self.db.write_among(before, ERRAND.foreign_id, [foreign_id for foreign_id, _ in page])
            rows = [{"sync": sync, "foreign_id": one, "texts": json.dumps(texts)} for one, texts in page if texts]
            self.db.write(t.errand.insert(), rows)

    def errands(self, sync: str) -> list[tuple[str, tuple[str, ...]]]:
        """Of those who are in the source, in the order of their ids."""
        of_sync = select(ERRAND.foreign_id, ERRAND.texts).where(ERRAND.sync == sync, _is_there(sync))
        rows = self.db.rows(of_sync.order_by(ERRAND.foreign_id))
        return [(row.foreign_id, tuple(json.loads(row.texts))) for row in rows]

    def errands_of(self, sync: str, foreign_id: str) -> tuple[str, ...]:
        row = self.db.first(select(ERRAND.texts).where(ERRAND.sync == sync, ERRAND.foreign_id == foreign_id))
        return tuple(json.loads(row.texts)) if row else ()

    def forget_who_left(self, sync: str) -> None:
        """Delete what was told of those who are neither known nor listed as failures."""
        self.db.write(delete(t.errand).where(ERRAND.sync == sync, ~_is_there(sync)))


def _is_there(sync: str) -> ColumnElement[bool]:
    is_present = exists().where(KNOWN.sync == sync, KNOWN.foreign_id == ERRAND.foreign_id, KNOWN.absent_since.is_(None))
    is_listed = [
        exists().where(table.c.sync == sync, table.c.foreign_id == ERRAND.foreign_id)
        for table in (t.invalid, t.quarantine, t.held_change)
    ]
    return or_(is_present, *is_listed)
