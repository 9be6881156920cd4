"""Who of the source is whom of the export: what is certain, and what a person has to decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from syncd.domain.folding import is_misspelt, is_role
from syncd.matching.index import Candidate, Index, Person

SHOWN = 10  # customers among whom a person has to choose
_NAMESAKES = 3  # where more customers have a name, it tells nothing without an address


class Lot(StrEnum):
    """What is known of a record after comparing it with each customer. Those from SEVERAL on go to a person."""

    CERTAIN = "certain"
    NEW = "new"
    NAMESAKE = "same-name"  # of a customer with quite another address: new
    SEVERAL = "match-several"  # customers agree
    SHARED = "match-shared"  # several records agree with the customer
    EMAIL = "match-email"  # agrees, the names do not
    ROLE = "match-role"  # the address is an office's
    MISSPELT = "match-misspelt"  # the names agree, and the addresses but for a slip
    NAMES = "match-names"  # agree, and one of the two has no address

    @property
    def is_open(self) -> bool:
        return self not in (Lot.CERTAIN, Lot.NEW, Lot.NAMESAKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`numbers` are the customers in question: exactly one where it is certain."""

    foreign_id: str
    lot: Lot
    numbers: tuple[int, ...] = ()


def judge(index: Index, foreign_id: str, person: Person) -> Finding:
    """What one record by itself is; whether others agree with the same customer, `settle` knows."""
    lot, numbers = _judge(index, person)
    return Finding(foreign_id=foreign_id, lot=lot, numbers=tuple(dict.fromkeys(numbers)))


def _judge(index: Index, person: Person) -> tuple[Lot, Iterable[int]]:
    agreeing = index.agreeing(person)
    at_address = index.with_email(person.email)
    if at_address and is_role(person.email):
        return Lot.ROLE, [*agreeing, *_numbers(at_address)]
    if agreeing:
        return (Lot.CERTAIN if len(agreeing) == 1 else Lot.SEVERAL), agreeing
    if at_address:
        return Lot.EMAIL, _numbers(at_address)
    if index.by < {"email", "name", "surname"}:  # names alone say who it is, or a part of them says nothing
        return Lot.NEW, ()
    namesakes = index.with_names(person.names)
    if misspelt := [one for one in namesakes if is_misspelt(one.person.email, person.email)]:
        return Lot.MISSPELT, _numbers(misspelt)
    if len(namesakes) <= _NAMESAKES and (
        lacking := [one for one in namesakes if not (one.person.email and person.email)]
    ):
        return Lot.NAMES, _numbers(lacking)
    return (Lot.NAMESAKE if namesakes else Lot.NEW), ()


def _numbers(candidates: Iterable[Candidate]) -> list[int]:
    return [one.number for one in candidates]


def settle(finding: Finding, claims: Mapping[int, int]) -> Finding:
    """What a record is beside the others: of so many each of its customers is certain, or a person's word."""
    if finding.lot is Lot.CERTAIN and sum(claims.values()) > 1:
        return Finding(foreign_id=finding.foreign_id, lot=Lot.SHARED, numbers=finding.numbers)
    if finding.lot is Lot.NAMES:
        left = tuple(number for number in finding.numbers if not claims[number])
        return Finding(foreign_id=finding.foreign_id, lot=Lot.NAMES if left else Lot.NEW, numbers=left)
    return finding
