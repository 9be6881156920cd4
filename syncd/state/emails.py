"""Who has which e-mail address, so that it is seen where two would share one: keyed digests, never an address."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select

from syncd.domain.chunks import chunks
from syncd.state import tables as t
from syncd.state.connect import advisory_key
from syncd.state.transactions import Transactions

C = t.email.c


class Hold(Enum):
    HAS = "has"  # go~mus shows it at the customer
    MAY_GET = "may get"  # a call that gives it may go out, or has gone out, and its end is not known yet
    WAITS = "waits"  # it is not sent, for somebody else has it


@dataclass(frozen=True, slots=True)
class Holder:
    sync: str
    foreign_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailsRead:
    """What a read showed of e-mail addresses, as digests. `among`: whom the read held, where it did not hold all."""

    held: Iterable[tuple[str, bytes | None]] | None  # by those whom go~mus has with it; None where none is mapped
    waiting: Mapping[str, bytes]  # for an address that somebody else has
    among: Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Emails:
    """The table `email`. A digest is of an address at one instance, so equal ones are of one address there."""

    db: Transactions

    # --- questions ---

    def holders(self, digests: Collection[bytes]) -> dict[bytes, list[Holder]]:
        """Who has each of these addresses, or may get it."""
        query = select(C.digest, C.sync, C.foreign_id).where(C.hold != Hold.WAITS.value)
        found: dict[bytes, list[Holder]] = {}
        for row in self.db.rows_among(query.order_by(C.sync, C.foreign_id), C.digest, digests):
            found.setdefault(row.digest, []).append(Holder(row.sync, row.foreign_id))
        return found

    def is_one_free(self, sync: str) -> bool:
        """Whether somebody of the sync waits for an address that nobody has any more."""
        other = t.email.alias()
        is_other = or_(other.c.sync != C.sync, other.c.foreign_id != C.foreign_id)
        has_it = exists().where(other.c.digest == C.digest, other.c.hold != Hold.WAITS.value, is_other)
        return self.db.first(select(C.sync).where(_waits(sync), ~has_it).limit(1)) is not None

    def is_waiting(self, sync: str) -> bool:
        return self.db.first(select(C.sync).where(_waits(sync)).limit(1)) is not None

    def waiting(self, sync: str) -> dict[str, list[Holder]]:
        """Who of the sync waits for an address, and who has it."""
        rows = self.db.rows(select(C.foreign_id, C.digest).where(_waits(sync)).order_by(C.foreign_id))
        digests = {row.foreign_id: row.digest for row in rows}
        return self._others(sync, digests)

    def shared(self, sync: str) -> dict[str, list[Holder]]:
        """Who of the sync has an address that others have too, and who they are; in the order of the ids."""
        own = select(C.foreign_id, C.digest).where(C.sync == sync, C.hold == Hold.HAS.value, C.digest.in_(_SHARED))
        digests = {row.foreign_id: row.digest for row in self.db.rows(own.order_by(C.foreign_id))}
        return self._others(sync, digests)

    def _others(self, sync: str, digests: Mapping[str, bytes]) -> dict[str, list[Holder]]:
        holders = self.holders(set(digests.values()))
        return {
            foreign_id: [one for one in holders.get(digest, ()) if one != Holder(sync, foreign_id)]
            for foreign_id, digest in digests.items()
        }

    def shared_with(self, sync: str, foreign_id: str) -> list[Holder]:
        """Who else has the address of this customer, or the one that it waits for."""
        own = select(C.digest).where(C.sync == sync, C.foreign_id == foreign_id)
        holders = self.holders({row.digest for row in self.db.rows(own)})
        return sorted({one for some in holders.values() for one in some} - {Holder(sync, foreign_id)}, key=repr)

    def count_shared(self) -> dict[str, int]:
        """How many customers of each sync have an address that others have too."""
        counted = select(C.sync, func.count().label("number")).where(C.hold == Hold.HAS.value, C.digest.in_(_SHARED))
        return {row.sync: row.number for row in self.db.rows(counted.group_by(C.sync))}

    # --- what go~mus has ---

    def put(self, sync: str, digests: Iterable[tuple[str, bytes | None]]) -> None:
        """These customers have these addresses now, and no others; None: none, or one that is not known."""
        for page in chunks(digests):
            had = delete(t.email).where(C.sync == sync, C.hold == Hold.HAS.value)
            self.db.write_among(had, C.foreign_id, [foreign_id for foreign_id, digest in page if digest is None])
            self._upsert(sync, Hold.HAS, {one: digest for one, digest in page if digest is not None})

    def note(self, sync: str, read: EmailsRead) -> None:
        """What a read showed."""
        if read.held is None:
            self.forget_sync(sync)
            return
        self.put(sync, read.held)
        self.stop_waiting(sync, read.among)
        self.wait(sync, read.waiting)

    def hand_over(self, giver: Holder, taker: Holder) -> None:
        """A customer has another foreign_id now, and its address under that one."""
        had = select(C.digest).where(C.sync == giver.sync, C.foreign_id == giver.foreign_id, C.hold == Hold.HAS.value)
        if row := self.db.first(had):
            self._upsert(taker.sync, Hold.HAS, {taker.foreign_id: row.digest})
        self.forget(giver.sync, [giver.foreign_id])

    def forget(self, sync: str, foreign_ids: Collection[str]) -> None:
        """These customers have no address any more that anybody could share."""
        self.db.write_among(delete(t.email).where(C.sync == sync), C.foreign_id, foreign_ids)

    def forget_sync(self, sync: str) -> None:
        self.db.write(delete(t.email).where(C.sync == sync))

    # --- who may get one ---

    def lock(self, address: bytes) -> None:
        """In the transaction that is open: nobody else gives out an address of this instance until it ends."""
        if self.db.engine.dialect.name == "postgresql":  # SQLite has one writer at a time
            self.db.rows(select(func.pg_advisory_xact_lock(advisory_key(f"emails {address.hex()}"))))

    def let_get(self, sync: str, digests: Mapping[str, bytes]) -> None:
        self._upsert(sync, Hold.MAY_GET, digests)

    def settle(self, sync: str, foreign_ids: Sequence[str]) -> None:
        """The calls that may have given these customers an address have ended."""
        self.db.write_among(delete(t.email).where(_may_get(sync)), C.foreign_id, foreign_ids)

    def settle_others(self, sync: str, begun: Collection[str]) -> None:
        """No call has begun for anybody but these."""
        may_get = self.db.rows(select(C.foreign_id).where(_may_get(sync)))
        self.settle(sync, [row.foreign_id for row in may_get if row.foreign_id not in begun])

    def got(self, sync: str, foreign_id: str) -> None:
        """The call that may have given this customer an address has done so."""
        row = self.db.first(select(C.digest).where(_may_get(sync), C.foreign_id == foreign_id))
        if row:
            self.put(sync, [(foreign_id, row.digest)])
            self.settle(sync, [foreign_id])

    def wait(self, sync: str, digests: Mapping[str, bytes]) -> None:
        self._upsert(sync, Hold.WAITS, digests)

    def stop_waiting(self, sync: str, among: Iterable[str] | None = None) -> None:
        """Nobody of the sync waits, or of these."""
        waiting = delete(t.email).where(_waits(sync))
        if among is None:
            self.db.write(waiting)
        elif self.is_waiting(sync):
            self.db.write_among(waiting, C.foreign_id, among)

    def _upsert(self, sync: str, hold: Hold, digests: Mapping[str, bytes]) -> None:
        rows = [
            {"sync": sync, "foreign_id": one, "hold": hold.value, "digest": digest} for one, digest in digests.items()
        ]
        self.db.upsert(t.email, rows, key=["sync", "foreign_id", "hold"])


# By the index alone: there may be a million rows
_SHARED = select(C.digest).where(C.hold == Hold.HAS.value).group_by(C.digest).having(func.count() > 1)


def _waits(sync: str) -> ColumnElement[bool]:
    return and_(C.sync == sync, t.NOT_HAD, C.hold == Hold.WAITS.value)


def _may_get(sync: str) -> ColumnElement[bool]:
    return and_(C.sync == sync, t.NOT_HAD, C.hold == Hold.MAY_GET.value)
