"""Customers by number and by foreign_id: a register, and a replica of it that follows at a distance."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from .customers import Customer
from .forms import folded


@dataclass(slots=True)
class Register:
    _customers: dict[int, Customer] = field(default_factory=dict)
    _as_kept: dict[str, set[int]] = field(default_factory=dict)  # numbers by foreign_id
    _folded: dict[str, set[int]] = field(default_factory=dict)  # the same, in whatever form it is written

    def __iter__(self) -> Iterator[Customer]:
        """By number."""
        return (self._customers[id_] for id_ in sorted(self._customers))

    def get(self, id_: int | None) -> Customer | None:
        return None if id_ is None else self._customers.get(id_)

    def put(self, id_: int, customer: Customer | None) -> Customer | None:
        """Place a customer, or take it out; gives the one that was there before."""
        before = self._customers.pop(id_, None)
        if before and before.foreign_id is not None:
            self._as_kept[before.foreign_id].discard(id_)
            self._folded[folded(before.foreign_id)].discard(id_)
        if customer:
            self._customers[id_] = customer
        if customer and customer.foreign_id is not None:
            self._as_kept.setdefault(customer.foreign_id, set()).add(id_)
            self._folded.setdefault(folded(customer.foreign_id), set()).add(id_)
        return before

    def named(self, foreign_id: str, *, in_any_form: bool = False) -> list[Customer]:
        """Those that have the foreign_id, by number; first those that have it as it is written."""
        ids = sorted(self._as_kept.get(foreign_id, ()))
        if in_any_form:
            ids += sorted(self._folded.get(folded(foreign_id), set()).difference(ids))
        return [self._customers[id_] for id_ in ids]

    def copy(self) -> "Register":
        as_kept, folded_ = ({name: set(ids) for name, ids in one.items()} for one in (self._as_kept, self._folded))
        return Register(dict(self._customers), as_kept, folded_)

    def shared(self) -> list[str]:
        """The foreign_ids that more than one customer has."""
        return sorted(foreign_id for foreign_id, ids in self._as_kept.items() if len(ids) > 1)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a customer, when, and in which call, counted from the first."""

    id: int
    customer: Customer | None
    at: datetime
    call: int


@dataclass(slots=True)
class Replica:
    """What reads come from."""

    _register: Register = field(default_factory=Register)
    _waiting: deque[Change] = field(default_factory=deque)

    def copy(self) -> "Replica":
        return Replica(self._register.copy(), deque(self._waiting))

    def follow(self, change: Change) -> None:
        self._waiting.append(change)

    def forget(self, number: int) -> None:
        """The last ones never came to pass."""
        for _ in range(min(number, len(self._waiting))):
            self._waiting.pop()

    def catch_up(self, is_due: Callable[[Change], bool]) -> Register:
        while self._waiting and is_due(self._waiting[0]):
            change = self._waiting.popleft()
            self._register.put(change.id, change.customer)
        return self._register
