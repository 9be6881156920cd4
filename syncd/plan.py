"""Drawing up a plan: a source is read once, in chunks, and compared with what is known. Nothing is written anywhere.

The records flow into a `Reading`; only when the read is complete does `close` turn it into a `Snapshot`, and only a
snapshot can say who is absent. The guards then see the whole plan before anything of it is carried out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from syncd.changes import Cause, Change, Create, Erase, Update
from syncd.chunks import chunks
from syncd.diff import (
    Absence,
    AbsencePolicy,
    Decision,
    DeleteMode,
    Memory,
    Verdict,
    compare,
    judge_absence,
)
from syncd.digest import Digester
from syncd.guards import Figures, Held
from syncd.ledger import Found, Recall
from syncd.lookups import Lookup
from syncd.mapping import Mapper
from syncd.records import FieldProblem, InvalidRecord, KnownBrief, SourceRecord, Standing
from syncd.spool import Seen, Spool

C = TypeVar("C", bound=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of one run, as data: values are in the spool, everything else may be shown and logged."""

    source: str  # what was read, for people
    spool: Spool
    figures: Figures
    counts: Mapping[str, int]
    fields: Mapping[str, int]  # go~mus field → how many updates change it
    found: Found

    def changes(self) -> Iterator[Change]:
        for kind in (Create, Update, Erase):
            yield from self.spool.changes(kind)

    def held_by(self, held: Sequence[Held]) -> Iterator[Change]:
        return (change for change in self.changes() if any(guard.holds(change) for guard in held))

    def released(self, kind: type[C], held: Sequence[Held]) -> Iterator[C]:
        """The changes of one kind that none of these guards holds."""
        return (change for change in self.spool.changes(kind) if not any(guard.holds(change) for guard in held))


@dataclass(slots=True, kw_only=True)
class Reading:
    """A read under way. It can take records in; it can't say who is absent."""

    source: str
    spool: Spool
    recall: Recall
    mapper: Mapper
    lookups: Mapping[str, Lookup]
    digester: Digester
    context: bytes  # what else decides the mapping of a record: a change of it makes every record be mapped again
    returned: list[int] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    def take(self, records: Sequence[SourceRecord]) -> None:
        """Compare one chunk with what is known and spool what follows from it."""
        read: list[tuple[str, SourceRecord, bytes]] = []
        for record in records:
            source = self.digester.source(record.values, self.context)
            foreign_id = self.mapper.foreign_id_of(record)
            if isinstance(foreign_id, FieldProblem):
                self._take_nameless(record, source, foreign_id)
            else:
                read.append((foreign_id, record, source))
        self.tally["records"] += len(records)
        ids = list({foreign_id for foreign_id, _, _ in read})
        seen = self.spool.find_seen(ids)
        fresh: dict[str, tuple[SourceRecord, bytes]] = {}
        for foreign_id, record, source in read:
            if foreign_id in seen:
                self._take_again(seen, foreign_id, record, source)
            elif foreign_id in fresh:
                seen |= self._decide({foreign_id: fresh.pop(foreign_id)})
                self._take_again(seen, foreign_id, record, source)
            else:
                fresh[foreign_id] = (record, source)
        self._decide(fresh)

    def _take_nameless(self, record: SourceRecord, source: bytes, problem: FieldProblem) -> None:
        invalid = self.mapper.customer(record, self.lookups)
        if not isinstance(invalid, InvalidRecord):
            invalid = InvalidRecord(foreign_id=None, position=record.position, problems=(problem,))
        self.spool.add_invalid([invalid])
        while not self.spool.add_nameless(source):  # the second of two alike counts as one more
            source = self.digester.source({}, source)

    def _take_again(self, seen: dict[str, Seen], foreign_id: str, record: SourceRecord, source: bytes) -> None:
        """A second record with an id that was read before: the same again, or a contradiction."""
        first = seen[foreign_id]
        if first.source == source and first.verdict is not Verdict.CONTRADICTED:
            self.tally["duplicates"] += 1
            return
        positions = [record.position]
        if first.verdict is not Verdict.CONTRADICTED:
            self.spool.withdraw(foreign_id)
            if first.verdict is not Verdict.INVALID:
                positions.insert(0, first.position)
            seen[foreign_id] = Seen(foreign_id, first.source, Verdict.CONTRADICTED, first.position)
            self.spool.note_seen([seen[foreign_id]])
        reason = f"stands more than once, with different contents (first: {first.position})"
        problem = FieldProblem(field="foreign_id", reason=reason)
        self.spool.add_invalid(
            InvalidRecord(foreign_id=foreign_id, position=position, problems=(problem,)) for position in positions
        )

    def _decide(self, fresh: Mapping[str, tuple[SourceRecord, bytes]]) -> dict[str, Seen]:
        ids = list(fresh)
        known = self.recall.known(ids)
        buried = self.recall.buried(ids)
        refused = self.recall.refused(ids)
        seen: dict[str, Seen] = {}
        changes: list[Change] = []
        for foreign_id, (record, source) in fresh.items():
            memory = Memory(known=known.get(foreign_id), buried=buried.get(foreign_id), refused=refused.get(foreign_id))
            if memory.known and memory.known.absent_since:
                self.returned.append(memory.known.row)
            decision = self._decide_one(foreign_id, record, source, memory)
            if decision.change:
                changes.append(decision.change)
            seen[foreign_id] = Seen(foreign_id, source, decision.verdict, record.position)
        self.spool.add_changes(changes)
        self.spool.note_seen(seen.values())
        return seen

    def _decide_one(self, foreign_id: str, record: SourceRecord, source: bytes, memory: Memory) -> Decision:
        known = memory.known
        if known and known.source == source and known.standing is Standing.ACTIVE and not memory.refused:
            return Decision(Verdict.UNCHANGED)  # the same record as at the last acceptance: no need to map it
        customer = self.mapper.customer(record, self.lookups)
        if isinstance(customer, InvalidRecord):
            if memory.buried is Cause.REQUEST:
                customer = replace(customer, foreign_id=None)
            self.spool.add_invalid([customer])
            return Decision(Verdict.INVALID)
        decision = compare(customer, self.digester.customer(customer.fields), memory, source=source)
        if decision.verdict is Verdict.ERASED:
            # Without its id: the tombstone is all that may tell of the person.
            reason = "was erased on request and is not sent again: take the record out of the source"
            problem = FieldProblem(field="foreign_id", reason=reason)
            self.spool.add_invalid([InvalidRecord(foreign_id=None, position=record.position, problems=(problem,))])
        if decision.digests:
            self.spool.add_relearned(foreign_id, source, decision.digests)
        return decision

    def close(self) -> "Snapshot":
        """To be called when the source has ended by itself, and only then."""
        return Snapshot(reading=self)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete, verified read."""

    reading: Reading

    def absent(self) -> Iterator[KnownBrief]:
        """The known customers that the read did not hold."""
        for page in chunks(self.reading.recall.each_known()):
            absent = self.reading.spool.absent_among([known.foreign_id for known in page])
            yield from (known for known in page if known.foreign_id in absent)


def read_whole(records: Iterable[SourceRecord], reading: Reading, progress: Callable[[int], None]) -> Snapshot:
    """Read to the end; IncompleteRead passes through and leaves no snapshot behind."""
    for chunk in chunks(records):
        reading.take(chunk)
        progress(reading.tally["records"])
    return reading.close()


def draw_up(snapshot: Snapshot, *, now: datetime, mode: DeleteMode, grace: timedelta) -> Plan:
    """Turn a complete read into a plan. The guards have not been asked yet."""
    reading = snapshot.reading
    spool, recall = reading.spool, reading.recall
    known_nameless = recall.nameless()
    nameless = {digest: known_nameless.get(digest, now) for digest in spool.nameless()}
    policy = AbsencePolicy(mode=mode, grace=grace, hidden_since=max(nameless.values(), default=None))
    tally = reading.tally
    newly_absent: list[int] = []
    for page in chunks(_active(snapshot.absent())):
        newly_absent += [known.row for known in page if known.absent_since is None]
        judged = [(known, judge_absence(known.absent_since, now=now, policy=policy)) for known in page]
        tally.update(verdict.value for _, verdict in judged if verdict is not Absence.DUE)
        due = [known for known, verdict in judged if verdict is Absence.DUE]
        refused = recall.refused([known.foreign_id for known in due])
        tally["quarantined"] += len(refused)
        spool.add_changes(_erasure(known, mode) for known in due if known.foreign_id not in refused)
    fields, cleared = _count_fields(spool.changes(Update))
    verdicts = spool.count_verdicts()
    tally.update({verdict.value: count for verdict, count in verdicts.items() if verdict not in UNCOUNTED})
    tally["unchanged"] = verdicts.get(Verdict.UNCHANGED, 0) + verdicts.get(Verdict.RELEARNED, 0)
    tally["invalid"] = spool.count_invalid()
    tally["delete"] = spool.count_changes(Erase)
    return Plan(
        source=reading.source,
        spool=spool,
        figures=Figures(
            known=recall.count_known(),
            records=tally["records"],
            invalid=tally["invalid"],
            deletes=tally["delete"],
            vanished=len(newly_absent),
            unknown=tally["create"],
            updates=tally["update"],
            cleared=cleared,
        ),
        counts={name: count for name, count in sorted(tally.items()) if count},
        fields=fields,
        found=Found(
            newly_absent=newly_absent,
            returned=reading.returned,
            mended=_mended(spool, recall),
            nameless=nameless,
            relearned=spool.relearned(),
        ),
    )


UNCOUNTED = {
    Verdict.UNCHANGED,
    Verdict.RELEARNED,
    Verdict.INVALID,
    Verdict.CONTRADICTED,
    Verdict.ERASED,
}  # counted otherwise


def _mended(spool: Spool, recall: Recall) -> list[str]:
    mended: list[str] = []
    for page in chunks(recall.set_aside()):
        seen, known = spool.find_seen(page), recall.known(page)
        in_order = (Verdict.UNCHANGED, Verdict.RELEARNED)
        mended += [name for name in page if (seen[name].verdict in in_order if name in seen else name not in known)]
    return mended


def _active(absent: Iterable[KnownBrief]) -> Iterator[KnownBrief]:
    """Erasures that have begun are finished at the start of a run, whatever the source says."""
    return (known for known in absent if known.standing is Standing.ACTIVE and known.gomus_id is not None)


def _erasure(known: KnownBrief, mode: DeleteMode) -> Erase:
    assert known.gomus_id is not None  # noqa: S101 - `_active` lets no other through
    return Erase(
        foreign_id=known.foreign_id,
        gomus_id=known.gomus_id,
        cause=Cause.ABSENCE,
        keep=mode is DeleteMode.ANONYMIZE,
    )


def _count_fields(updates: Iterable[Update]) -> tuple[Counter[str], Counter[str]]:
    changed: Counter[str] = Counter()
    cleared: Counter[str] = Counter()
    for update in updates:
        changed.update(update.fields.keys())
        cleared.update(update.cleared)
    return changed, cleared
