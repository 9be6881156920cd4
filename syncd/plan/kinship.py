"""What follows for a record from other lists of the instance that have the same person, by `same_as`.

A person has one customer. The list that the others name comes first: while it has the person, the customer has its
foreign_id. When it gives the person up, a list that still has them takes the customer over; nobody is erased meanwhile.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from syncd.domain.changes import Cause
from syncd.domain.diff import Verdict
from syncd.domain.records import FieldProblem, SourceRecord
from syncd.mapping.mapper import Mapper
from syncd.state.likeness import Kin, Person, Standing
from syncd.state.recall import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """`verdict` where the other lists decide, otherwise None. `taken` is whose customer is taken over, if anybody's.

    `stays` is the foreign_id of the other customer where there are two of one person.
    """

    verdict: Verdict | None = None
    taken: Person | None = None
    stays: str | None = None
    is_erased: bool = False


FREE = Bond()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    recall: Recall
    mapper: Mapper

    @property
    def is_alone(self) -> bool:
        return self.recall.kin <= {self.recall.sync}

    def named(self, records: Mapping[str, SourceRecord]) -> dict[str, str | FieldProblem | None]:
        """What the records say of the other list, by foreign_id."""
        return {} if self.is_alone else {one: self.mapper.same_as(record) for one, record in records.items()}

    def bonds(self, named: Mapping[str, str | FieldProblem | None], known: Collection[str]) -> Mapping[str, Bond]:
        """Of records that say so of the other list; `known` are those who have a customer."""
        own, other, recall = self.recall.sync, self.mapper.same_list, self.recall
        start: dict[Person, Person | None] = {
            (own, one): (other, twin) if other and isinstance(twin, str) else None for one, twin in named.items()
        }
        found_kin = recall.store.likeness.kin(start, recall.kin) if start else {}
        kin = {one: found for one, found in found_kin.items() if found.all}
        if not kin:
            return {}
        persons = set[Person]().union(*(found.all for found in kin.values()))
        standings = self.recall.store.likeness.standings(persons)
        tombstones = self.recall.tombstones([foreign_id for _, foreign_id in persons])
        return {
            foreign_id: self._bond(found, standings, tombstones, is_known=foreign_id in known)
            for (_, foreign_id), found in kin.items()
        }

    def _bond(
        self, kin: Kin, standings: Mapping[Person, Standing], tombstones: Mapping[str, Cause], *, is_known: bool
    ) -> Bond:
        if any(tombstones.get(foreign_id) is Cause.REQUEST for _, foreign_id in kin.all):
            return Bond(is_erased=True)
        customers = [one for one in (*kin.above, *kin.beside, *kin.below) if standings[one].is_known]
        if is_known:  # who has two customers keeps the one of the list that comes first
            return Bond(
                stays=next((foreign_id for one, foreign_id in customers if (one, foreign_id) in kin.above), None)
            )
        if any(self._is_on_its_way(standings[one]) for one in kin.all):
            return Bond(verdict=Verdict.WAITING)
        kept = [one for one in customers if one not in kin.below and not standings[one].is_offered]
        if kept or (not customers and any(standings[one].has_person for one in kin.above)):
            return Bond(verdict=Verdict.SAME)
        return Bond(taken=customers[0]) if customers else FREE

    def _is_on_its_way(self, standing: Standing) -> bool:
        """Whether a customer of the person is being erased, or may still be made, or get another foreign_id."""
        is_leaving = standing.is_known and not standing.is_active
        return is_leaving or standing.is_sent or standing.gomus_id in self.recall.linking

    def kept_by_others(self, foreign_ids: Sequence[str]) -> set[str]:
        """Those of them whom another list still has."""
        if self.is_alone:
            return set()
        own = self.recall.sync
        start: dict[Person, Person | None] = {(own, one): None for one in foreign_ids}
        kin = self.recall.store.likeness.kin(start, self.recall.kin, is_fresh=False)
        standings = self.recall.store.likeness.standings(set[Person]().union(*(found.all for found in kin.values())))
        return {
            foreign_id for (_, foreign_id), found in kin.items() if any(standings[one].has_person for one in found.all)
        }
