"""Which syncs rest, because a person has said so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select

from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.pause.c
KEPT = timedelta(days=100)  # once it is over: alarms are patient for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Without an `until` it lasts until a person ends it; `by` and `why` are as they were typed."""

    sync: str
    since: datetime
    until: datetime | None
    by: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Pauses:
    """The table `pause`: the last one of each sync, also when it is over."""

    db: Transactions

    def begin(self, pause: Pause) -> None:
        """In place of an earlier one; where that is still in force, the sync has rested since then."""
        before = self.find(pause.sync, pause.since)
        since = before.since if before else pause.since
        self.db.upsert(t.pause, [asdict(replace(pause, since=since))], key=["sync"])

    def end(self, sync: str, now: datetime) -> bool:
        """False where the sync does not rest."""
        found = self.find(sync, now)
        if found:
            self.db.upsert(t.pause, [asdict(replace(found, until=now))], key=["sync"])
        return found is not None

    def find(self, sync: str, now: datetime) -> Pause | None:
        return self.in_force(now).get(sync)

    def in_force(self, now: datetime) -> Mapping[str, Pause]:
        return self._where(_is_in_force(now))

    def over(self, now: datetime) -> Mapping[str, Pause]:
        """The last ones of the syncs that rest no more; each has an `until`."""
        return self._where(~_is_in_force(now))

    def _where(self, condition: ColumnElement[bool]) -> Mapping[str, Pause]:
        return {row.sync: Pause(**row._asdict()) for row in self.db.rows(select(t.pause).where(condition))}

    def tidy(self, now: datetime) -> None:
        self.db.write(delete(t.pause).where(and_(C.until.is_not(None), C.until < now - KEPT)))


def _is_in_force(now: datetime) -> ColumnElement[bool]:
    return or_(C.until.is_(None), C.until > now)
