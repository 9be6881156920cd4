"""The figures that the guards are asked with: what no person has decided on, and what the last day brought."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.domain.changes import Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.guards import Figures
from syncd.domain.spelling import spelling_of
from syncd.plan.plan import Plan
from syncd.plan.reading import Changes
from syncd.state.recall import Recall

WINDOW = timedelta(hours=24)


def count_up(plan: Plan, recall: Recall, *, unlooked: int = 0) -> Figures:
    """Count what is to happen; `unlooked` are those who could not be looked up."""
    updates = _Updates.count(plan.undecided(Update))
    departures = recall.store.absences.departures(recall.sync, recall.now - WINDOW)
    return Figures(
        known=recall.store.known.count(recall.sync),
        records=plan.counts.get("records", 0),
        invalid=plan.counts.get("invalid", 0),
        deletes=plan.spool.count_undecided(Erase),
        deleted=departures.count,
        known_before=departures.known_before,
        absent=plan.absent,
        unknown=plan.spool.count_undecided(Create),
        is_absence_known=not isinstance(plan.read, Changes),
        is_configuration_new=recall.is_configuration_new,
        pairs=find_pairs(plan),
        updates=updates.own,
        exchanged=updates.exchanged,
        exchanging=updates.exchanging,
        cleared=updates.cleared,
        overwritten=updates.overwritten,
        overwriting=updates.overwriting,
        unlooked=unlooked,
    )


def find_pairs(plan: Plan) -> dict[str, str]:
    """New ids on which nobody has decided, with the absent ones that they equal but for their spelling."""
    pairs = dict[str, str]()
    if not plan.spool.has_absent():
        return pairs
    for page in chunks(create.foreign_id for create in plan.undecided(Create)):
        spellings = {new: spelling_of(plan.bare(new)) for new in page}
        absent = dict(plan.spool.find_absent(sorted(set(spellings.values()))))
        pairs |= {new: absent[spelling] for new, spelling in spellings.items() if spelling in absent}
    return pairs


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
