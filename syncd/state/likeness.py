"""Who is one person in several lists: whose record names a record of another list, and how each of them stands.

A person has one customer in go~mus, under the foreign_id of one of the lists.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table, and_, delete, exists, not_, or_, select, update

from syncd.domain.changes import Action
from syncd.domain.chunks import chunks
from syncd.domain.records import Stage
from syncd.state import tables as t
from syncd.state.transactions import PAGE, Transactions

C, OFFER, KNOWN = t.likeness.c, t.offer.c, t.known.c
Person: TypeAlias = tuple[str, str]
"""A sync, and a foreign_id of it."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """How one record stands in its own sync.

    `is_offered`: its list has given the customer up. `is_sent`: a create or another foreign_id may still come to pass.
    `is_listed`: the list has the record, and it could not be sent.
    """

    gomus_id: int | None = None
    is_known: bool = False
    is_active: bool = False  # known, and not on its way out
    is_offered: bool = False
    is_sent: bool = False
    is_listed: bool = False
    is_read: bool = False  # the list has the record, and it names another list

    @property
    def has_person(self) -> bool:
        return (self.is_known and not self.is_offered) or self.is_sent or self.is_listed or self.is_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """The other records of one person: of lists that come before its own, and of those that come after."""

    above: frozenset[Person] = frozenset()
    below: frozenset[Person] = frozenset()
    beside: frozenset[Person] = frozenset()

    @property
    def all(self) -> frozenset[Person]:
        return self.above | self.below | self.beside


@dataclass(frozen=True, slots=True)
class Likenesses:
    """The tables `likeness` and `offer`."""

    db: Transactions

    # --- questions ---

    def kin(
        self, start: Mapping[Person, Person | None], syncs: Collection[str], *, is_fresh: bool = True
    ) -> dict[Person, Kin]:
        """The kin of these records in these syncs; where they are `is_fresh`, they name what `start` says."""
        named = {one: other for one, other in start.items() if is_fresh}
        names: dict[Person, Person] = {one: other for one, other in named.items() if other}
        asked, new = set[Person](), {*start, *names.values()}
        while new:
            found = list(self._naming({foreign_id for _, foreign_id in new}, syncs))
            asked |= new
            names |= {one: other for one, other in found if one not in named}
            new = {one for pair in found for one in pair if pair[0] not in named} - asked
        return _related(start, names)

    def _naming(self, foreign_ids: Collection[str], syncs: Collection[str]) -> Iterator[tuple[Person, Person]]:
        for page in chunks(foreign_ids, PAGE // 2):
            among = (C.sync.in_(syncs), or_(C.foreign_id.in_(page), C.other_id.in_(page)))
            for row in self.db.rows(select(C.sync, C.foreign_id, C.other_sync, C.other_id).where(*among)):
                yield (row.sync, row.foreign_id), (row.other_sync, row.other_id)

    def standings(self, persons: Collection[Person]) -> dict[Person, Standing]:
        found = {one: Standing() for one in persons}
        ids = {foreign_id for _, foreign_id in persons}
        for row in self._rows(t.known, ids, found, KNOWN.gomus_id, KNOWN.stage):
            one = found[row.sync, row.foreign_id]
            one.is_known, one.gomus_id = True, row.gomus_id
            one.is_active = row.stage == Stage.ACTIVE.value and row.gomus_id is not None
        for row in self._rows(t.offer, ids, found):
            found[row.sync, row.foreign_id].is_offered = True
        for row in self._rows(t.likeness, ids, found):
            found[row.sync, row.foreign_id].is_read = True
        for table in (t.invalid, t.quarantine, t.held_change):
            for row in self._rows(table, ids, found):
                found[row.sync, row.foreign_id].is_listed = True
        making = (Action.CREATE.value, Action.LINK.value)
        for row in self._rows(t.journal, ids, found, t.journal.c.action, t.journal.c.settled_at):
            found[row.sync, row.foreign_id].is_sent |= row.settled_at is None and row.action in making
        return found

    def _rows(self, table: Table, ids: Collection[str], among: Collection[Person], *columns: Any) -> Iterator[Any]:  # noqa: ANN401 - columns and rows of any table
        c, syncs = table.c, {sync for sync, _ in among}
        query = select(c.sync, c.foreign_id, *columns).where(c.sync.in_(syncs))
        yield from (row for row in self.db.rows_among(query, c.foreign_id, ids) if (row.sync, row.foreign_id) in among)

    def is_due(self, sync: str) -> bool:
        """Whether a record of the list has to be read again: the list that it names may have given the person up."""
        here = exists().where(KNOWN.sync == C.sync, KNOWN.foreign_id == C.foreign_id)
        there = exists().where(KNOWN.sync == C.other_sync, KNOWN.foreign_id == C.other_id)
        given_up = exists().where(OFFER.sync == C.other_sync, OFFER.foreign_id == C.other_id)
        query = select(C.sync).where(C.sync == sync, not_(here), or_(not_(there), given_up))
        return self.db.first(query.limit(1)) is not None

    def each(self, sync: str) -> Iterator[list[tuple[str, datetime | None]]]:
        """Pages of ids, each with since when its record is absent."""
        last = ""
        query = select(C.foreign_id, C.absent_since).where(C.sync == sync).order_by(C.foreign_id).limit(PAGE)
        while rows := self.db.rows(query.where(C.foreign_id > last)):
            yield [(row.foreign_id, row.absent_since) for row in rows]
            last = rows[-1].foreign_id

    # --- writes ---

    def note(self, sync: str, found: "Likened", at: datetime) -> None:
        """What a read has shown."""
        for page in chunks(found.named):
            rows = [
                {"sync": sync, "foreign_id": one, "other_sync": other[0], "other_id": other[1], "absent_since": None}
                for one, other in page
            ]
            self.db.upsert(t.likeness, rows, key=["sync", "foreign_id"])
        of_sync = C.sync == sync
        self.db.write_among(update(t.likeness).where(of_sync).values(absent_since=at), C.foreign_id, found.absent)
        self.db.write_among(update(t.likeness).where(of_sync).values(absent_since=None), C.foreign_id, found.returned)
        self.db.write_among(delete(t.likeness).where(of_sync), C.foreign_id, found.over)
        if found.offered is not None:
            before = {row.foreign_id for row in self.db.rows(select(OFFER.foreign_id).where(OFFER.sync == sync))}
            withdrawn = before.difference(found.offered)
            self.db.write_among(delete(t.offer).where(OFFER.sync == sync), OFFER.foreign_id, withdrawn)
            new = [{"sync": sync, "foreign_id": one, "since": at} for one in found.offered if one not in before]
            self.db.write(t.offer.insert(), new)

    def take(self, person: Person) -> None:
        """Another list has taken the customer over."""
        self.db.write(delete(t.offer).where(OFFER.sync == person[0], OFFER.foreign_id == person[1]))

    def forget_absence(self, sync: str) -> None:
        self.db.write(update(t.likeness).where(C.sync == sync).values(absent_since=None))
        self.db.write(delete(t.offer).where(OFFER.sync == sync))

    def forget_named(self, sync: str, foreign_id: str) -> None:
        """Delete every row of another list that names a customer."""
        self.db.write(delete(t.likeness).where(and_(C.other_sync == sync, C.other_id == foreign_id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Likened:
    """What a read shows of the records that name another list; `offered` are the customers that this list gives up.

    None where the read can't tell whom it gives up.
    """

    named: Iterable[tuple[str, Person]] = ()
    absent: Collection[str] = ()
    returned: Collection[str] = ()
    over: Collection[str] = ()
    offered: Collection[str] | None = field(default=None)


def _related(start: Iterable[Person], names: Mapping[Person, Person]) -> dict[Person, Kin]:
    naming: dict[Person, set[Person]] = {}
    for one, other in names.items():
        naming.setdefault(other, set()).add(one)
    found: dict[Person, Kin] = {}
    for person in start:
        above = list(_over(person, names))
        root = above[-1] if above else person
        below, whole = _under(person, naming), _under(root, naming) | {root}
        beside = whole - below - {person, *above}
        found[person] = Kin(above=frozenset(above), below=frozenset(below), beside=frozenset(beside))
    return found


def _over(person: Person, names: Mapping[Person, Person]) -> Iterator[Person]:
    met, other = [person], names.get(person)
    while other is not None and other not in met:
        yield other
        met.append(other)
        other = names.get(other)


def _under(person: Person, naming: Mapping[Person, set[Person]]) -> set[Person]:
    found, new = set[Person](), {person}
    while new:
        new = {one for other in new for one in naming.get(other, ())} - found
        found |= new
    return found - {person}
