"""What guards hold, change by change, and a person's approval of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from syncd.domain.chunks import chunks
from syncd.domain.guards import Held
from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.held_change.c


@dataclass(frozen=True, slots=True)
class HeldChange:
    """`content` is the digest of what the change would do."""

    foreign_id: str
    action: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """What guards hold of a sync; `guards` are names with their reasons."""

    run_id: str
    guards: Mapping[str, str]
    held_at: datetime
    approved_by: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldChanges:
    """The tables `held` and `held_change`."""

    db: Transactions

    def put(self, sync: str, run_id: str, guards: Sequence[Held], changes: Iterable[HeldChange], at: datetime) -> None:
        """In place of what was held before, and of its approval."""
        reasons = json.dumps([(held.guard.value, held.reason) for held in guards])
        with self.db.transaction():
            self.clear(sync)
            self.db.write(t.held.insert(), [{"sync": sync, "run_id": run_id, "guards": reasons, "held_at": at}])
            for page in chunks(changes):
                self.db.write(t.held_change.insert(), [{"sync": sync, **asdict(change)} for change in page])

    def find(self, sync: str) -> HeldRow | None:
        columns = [t.held.c[name] for name in HeldRow.__slots__]
        row = self.db.first(select(*columns).where(t.held.c.sync == sync))
        return HeldRow(**{**row._asdict(), "guards": dict(json.loads(row.guards))}) if row else None

    def find_changes(self, sync: str, foreign_ids: Sequence[str]) -> set[HeldChange]:
        of_sync = select(C.foreign_id, C.action, C.content).where(C.sync == sync)
        return {HeldChange(**row._asdict()) for row in self.db.rows_among(of_sync, C.foreign_id, foreign_ids)}

    def count_changes(self, sync: str) -> dict[str, int]:
        """By action."""
        query = select(C.action, func.count().label("number")).where(C.sync == sync).group_by(C.action)
        return {row.action: row.number for row in self.db.rows(query)}

    def approve(self, sync: str, run_id: str, *, by: str, expires_at: datetime) -> bool:
        """Release what the named run held; False where another run has held something else since."""
        statement = update(t.held).where(t.held.c.sync == sync, t.held.c.run_id == run_id)
        return self.db.write(statement.values(approved_by=by, expires_at=expires_at)) == 1

    def clear(self, sync: str) -> None:
        with self.db.transaction():
            for table in (t.held, t.held_change):
                self.db.write(delete(table).where(table.c.sync == sync))
