"""Compares records with what is known while they are read, chunk by chunk, and spools the changes that follow."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from syncd import reasons
from syncd.domain.changes import Cause, Change, Create
from syncd.domain.diff import Decision, Memory, Verdict, compare
from syncd.domain.records import (
    SCHEME,
    Customer,
    FieldProblem,
    InvalidRecord,
    Position,
    SourceRecord,
)
from syncd.domain.sharing import EMAIL
from syncd.letters.misread import Words
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.plan.claims import NONE, find_claims
from syncd.plan.identity import Identities
from syncd.plan.kinship import FREE, Bond, Kinship
from syncd.plan.objections import earlier_of, of_another_sync, shifted, standing_twice
from syncd.plan.recognising import Digested, Recognition, RecognitionByChunk, recognise
from syncd.plan.sent import take_words
from syncd.plan.sharing import Sharing
from syncd.plan.spool import Seen, Spool
from syncd.plan.wanting import digest_wanted
from syncd.sources.base import Reading, ReadKind
from syncd.state.recall import Recall


@dataclass(kw_only=True)
class Comparison:
    """The comparison of a read that is under way. It takes records in; it can't say who is absent.

    `is_doubtful`: only another read can make sure of something, so the watermark must stay. `may_hide`: a record may
    have slipped from one page to another unseen. `forgotten`: those whose erasure on request only the ledger knows.
    """

    reading: Reading
    spool: Spool
    recall: Recall
    mapper: Mapper
    lookups: Mapping[str, Lookup]
    context: bytes  # what else decides the mapping of a record: a change of it makes every record be mapped again
    reach: bytes  # what decides besides who is in the source
    today: date  # where the museum is, for `where`
    returned: list[int] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    is_doubtful: bool = False
    may_hide: bool = False
    forgotten: list[str] = field(default_factory=list)
    unsure_note: str | None = None  # what a later read must know of the unsure record: digests
    words: Words = field(default_factory=Words)  # of what would be sent
    recognises: bool = True
    recognition: Recognition | None = None
    looked_at: int = 0  # so many records, to recognise them
    named: dict[str, str | FieldProblem | None] = field(default_factory=dict)  # of one chunk: by `same_as`
    bonds: Mapping[str, Bond] = field(default_factory=dict)  # of one chunk
    unjudged: dict[Position, FieldProblem] = field(default_factory=dict)  # of one chunk: why `where` can't be judged

    @property
    def is_snapshot(self) -> bool:
        return self.reading.kind is ReadKind.SNAPSHOT

    @cached_property
    def nameless_before(self) -> Mapping[bytes, datetime]:
        return self.recall.store.failures.nameless(self.recall.sync)

    @cached_property
    def _digest_raw(self) -> Callable[[Sequence[bytes]], list[bytes]]:
        """Digests records as they stand in a file: the same where file, form and configuration are the same."""
        context = b"".join(map(self.recall.digester.context, (self.context, self.reach, self.reading.dialect or b"")))
        return self.recall.digester.raw(bytes([SCHEME]) + context)

    def digest(self, record: SourceRecord) -> bytes:
        if record.raw is not None:
            return self._digest_raw([record.raw])[0]
        return self.recall.digester.source(record.values, self.context)

    def recognise(self, progress: Callable[[int], None], stop_if_asked: Callable[[], None], *, is_twice: bool) -> None:
        """Pass over the records that led to what go~mus holds, where they are what they were then.

        A file may be read twice for it: it is not to be believed in parts then.
        """

        def look(count: int) -> None:
            stop_if_asked()
            self.looked_at = count
            progress(count)

        may_recognise = self.recognises and self.is_snapshot and not self.lacks_emails
        has_known = may_recognise and bool(self.recall.store.known.witnesses(self.recall.sync, 1))
        if not has_known or self.recall.is_ledger_ahead():
            return
        if is_twice and self.reading.dialect is not None:
            self.recognition = recognise(self.reading, self.spool, self.recall, self._digest_raw, look)
        else:
            self.recognition = RecognitionByChunk(self.recall)

    def seen_among(self, foreign_ids: Sequence[str]) -> dict[str, Seen]:
        """Those of them who have been read. Who was recognised is in the spool from now on."""
        if self.recognition and self.recognition.marks:
            found = self.recall.store.known.find_digests(self.recall.sync, foreign_ids)
            self.spool.note_seen(
                Seen(foreign_id, digest or b"", Verdict.UNCHANGED, self.recognition.position(line))
                for foreign_id, row, digest in found
                if (line := self.recognition.marks.take_back(row))
            )
        return self.spool.find_seen(foreign_ids)

    def present_among(self, foreign_ids: Sequence[str]) -> set[str]:
        """Those of them who are in the source: read, and not told to be gone."""
        self.seen_among(foreign_ids)
        return self.spool.present_among(foreign_ids)

    def count_verdicts(self) -> Counter[Verdict]:
        recognised = len(self.recognition.marks) if self.recognition else 0
        return Counter(self.spool.count_verdicts()) + Counter({Verdict.UNCHANGED: recognised})

    @cached_property
    def lacks_emails(self) -> bool:
        return EMAIL in self.mapper.writes and self.recall.lacks_emails()

    @cached_property
    def sharing(self) -> Sharing:
        return Sharing(spool=self.spool, recall=self.recall)

    @cached_property
    def kinship(self) -> Kinship:
        return Kinship(recall=self.recall, mapper=self.mapper)

    @cached_property
    def _identities(self) -> Identities:
        return Identities(self.mapper, self.recall)

    def take(self, records: Sequence[SourceRecord]) -> None:
        """Compare one chunk with what is known, and spool the changes that follow."""
        read: list[tuple[str, SourceRecord, bytes]] = []
        self.tally["records"] += len(records)
        counting = self._sift([(record, self.digest(record)) for record in self._that_count(records)])
        identities = self._identities.of([record for record, _ in counting])
        for (record, source_digest), foreign_id in zip(counting, identities, strict=True):
            if isinstance(foreign_id, FieldProblem):
                self._take_nameless(record, source_digest)
            else:
                if doubt := self._doubt_about(record):
                    self._list_doubtful(foreign_id, record, doubt)
                read.append((foreign_id, record, source_digest))
        self.may_hide |= self.reading.unsure is not None
        ids = list({foreign_id for foreign_id, _, _ in read})
        seen = self.seen_among(ids)
        fresh: dict[str, tuple[SourceRecord, bytes]] = {}
        for foreign_id, record, source_digest in read:
            if foreign_id in fresh:
                seen |= self._decide({foreign_id: fresh.pop(foreign_id)})
            if foreign_id in seen:
                self._take_again(seen, foreign_id, record, source_digest)
            else:
                fresh[foreign_id] = (record, source_digest)
        self._decide(fresh)

    def _sift(self, records: Sequence[Digested]) -> Sequence[Digested]:
        """Those that have to be looked at."""
        if self.recognition is None:
            return records
        return self.recognition.sift(records, lambda record: not (record.deleted or self._doubt_about(record)))

    def _that_count(self, records: Sequence[SourceRecord]) -> Iterator[SourceRecord]:
        """Those that `where` does not leave out: whoever is left out is not in a snapshot, and deleted in changes.

        Who went into another one is left out of many lists, and has to be known all the same.
        """
        self.unjudged.clear()
        for record in records:
            counts = self.mapper.counts(record, self.today)
            if isinstance(counts, FieldProblem):
                self.unjudged[record.position] = counts
            elif not counts and not self._is_cut(record) and self.mapper.merged_into(record) is None:
                self.tally["filtered"] += 1
                if self.is_snapshot:
                    continue
                record = replace(record, deleted=True)  # noqa: PLW2901 - the same record
            yield record

    def _is_cut(self, record: SourceRecord) -> bool:
        """Whether a cell of the record may be cut off, so that neither its value nor `where` is believed."""
        return self.reading.doubt_about(record) is not None and not self._is_shown_again(self.digest(record))

    def _doubt_about(self, record: SourceRecord) -> FieldProblem | None:
        return self.reading.doubt_about(record) or self.unjudged.get(record.position)

    def _take_nameless(self, record: SourceRecord, source_digest: bytes) -> None:
        invalid = self.mapper.customer(record, self.lookups)
        assert isinstance(invalid, InvalidRecord)  # noqa: S101 - without an id it is no customer
        if doubt := self._doubt_about(record):
            invalid = replace(invalid, problems=(doubt,))
        self._list_without_id(invalid, source_digest)
        while not self.spool.add_nameless(source_digest):  # the second of two alike counts as one more
            source_digest = self.recall.digester.source({}, source_digest)

    def _list_without_id(self, invalid: InvalidRecord, source_digest: bytes) -> None:
        """List it once: changes near the cursor come with every read."""
        if self.is_snapshot or source_digest not in self.nameless_before:
            self.spool.add_invalid([invalid])

    def _take_again(self, seen: dict[str, Seen], foreign_id: str, record: SourceRecord, source_digest: bytes) -> None:
        """Take a record whose id was read before: a repetition, a later state, or a contradiction."""
        first = seen[foreign_id]
        was_gone = first.verdict is Verdict.GONE
        slipped = self.reading.shifts and record.position.source != first.position.source
        if record.deleted or was_gone:
            # One id, two records, of which one is deleted: whoever still stands there is not gone.
            self.is_doubtful |= not (record.deleted and was_gone)
            if was_gone and not record.deleted:
                seen |= self._decide({foreign_id: (record, source_digest)})
        elif first.source_digest == source_digest and first.verdict is not Verdict.CONTRADICTED:
            self.tally["duplicates"] += 1
            if slipped and self.is_snapshot:
                raise shifted(record, first)
            self.is_doubtful |= slipped
        elif self.is_snapshot and first.verdict is Verdict.ERASED:
            self.tally["duplicates"] += 1  # whatever it says: the person is listed, without an id
        elif self.is_snapshot:
            self.may_hide |= slipped
            self._contradict(seen, first, record)
        else:
            self.is_doubtful |= slipped
            self.spool.withdraw(foreign_id)
            self.spool.forget_invalid(foreign_id)
            seen |= self._decide({foreign_id: (record, source_digest)})

    def _contradict(self, seen: dict[str, Seen], first: Seen, record: SourceRecord) -> None:
        foreign_id, positions = first.foreign_id, [record.position]
        earlier = earlier_of(first.position, record.position)  # who was recognised may stand behind
        if first.verdict is not Verdict.CONTRADICTED:
            self.spool.withdraw(foreign_id)
            if first.verdict is not Verdict.INVALID:
                positions.insert(0, first.position)
            seen[foreign_id] = Seen(foreign_id, first.source_digest, Verdict.CONTRADICTED, earlier)
            self.spool.note_seen([seen[foreign_id]])
        self.spool.add_invalid(standing_twice(foreign_id, position, earlier) for position in positions)

    def _decide(self, fresh: Mapping[str, tuple[SourceRecord, bytes]]) -> dict[str, Seen]:
        ids = list(fresh)
        known = self.recall.store.known.find(self.recall.sync, ids)
        if self.recognition:
            self.recognition.spend(one.row for one in known.values())
        tombstones = self.recall.tombstones(ids)
        self.forgotten += self.recall.forgotten(ids)
        refused = self.recall.refused(ids)
        owners = self.recall.owners(ids)
        new = {one: record for one, (record, _) in fresh.items() if one not in known}
        claims = find_claims(self.mapper, self.recall, new) if new else {}
        self.named = self.kinship.named({one: record for one, (record, _) in fresh.items()})
        self.bonds = self.kinship.bonds(self.named, known)
        erased = {one for one, bond in self.bonds.items() if bond.is_erased}
        seen: dict[str, Seen] = {}
        changes: list[Change] = []
        for foreign_id, (record, source_digest) in fresh.items():
            memory = Memory(
                known=known.get(foreign_id),
                tombstone=Cause.REQUEST if foreign_id in erased else tombstones.get(foreign_id),
                refused=refused.get(foreign_id),
                is_unclear=foreign_id in self.recall.unclear,
                owner=owners.get(foreign_id),
                gomus_id=claims.get(foreign_id, NONE).gomus_id,
                is_decided=claims.get(foreign_id, NONE).is_decided,
                doubt=claims.get(foreign_id, NONE).problem,
            )
            if memory.known and memory.known.absent_since and not record.deleted:
                self.returned.append(memory.known.row)
            decision = self._decide_one(foreign_id, record, source_digest, memory)
            if decision.change:
                changes.append(decision.change)
            seen[foreign_id] = Seen(foreign_id, source_digest, decision.verdict, record.position)
        self.spool.add_changes(changes)
        self.sharing.flush()
        self.spool.note_seen(seen.values())
        for change in changes:
            take_words(self.words, change)
        return seen

    def _decide_unmapped(self, foreign_id: str, record: SourceRecord, memory: Memory) -> Decision | None:
        """What can be decided without a look at the fields; None where it can't."""
        is_erased = memory.tombstone is Cause.REQUEST
        if not is_erased and (merged := self._judge_merger(foreign_id, record, memory)):
            return merged
        if record.deleted:
            return Decision(Verdict.GONE)
        if memory.owner and not is_erased:
            self.spool.add_invalid([of_another_sync(record, foreign_id, memory.owner)])
            return Decision(Verdict.INVALID)
        if record.position in self.unjudged or self._is_cut(record):
            return Decision(Verdict.INVALID)
        if memory.known and memory.known.gomus_id in self.recall.linking:
            return Decision(Verdict.WAITING)
        return None if is_erased else self._decide_by_kin(foreign_id, record)

    def _decide_by_kin(self, foreign_id: str, record: SourceRecord) -> Decision | None:
        """Of a record whose person stands in another list, too."""
        named, bond, other = self.named.get(foreign_id), self.bonds.get(foreign_id, FREE), self.mapper.same_list
        if isinstance(named, FieldProblem):
            self.spool.add_invalid([InvalidRecord(foreign_id=foreign_id, position=record.position, problems=(named,))])
            return Decision(Verdict.INVALID)
        is_twice = named is not None and self.spool.is_person_due(named)
        if named is not None and other is not None:
            self.spool.add_likeness(foreign_id, (other, named))
        if bond.stays:
            self.spool.add_merger(foreign_id, bond.stays, is_own=False)
            return Decision(Verdict.MERGED)
        if bond.verdict or is_twice:
            return Decision(bond.verdict or Verdict.SAME)
        return None

    def _decide_one(self, foreign_id: str, record: SourceRecord, source_digest: bytes, memory: Memory) -> Decision:
        known = memory.known
        if unmapped := self._decide_unmapped(foreign_id, record, memory):
            return unmapped
        if known and known.remembers(source_digest) and not self.lacks_emails:
            return Decision(Verdict.UNCHANGED)  # the same record as at the last acceptance: no need to map it
        if self.mapper.errands and memory.tombstone is not Cause.REQUEST:
            self.spool.add_errands([(foreign_id, self.mapper.errands.of(record.values, self.today))])
        customer = self._customer(foreign_id, record, memory)
        if isinstance(customer, InvalidRecord):
            if memory.tombstone is Cause.REQUEST:
                self._list_erased(foreign_id, customer)
                return Decision(Verdict.ERASED)
            self.spool.add_invalid([customer])
            return Decision(Verdict.INVALID)
        wanted = digest_wanted(customer, memory, self.recall.digester, self.mapper.writes)
        decision = self._claim(compare(customer, wanted, memory, source_digest=source_digest))
        self.sharing.note(customer, wanted, memory, decision)
        if decision.verdict is Verdict.ERASED:
            problem = FieldProblem(field="foreign_id", reason=reasons.ERASED.tell())
            self._list_erased(foreign_id, InvalidRecord(foreign_id=None, position=record.position, problems=(problem,)))
        if decision.digests:
            self.spool.add_relearned(foreign_id, source_digest, decision.digests)
        return decision

    def _claim(self, decision: Decision) -> Decision:
        """Whoever has a customer under the foreign_id of another list gets that one, and no new one."""
        create = decision.change
        if not isinstance(create, Create) or create.foreign_id not in self.named:
            return decision
        self.spool.note_due(create.foreign_id)
        if (taken := self.bonds.get(create.foreign_id, FREE).taken) is None:
            return decision
        self.spool.add_takeover(create, taken)
        return Decision(Verdict.TAKEN_OVER)

    def _judge_merger(self, foreign_id: str, record: SourceRecord, memory: Memory) -> Decision | None:
        """Of a record that went into another one: whether that makes sense, the whole read will tell."""
        into, merger = self.mapper.merged_into(record), self.recall.mergers.get(foreign_id)
        if isinstance(into, FieldProblem):
            self.spool.add_invalid([InvalidRecord(foreign_id=foreign_id, position=record.position, problems=(into,))])
            return Decision(Verdict.INVALID)
        if into is not None:
            self.spool.add_merger(foreign_id, self._identities.known_as.get(into, into))
        elif record.deleted or merger is None or merger.is_open or memory.known:
            return None
        return Decision(Verdict.MERGED)

    def _customer(self, foreign_id: str, record: SourceRecord, memory: Memory) -> Customer | InvalidRecord:
        if memory.gomus_id is not None and memory.tombstone is not Cause.REQUEST:
            self.spool.add_claims([(foreign_id, memory.gomus_id)])
        customer = self.mapper.customer(record, self.lookups, known_as=foreign_id)
        if memory.doubt is None:
            return customer
        problems = customer.problems if isinstance(customer, InvalidRecord) else ()
        return InvalidRecord(foreign_id=foreign_id, position=record.position, problems=(*problems, memory.doubt))

    def _list_doubtful(self, foreign_id: str, record: SourceRecord, doubt: FieldProblem) -> None:
        if self.recall.tombstones([foreign_id]).get(foreign_id) is Cause.REQUEST:
            self._list_erased(foreign_id, InvalidRecord(foreign_id=None, position=record.position, problems=(doubt,)))
        else:
            self.spool.add_invalid([InvalidRecord(foreign_id=foreign_id, position=record.position, problems=(doubt,))])

    def _is_shown_again(self, source_digest: bytes) -> bool:
        """Whether an earlier state of the source had the unsure record as its last one too. Notes it for the next."""
        unsure = self.reading.unsure
        if unsure is None:
            return False
        version = self.recall.digester.context(unsure.version.encode()).hex()
        record, _, before = (self.recall.store.unsure(self.recall.sync) or "").partition(" ")
        is_same = record == source_digest.hex()
        self.unsure_note = f"{source_digest.hex()} {before if is_same else version}"
        return is_same and before != version

    def _list_erased(self, foreign_id: str, invalid: InvalidRecord) -> None:
        """List the record without its id: nothing but the tombstone may point to the erased person."""
        name = self.recall.digester.name(foreign_id)
        self.spool.add_erased(foreign_id, replace(invalid, foreign_id=None, name=name))
