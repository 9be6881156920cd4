"""What stays of an erased customer: a keyed digest of the foreign_id, called its name, and why it was erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select

from syncd.domain.changes import Cause
from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.tombstone.c


@dataclass(frozen=True, slots=True)
class Instance:
    """One go~mus: its name in the configuration, and the digest of its url. Either may change; the other tells it."""

    name: str
    address: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """`sync`, `by` and `why` are of the erasure."""

    name: bytes
    sync: str
    cause: Cause
    at: datetime
    by: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The table `tombstone`; those of an instance hold for all its syncs."""

    db: Transactions

    def put(self, instance: Instance, tombstone: Tombstone) -> None:
        """One of a request stays one."""
        if tombstone.cause is Cause.ABSENCE and self.find(instance, [tombstone.name]).get(tombstone.name):
            return
        row = {
            "instance": instance.name,
            "address": instance.address,
            "name": tombstone.name,
            "sync": tombstone.sync,
            "reason": tombstone.cause.value,
            "at": tombstone.at,
            "by": tombstone.by,
            "why": tombstone.why,
        }
        self.db.upsert(t.tombstone, [row], key=["instance", "name"])

    def find(self, instance: Instance, names: Sequence[bytes]) -> dict[bytes, Cause]:
        rows = list(self.db.rows_among(select(t.tombstone).where(_of(instance)), C.name, names))
        requested = {row.name: Cause.REQUEST for row in rows if row.reason == Cause.REQUEST.value}
        return {row.name: Cause(row.reason) for row in rows} | requested

    def requested(self, instance: Instance) -> list[Tombstone]:
        """The erasures on request, the latest first."""
        query = select(t.tombstone).where(_of(instance), C.reason == Cause.REQUEST.value)
        return [
            Tombstone(name=row.name, sync=row.sync, cause=Cause(row.reason), at=row.at, by=row.by, why=row.why)
            for row in self.db.rows(query.order_by(C.at.desc(), C.name))
        ]

    def lift(self, instance: Instance, names: Sequence[bytes]) -> None:
        self.db.write_among(delete(t.tombstone).where(_of(instance)), C.name, names)


def _of(instance: Instance) -> ColumnElement[bool]:
    return (C.instance == instance.name) | (C.address == instance.address)
