"""Compares a source with the index of an export, and writes down what came of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from syncd.mapping.lookups import Lookup
from syncd.matching.index import Index
from syncd.matching.newcomers import each_named, each_newcomer
from syncd.matching.plan import MatchPlan
from syncd.plan.plan import Plan
from syncd.sources.base import Source
from syncd.state.store import Store


@contextmanager
def comparing(
    index: Index,
    plan: Plan,
    source: Source,
    lookups: Mapping[str, Lookup],
    stop_if_asked: Callable[[], None] = lambda: None,
) -> Iterator[MatchPlan]:
    """`plan` is that of the whole source. Raises IncompleteRead, and what `stop_if_asked` raises."""
    recall = plan.read.comparison.recall
    for sync in (recall.sync, *recall.others):
        index.leave_out(one.gomus_id for one in recall.store.known.each(sync) if one.gomus_id is not None)
    index.leave_out(each_named(plan))
    decided = {match.foreign_id: match for match in recall.store.matches.each(recall.sync) if match.by is not None}
    with MatchPlan(index, decided) as matching:
        matching.take(each_newcomer(plan, source, lookups, stop_if_asked))
        yield matching


def keep_matches(store: Store, sync: str, matching: MatchPlan, at: datetime) -> None:
    """In place of what was found of them before; what a person has decided stays. Raises StateUnusable.

    Of records that could not be compared this time it stays too: nobody is created for want of an answer.
    """
    with store.transaction():
        before = [match.foreign_id for match in store.matches.each(sync) if match.by is None]
        store.matches.drop(sync, [foreign_id for foreign_id in before if matching.has_compared(foreign_id)])
        store.matches.put(sync, matching.matches(at))
