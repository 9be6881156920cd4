"""The figures that the guards are asked with: what no person has decided on, and what the last day brought."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.guards import Figures, Word
from syncd.domain.spelling import spellings_of
from syncd.letters.misread import Misreading, Words
from syncd.plan.plan import Plan
from syncd.plan.reading import Changes
from syncd.plan.sent import take_words, texts_of
from syncd.state.recall import Recall

WINDOW = timedelta(hours=24)


def count_up(plan: Plan, recall: Recall) -> Figures:
    """Count what is to happen."""
    updates = _Updates.count(plan.undecided(Update))
    misreading = _find_misreading(plan)
    departures = recall.store.absences.departures(recall.sync, recall.now - WINDOW)
    return Figures(
        known=recall.store.known.count(recall.sync),
        records=plan.counts.get("records", 0) - plan.counts.get("filtered", 0),
        invalid=plan.counts.get("invalid", 0),
        deletes=plan.spool.count_undecided(Erase),
        deleted=departures.count,
        known_before=departures.known_before,
        absent=plan.absent,
        unknown=_count_unknown(plan, recall),
        is_absence_known=not isinstance(plan.read, Changes),
        is_configuration_new=recall.is_configuration_new,
        pairs=find_pairs(plan),
        updates=updates.own,
        exchanged=updates.exchanged,
        exchanging=updates.exchanging,
        cleared=updates.cleared,
        overwritten=updates.overwritten,
        overwriting=updates.overwriting,
        misreading=misreading,
        misread=frozenset(_each_misread(plan, misreading)),
    )


def _find_misreading(plan: Plan) -> Misreading | None:
    """Looked for among what no person has decided on, once the read shows that it is worth it."""
    if plan.read.comparison.words.find_misreading() is None:
        return None
    words = Words()
    for change in _each_sent(plan):
        take_words(words, change)
    return words.find_misreading()


def _each_misread(plan: Plan, misreading: Misreading | None) -> Iterator[str]:
    for change in _each_sent(plan) if misreading else ():
        if misreading and any(map(misreading.explains, texts_of(change))):
            yield change.foreign_id


def _each_sent(plan: Plan) -> Iterator[Change]:
    yield from plan.undecided(Create)
    yield from plan.undecided(Update)


def count_at_first_contact(plan: Plan, *, unlooked: int) -> Figures:
    """Count whose values would be overwritten; `unlooked` are those who could not be looked up."""
    updates = _Updates.count(plan.undecided(Update))
    return Figures(overwritten=updates.overwritten, overwriting=updates.overwriting, unlooked=unlooked)


def _count_unknown(plan: Plan, recall: Recall) -> int:
    """Those who are new now, and those of the last day who came after the first of the absent had left."""
    unknown = plan.spool.count_undecided(Create)
    if not unknown or plan.absent_since is None:
        return unknown
    since = max(plan.absent_since, recall.now - WINDOW)
    return unknown + recall.store.journal.count_created(recall.sync, since=since)


def find_pairs(plan: Plan) -> dict[str, str]:
    """New ids with the absent ones that they equal but for their spelling, where one of the two would change something.

    A record that is not fit for go~mus has an id all the same. Whom a person has approved is somebody else.
    """
    spool, pairs = plan.spool, dict[str, str]()
    if not spool.has_absent():
        return pairs
    for page in chunks(_each_new(plan)):
        spellings = {new: spellings_of(new, plan.read.comparison.mapper.prefix) for new in page}
        absent = dict(spool.find_absent(sorted(set().union(*spellings.values()))))
        found = {new: absent[one] for new, some in spellings.items() for one in some if one in absent}
        concerned = spool.undecided_among(Create, list(found)) | spool.undecided_among(Erase, list(found.values()))
        pairs |= {new: old for new, old in found.items() if concerned & {new, old}}
    return pairs


def _each_new(plan: Plan) -> Iterator[str]:
    yield from (create.foreign_id for create, word in plan.spool.decided(Create) if word is not Word.APPROVED)
    for page in chunks(plan.spool.each_invalid_id()):
        recall = plan.read.comparison.recall
        yield from set(page) - recall.store.known.find(recall.sync, page).keys()


@dataclass(slots=True)
class _Updates:
    """How many change what syncd wrote (`own`), what tells who somebody is, and what somebody else put there."""

    own: int = 0
    exchanged: int = 0
    overwritten: int = 0
    exchanging: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)
    overwriting: Counter[str] = field(default_factory=Counter)

    @classmethod
    def count(cls, updates: Iterable[Update]) -> "_Updates":
        counted = cls()
        for update in updates:
            counted.own += len(update.overwriting) < len(update.fields)
            counted.exchanged += bool(update.exchanged)
            counted.overwritten += bool(update.overwriting)
            counted.exchanging.update(update.exchanged)
            counted.cleared.update(update.cleared)
            counted.overwriting.update(update.overwriting)
        return counted
