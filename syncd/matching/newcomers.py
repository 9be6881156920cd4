"""Those of the source who are not known yet, with the fields by which they are compared."""

from collections.abc import Callable, Iterator, Mapping

from syncd.domain.changes import Action, Create
from syncd.domain.chunks import chunks, until_stopped
from syncd.domain.guards import Word
from syncd.domain.matches import Word as Said
from syncd.domain.records import SourceRecord, Value
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.matching.columns import BY
from syncd.plan.plan import Plan
from syncd.sources.base import Source


def each_named(plan: Plan) -> Iterator[int]:
    """The customers whose numbers stand in the source itself."""
    found = _found_before(plan)
    return (one.gomus_id for one in plan.spool.changes(Create) if one.gomus_id and one.foreign_id not in found)


def _found_before(plan: Plan) -> set[str]:
    recall = plan.read.comparison.recall
    return {match.foreign_id for match in recall.store.matches.each(recall.sync, Said.LINK)}


def each_newcomer(
    plan: Plan, source: Source, lookups: Mapping[str, Lookup], stop_if_asked: Callable[[], None]
) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Whoever would be created by this run or, once a record is mended or a refusal is over, by a later one.

    For the latter the source is read once more. Raises IncompleteRead where it can't be read to its end.
    """
    found = _found_before(plan)
    for create, word in plan.spool.decided(Create):
        if word is not Word.REJECTED and (create.gomus_id is None or create.foreign_id in found):
            yield create.foreign_id, create.fields
    waiting = _waiting(plan)
    if not waiting:
        return
    mapper = plan.read.comparison.mapper
    with source.open() as reading:
        for record in until_stopped(reading, stop_if_asked):
            foreign_id = mapper.foreign_id_of(record)
            if isinstance(foreign_id, str) and foreign_id in waiting:
                waiting.remove(foreign_id)
                if mapper.numbers.of(record.values) is None:
                    yield foreign_id, _fields(mapper, record, lookups)
    mapper.forget_cells()


def _waiting(plan: Plan) -> set[str]:
    """Who is listed, and is nobody yet."""
    recall, spool = plan.read.comparison.recall, plan.spool
    found = {one for one, action in recall.set_aside().items() if action in (Action.CREATE, Action.LINK)}
    found |= set(spool.each_invalid_id())
    for page in chunks(sorted(found)):
        found -= recall.store.known.find(recall.sync, page).keys() | recall.tombstones(page).keys()
    return found


def _fields(mapper: Mapper, record: SourceRecord, lookups: Mapping[str, Lookup]) -> Mapping[str, Value]:
    """What can be mapped of them."""
    explained = mapper.explain(record.values, lookups)
    return {one.name: one.value for one in explained if one.name in BY and isinstance(one.value, str)}
