"""Makes a plan from a finished read: who is to be created, updated, erased. Nothing is written anywhere.

The guards see the whole plan before anything of it is carried out.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from syncd.domain.changes import Action, Cause, Change, Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.diff import Absence, AbsencePolicy, Verdict, judge_absence
from syncd.domain.guards import Held, Word, free_part, held_part
from syncd.domain.records import KnownBrief, Skipped, Stage
from syncd.domain.sharing import EMAIL, SharedEmail
from syncd.domain.spelling import spellings_of
from syncd.errors import IncompleteRead
from syncd.plan.claims import refuse_shared
from syncd.plan.comparison import Comparison
from syncd.plan.likening import liken
from syncd.plan.merging import judge_mergers
from syncd.plan.reading import Gone, Partial, Read, Snapshot
from syncd.plan.spool import Spool
from syncd.state.emails import EmailsRead
from syncd.state.found import Found
from syncd.state.likeness import Person
from syncd.state.recall import Recall

C = TypeVar("C", bound=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of one run, as data: values are in the spool, everything else may be shown and logged."""

    read: Read
    absent: int  # so many are absent, but for those of whom a person has said that they have left
    absent_since: datetime | None  # since when the first of them is, where that is not this read
    counts: Mapping[str, int]
    fields: Mapping[str, int]  # go~mus field → how many updates change it
    found: Found
    only: frozenset[str] | None = None  # of whom alone something is released

    @property
    def spool(self) -> Spool:
        return self.read.comparison.spool

    @property
    def description(self) -> str:
        """What was read, in words for people."""
        return self.read.comparison.reading.description

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The first rows that were left out, because they can't be records."""
        return self.read.comparison.reading.skipped

    @property
    def failure(self) -> IncompleteRead | None:
        return self.read.failure if isinstance(self.read, Partial) else None

    @property
    def is_snapshot(self) -> bool:
        return isinstance(self.read, Snapshot)

    def changes(self) -> Iterator[Change]:
        for kind in (Create, Update, Erase):
            yield from self.spool.changes(kind)

    def held_by(self, held: Sequence[Held]) -> Iterator[Change]:
        """What of the changes is held: a person has decided on none of them."""
        for kind in (Create, Update, Erase):
            yield from (part for change in self.undecided(kind) if (part := held_part(change, held)))

    def concerning(self, held: tuple[Held, ...]) -> tuple[Held, ...]:
        """What is held, as far as it is of those who are meant."""
        if self.only is None or any(change.foreign_id in self.only for change in self.held_by(held)):
            return held
        return ()

    def undecided(self, kind: type[C]) -> Iterator[C]:
        """The changes of one kind on which no person has decided."""
        return (change for change, word in self.spool.decided(kind) if not word)

    def count_decided(self) -> dict[Word, Counter[str]]:
        """How many changes a person has approved and rejected, by action."""
        counts = {word: Counter[str]() for word in Word}
        for kind in (Create, Update, Erase):
            for change, word in self.spool.decided(kind):
                if word:
                    counts[word][change.action.value] += 1
        return counts

    def count_undone(self, actions: Collection[type[Change]]) -> int:
        """How many changes are of no kind among these."""
        return sum(1 for kind in (Create, Update, Erase) if kind not in actions for _ in self.spool.changes(kind))

    def count_released(self, kind: type[Change], held: Sequence[Held]) -> int:
        if held or self.only is not None:
            return sum(1 for _ in self.released(kind, held))
        return self.spool.count_changes(kind) - self.spool.count_rejected(kind)

    def released(self, kind: type[C], held: Sequence[Held]) -> Iterator[C]:
        """What of the changes of one kind a person has approved, or none of these guards holds."""
        for change, word in self.spool.decided(kind):
            if self.only is not None and change.foreign_id not in self.only:
                continue
            if word is Word.APPROVED:
                yield replace(change, is_approved=True) if isinstance(change, Erase) else change
            elif not word and isinstance(part := free_part(change, held), kind):
                yield part

    def claims(self) -> Iterator[tuple[Create, Person]]:
        """The records that get a customer of another list."""
        return (claim for claim in self.spool.takeovers() if self.only is None or claim[0].foreign_id in self.only)


def find_missing(plan: Plan) -> frozenset[str]:
    """Those who alone are meant, and are not in the source."""
    wanted = plan.only or frozenset()
    listed = {record.foreign_id for record in plan.spool.invalid()} if wanted else set()
    return wanted - plan.read.comparison.present_among(list(wanted)) - listed


def draw_up(read: Read, policy: AbsencePolicy, *, now: datetime, only: frozenset[str] | None = None) -> Plan:
    """Turn a finished read into a plan. The guards have not been asked yet.

    Where `only` some customers are meant, nothing is released of the others.
    """
    comparison = read.comparison
    spool = comparison.spool
    merging = judge_mergers(read)
    refuse_shared(spool)
    comparison.sharing.judge()
    nameless = _nameless(read, now)
    hiding = _hiding(read, nameless, policy, now)
    absences = _judge_absences(read, hiding, now)
    fields = Counter(name for update in spool.changes(Update) for name in update.fields)
    _count(comparison)
    return Plan(
        read=read,
        only=only,
        absent=absences.count,
        absent_since=absences.since,
        counts={name: count for name, count in sorted(comparison.tally.items()) if count},
        fields=fields,
        found=Found(
            newly_absent=absences.newly_absent,
            newly_told=absences.newly_told,
            left_to_others=absences.left_to_others,
            returned=comparison.returned,
            mended=_mended(read),
            nameless=nameless,
            relearned=spool.relearned(),
            unsure=comparison.unsure_note,
            emails=_emails(read),
            mergers=merging.marked,
            unmerged=merging.unmarked,
            likened=liken(read, hiding, offered=absences.kept_by_others, now=now),
            errands=spool.errands() if comparison.mapper.errands else None,
        ),
    )


def _count(comparison: Comparison) -> None:
    tally, verdicts = comparison.tally, comparison.count_verdicts()
    tally.update({verdict.value: count for verdict, count in verdicts.items() if verdict not in UNCOUNTED})
    tally["unchanged"] = verdicts.get(Verdict.UNCHANGED, 0) + verdicts.get(Verdict.RELEARNED, 0)
    tally["invalid"] = comparison.spool.count_invalid()
    tally["sharing"] = 0 if comparison.recall.shared_email is SharedEmail.REFUSE else comparison.sharing.count
    tally["left_out"] = comparison.reading.skips
    tally.update(erase.action.value for erase in comparison.spool.changes(Erase))


def _emails(read: Read) -> EmailsRead | None:
    spool = read.comparison.spool
    if read.comparison.recall.shared_email is SharedEmail.ALLOW:
        return None
    among = None if isinstance(read, Snapshot) else spool.each_seen()
    held = spool.emails_held() if EMAIL in read.comparison.mapper.writes else None
    return EmailsRead(held=held, waiting=spool.waiting(), among=among)


def _nameless(read: Read, now: datetime) -> Mapping[bytes, datetime]:
    before = read.comparison.nameless_before
    found = {digest: before.get(digest, now) for digest in read.comparison.spool.nameless()}
    return found if isinstance(read, Snapshot) else {**before, **found}


def _hiding(read: Read, nameless: Mapping[bytes, datetime], policy: AbsencePolicy, now: datetime) -> AbsencePolicy:
    hidden_since = now if read.comparison.may_hide else max(nameless.values(), default=None)
    return replace(policy, hidden_since=hidden_since)


@dataclass(slots=True)
class Absences:
    """The rows of those who are absent, or told to be gone, since this read; and how many are absent at all.

    `left_to_others` are due, but another sync of the instance knows them too: they are its own from now on.
    `kept_by_others` are due, but the person stands in another list, which may take the customer over.
    """

    newly_absent: list[int] = field(default_factory=list)
    newly_told: list[int] = field(default_factory=list)
    left_to_others: list[str] = field(default_factory=list)
    kept_by_others: list[str] = field(default_factory=list)
    count: int = 0
    since: datetime | None = None

    def add(self, absences: Iterable[datetime | None]) -> None:
        for since in absences:
            self.count += 1
            self.since = min(filter(None, (self.since, since)), default=None)


def _judge_absences(read: Read, policy: AbsencePolicy, now: datetime) -> Absences:
    """Spool an erasure for each customer whose absence is certain and has lasted for the whole grace time."""
    spool, recall, tally = read.comparison.spool, read.comparison.recall, read.comparison.tally
    told_policy = replace(policy, hidden_since=None)  # nothing hides whom the source names
    absences = Absences()
    has_new, prefix = spool.has_new(), read.comparison.mapper.prefix
    for page in chunks(_active(read.gone(), recall, tally)):
        absences.add(gone.known.absent_since for gone in page if recall.is_unexplained(gone.known.absent_since))
        if has_new:
            spool.add_absent(
                (spelling, gone.known.foreign_id)
                for gone in page
                for spelling in spellings_of(gone.known.foreign_id, prefix)
            )
        absences.newly_absent.extend(gone.known.row for gone in page if gone.known.absent_since is None)
        absences.newly_told.extend(gone.known.row for gone in page if gone.is_told and not gone.known.told_gone)
        due: list[KnownBrief] = []
        for gone in page:
            since = None if recall.counts_anew else gone.known.absent_since
            verdict = judge_absence(since, now=now, policy=told_policy if gone.is_told else policy)
            if verdict is Absence.DUE:
                due.append(gone.known)
            else:
                tally[verdict.value] += 1
        owners = recall.owners([known.foreign_id for known in due])
        absences.left_to_others.extend(known.foreign_id for known in due if known.foreign_id in owners)
        kept = read.comparison.kinship.kept_by_others([one.foreign_id for one in due if one.foreign_id not in owners])
        absences.kept_by_others.extend(kept)
        tally["handed_over"] += len(kept)
        due = [known for known in due if known.foreign_id not in owners and known.foreign_id not in kept]
        refused = recall.rests([known.foreign_id for known in due])
        tally["quarantined"] += len(refused)
        spool.add_changes(_erasure(known, policy) for known in due if known.foreign_id not in refused)
    return absences


ERASURES = (Action.ANONYMIZE, Action.DELETE, Action.RELEASE)
IN_ORDER = (Verdict.UNCHANGED, Verdict.RELEARNED, Verdict.MERGED, Verdict.SAME)
UNCOUNTED = {
    Verdict.UNCHANGED,
    Verdict.RELEARNED,
    Verdict.INVALID,
    Verdict.CONTRADICTED,
    Verdict.ERASED,
    Verdict.GONE,
}  # counted otherwise


def _mended(read: Read) -> list[str]:
    """The refused customers for whom nothing is due any more."""
    recall, mended = read.comparison.recall, list[str]()
    for page in chunks(recall.set_aside().items()):
        ids = [foreign_id for foreign_id, _ in page]
        seen, known = read.comparison.seen_among(ids), recall.store.known.find(recall.sync, ids)
        asked = {one for one, cause in recall.tombstones(ids).items() if cause is Cause.REQUEST}
        for foreign_id, action in page:
            is_erasure = action in ERASURES and foreign_id in known.keys() | asked
            if foreign_id not in seen:
                is_over = isinstance(read, Snapshot) and not is_erasure
            else:
                verdict = seen[foreign_id].verdict
                is_over = verdict in IN_ORDER or (verdict is Verdict.GONE and not is_erasure)
            mended += [foreign_id] if is_over else []
    return mended


def _active(absent: Iterable[Gone], recall: Recall, tally: Counter[str]) -> Iterator[Gone]:
    """Erasures that have begun are finished at the start of a run, whatever the source says.

    Whose record went into another one has not left.
    """
    for gone in absent:
        known = gone.known
        if recall.is_merging(known.foreign_id):
            tally[Verdict.MERGED.value] += 1
            continue
        is_begun = known.stage is not Stage.ACTIVE and known.foreign_id not in recall.waiting
        if known.gomus_id is not None and known.gomus_id not in recall.linking and not is_begun:
            yield gone


def _erasure(known: KnownBrief, policy: AbsencePolicy) -> Erase:
    ending = policy.ending_of(known.origin)
    assert known.gomus_id is not None and ending  # noqa: S101, PT018 - `_active` and `judge_absence` let no other through
    return Erase(foreign_id=known.foreign_id, gomus_id=known.gomus_id, cause=Cause.ABSENCE, ending=ending)
