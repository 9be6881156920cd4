"""Under which foreign_id a record is dealt with: the one that go~mus and the state have, where they spell it otherwise.

Cells were not always written in one way, and a source may change how it writes them. Whoever is known, was erased on
request, was refused or may still be created under an id keeps it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from unicodedata import normalize

from syncd.domain.chunks import chunks
from syncd.domain.records import FieldProblem, SourceRecord
from syncd.mapping.cells import id_in_one_line
from syncd.mapping.mapper import Mapper
from syncd.state.recall import Recall
from syncd.state.store import Store


class Identities:
    """The ids of a sync's records, as the state has them when it is first asked."""

    def __init__(self, mapper: Mapper, recall: Recall) -> None:
        self._mapper = mapper
        self._recall = recall

    def of(self, records: Sequence[SourceRecord]) -> list[str | FieldProblem]:
        """The id of each record with its prefix, or why it has none that can be used."""
        found = [self._mapper.ids_of(record) for record in records]
        asked = {form for one, former in found for form in (*_forms(one), former) if form is not None}
        remembered = self._recall.remembered(list(asked))
        if not (remembered or self.known_as):
            return [one for one, _ in found]
        return [self._choose(one, former, remembered) for one, former in found]

    def _choose(self, one: str | FieldProblem, former: str | None, remembered: frozenset[str]) -> str | FieldProblem:
        if former in remembered and former is not None:
            return former
        if isinstance(one, FieldProblem) or one in remembered:
            return one
        return self.known_as.get(one) or next((form for form in _forms(one) if form in remembered), one)

    @cached_property
    def known_as(self) -> Mapping[str, str]:
        return find_known_otherwise(self._recall.store, self._recall.sync, self._mapper.prefix)


def find_known_otherwise(store: Store, sync: str, prefix: str) -> Mapping[str, str]:
    """As ids would be written today → as they are known; none that is known as it would be written, too."""
    found: dict[str, str] = {}
    for page in chunks(known.foreign_id for known in store.known.each_unusual(sync)):
        odd = {today: one for one in page if (today := id_in_one_line(one, prefix)) != one}
        twins = {known.foreign_id for known in store.known.find_briefs(sync, list(odd))}
        found |= {today: one for today, one in odd.items() if today not in twins}
    return found


def _forms(foreign_id: str | FieldProblem) -> Sequence[str]:
    """Composed and decomposed, where that makes a difference."""
    if not isinstance(foreign_id, str) or foreign_id.isascii():
        return ()
    return (foreign_id, normalize("NFD", foreign_id))
