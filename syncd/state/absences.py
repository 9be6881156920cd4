"""What the guards remember of absence: who was erased for it lately, and under which configuration it is counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from syncd.state import tables as t
from syncd.state.transactions import Transactions

A, D = t.absence.c, t.departure.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Departures:
    """Customers erased for absence without a person's word; `known_before` were known before the first of them."""

    count: int = 0
    known_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How absence is counted: `counted_for` and `judged_for` are digests of what decides it in the configuration.

    Under the first one it is counted, under the second one a run has judged it without the guards' holding anything.
    Whoever was absent at `accepted_at` has left, as a person has said.
    """

    counted_for: bytes | None = None
    judged_for: bytes | None = None
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Absences:
    """The tables `absence` and `departure`."""

    db: Transactions

    def counting(self, sync: str) -> Counting:
        columns = [A[name] for name in Counting.__slots__]
        row = self.db.first(select(*columns).where(A.sync == sync))
        return Counting(**row._asdict()) if row else Counting()

    def count_for(self, sync: str, context: bytes) -> None:
        self.db.upsert(t.absence, [{"sync": sync, "counted_for": context}], key=["sync"])

    def judged_for(self, sync: str, context: bytes) -> None:
        self.db.upsert(t.absence, [{"sync": sync, "judged_for": context}], key=["sync"])

    def accept(self, sync: str, at: datetime) -> None:
        self.db.upsert(t.absence, [{"sync": sync, "accepted_at": at}], key=["sync"])

    def note_departure(self, sync: str, run_id: str, *, counts: bool, at: datetime) -> None:
        """Note that a customer of the run is erased; `counts` where no person has decided so."""
        of_run = update(t.departure).where(D.sync == sync, D.run_id == run_id)
        if not self.db.write(of_run.values(last_at=at, count=D.count + int(counts))):
            known = select(func.count()).where(t.known.c.sync == sync).scalar_subquery()
            first = t.departure.insert().values(sync=sync, run_id=run_id, known=known, count=int(counts))
            self.db.write(first.values(first_at=at, last_at=at))

    def departures(self, sync: str, since: datetime) -> Departures:
        lately = (D.sync == sync, D.last_at > since)
        first = self.db.first(select(D.known).where(*lately).order_by(D.first_at).limit(1))
        if first is None:
            return Departures()
        count = self.db.rows(select(func.sum(D.count)).where(*lately))[0][0]
        return Departures(count=int(count), known_before=first.known)

    def forget_departures(self, sync: str, before: datetime) -> None:
        self.db.write(delete(t.departure).where(D.sync == sync, D.last_at < before))
