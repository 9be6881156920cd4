"""Everybody whom the instance has or had, and whom an `:id` means; what a call has changed can be taken back."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from .customers import Customer
from .register import Change, Register, Replica
from .switches import Switches


class Memory:
    """`calls` counts those that the instance has carried out; `merged` leads from the lost one's ids to the other."""

    def __init__(self, strangers: Iterable[Customer], clock: Callable[[], datetime]) -> None:
        self.living = Register()
        self.dead: dict[int, Customer] = {}
        self.merged: dict[int | str, int] = {}
        self.strangers: set[int] = set()
        self.calls = 0
        self._clock = clock
        self._replica = Replica()
        self._next_id = 1001
        self._undo: list[tuple[int, Customer | None]] = []
        for stranger in strangers:
            self.strangers.add(stranger.id)
            self.put(stranger.id, stranger)
        self._replica.catch_up(lambda _change: True)

    def copy(self, clock: Callable[[], datetime]) -> "Memory":
        """Another instance with the same customers: they are never changed, only replaced."""
        copied = Memory((), clock)
        copied.living, copied.dead, copied.merged = self.living.copy(), dict(self.dead), dict(self.merged)
        copied.strangers, copied.calls = set(self.strangers), self.calls
        copied._replica, copied._next_id = self._replica.copy(), self._next_id
        return copied

    # Changing it

    def put(self, id_: int, customer: Customer | None) -> None:
        before = self.living.put(id_, customer)
        self._undo.append((id_, before))
        self._replica.follow(Change(id_, customer, self._clock(), self.calls))
        self.dead.pop(id_, None)
        if before and not customer:
            self.dead[id_] = before

    def take_out(self, id_: int) -> Customer:
        """Without counting it as deleted. KeyError where there is no such customer."""
        customer = self.living.get(id_)
        if customer is None:
            raise KeyError(id_)
        self.put(id_, None)
        del self.dead[id_]
        return customer

    def merge(self, loser: int, survivor: int) -> None:
        """The survivor keeps its fields, and takes over orders and addresses. KeyError where one is not there."""
        lost, other = self.take_out(loser), self.take_out(survivor)
        self.merged |= {key: survivor for key in (loser, lost.foreign_id) if key is not None}
        addresses = (*other.further_addresses, *lost.addresses)
        self.put(survivor, replace(other, orders=other.orders + lost.orders, further_addresses=addresses))

    def new_id(self) -> int:
        while self.living.get(self._next_id) or self._next_id in self.dead or self._next_id in self.merged:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def begin(self) -> None:
        """Whatever was changed up to now stays."""
        self._undo.clear()

    def roll_back(self) -> None:
        """Take back what was changed since: no read ever sees it. Ids that were drawn are lost, as a sequence's are."""
        self._replica.forget(len(self._undo))
        for id_, before in reversed(self._undo):
            self.living.put(id_, before)
            self.dead.pop(id_, None)
        self._undo.clear()

    # Finding in it

    def as_read(self, switches: Switches) -> Register:
        """What a GET sees, which may be the world of a while ago."""
        return self._replica.catch_up(lambda change: self._is_seen(change, switches))

    def find(self, register: Register, id: str, switches: Switches, *, key: str = "number-first") -> Customer | None:
        """Whom an `:id` means; `key` as in `Switches.delete_key`."""
        by_number, by_foreign_id = self._by_number(register, id, switches), self.named(register, id, switches)
        match key:
            case "number-only":
                return by_number
            case "foreign-id-first":
                return by_foreign_id or by_number
            case _:
                return by_number or by_foreign_id

    def named(self, register: Register, foreign_id: str, switches: Switches) -> Customer | None:
        named = register.named(foreign_id, in_any_form=switches.foreign_id_found == "in-any-form")
        if not named and switches.merged == "by-both" and register is not self.living:  # a write is stricter
            return register.get(self._survivor(self.merged.get(foreign_id)))
        return next(iter(named), None)

    def was_deleted(self, id: str, switches: Switches) -> bool:
        number = _number(id, switches)
        is_dead = number in self.dead or any(dead.foreign_id == id for dead in self.dead.values())
        return is_dead or number in self.merged or id in self.merged

    def _is_seen(self, change: Change, switches: Switches) -> bool:
        match switches.reads:
            case "at-once":
                return True
            case "seconds-later":
                return self._clock() - change.at >= timedelta(seconds=switches.lag)
            case "calls-later":
                return self.calls - change.call > switches.lag

    def _by_number(self, register: Register, id: str, switches: Switches) -> Customer | None:
        number = _number(id, switches)
        return register.get(number if switches.merged == "gone" else self._survivor(number))

    def _survivor(self, number: int | None) -> int | None:
        """Who is left of a customer that was merged, perhaps more than once."""
        while number in self.merged:
            number = self.merged[number]
        return number


def _number(id: str, switches: Switches) -> int | None:
    digits = re.match(r"\d{1,18}" if switches.lenient_numeric else r"\d{1,18}$", id, re.ASCII)
    return int(digits.group()) if digits else None
