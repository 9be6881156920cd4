"""A customer on its way out: how it is found, written to and deleted, whatever the instance makes of its id."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import Sighting
from syncd.delivery.placeholders import token_of
from syncd.domain.records import RemoteCustomer, Value
from syncd.domain.trail import Trail
from syncd.errors import Missing
from syncd.gomus.client import is_addressable
from syncd.gomus.wire import WriteAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """`gomus_id` is its number, where that is known; `trail` tells what was done and seen.

    Each method raises as `Client.update_one` and `read` do.
    """

    delivery: Delivery
    foreign_id: str
    gomus_id: int | None
    trail: Trail

    @classmethod
    def of(cls, delivery: Delivery, foreign_id: str, gomus_id: int | None) -> "Leaver":
        return cls(delivery=delivery, foreign_id=foreign_id, gomus_id=gomus_id, trail=Trail(delivery.clock))

    @property
    def mark(self) -> str:
        return token_of(self.delivery, self.foreign_id)

    def find(self) -> Sighting:
        return self.delivery.find(self.foreign_id, self.gomus_id, mark=self.mark)

    def find_first(self) -> Sighting:
        """Before the first step."""
        return self.delivery.find_in_time(self.foreign_id, self.gomus_id, mark=self.mark)

    def named(self) -> RemoteCustomer | None:
        """Who shows its foreign_id: itself, or a twin."""
        is_same = self.delivery.is_same_id
        remote = self.delivery.read(self.foreign_id)
        if remote is not None and not is_same(remote.foreign_id, self.foreign_id):
            remote = self.delivery.client.read(self.gomus_id) if self.gomus_id is not None else None
        return remote if remote is not None and is_same(remote.foreign_id, self.foreign_id) else None

    def is_at(self, gomus_id: int, *, for_sure: bool = False) -> bool:
        """Whether a number shows it: the one look after which the number may be used.

        `for_sure`: it may have been deleted just now, and a read may be older than that. So it is looked at for as long
        as reads may lag; the number of somebody who is gone is read as a foreign_id of somebody else.
        """
        looks = self.delivery.looks(later=for_sure)
        return all(self.delivery.shows_by_number(self.foreign_id, gomus_id, mark=self.mark) for _ in looks)

    def write(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> WriteAnswer:
        """By foreign_id; by number where that does not reach it, and where the foreign_id itself is to change."""
        named = _path_of(remote) if "foreign_id" in fields else remote.foreign_id
        if named is not None:
            with suppress(Missing):
                return self.delivery.client.update_one(named, fields)
        return self.delivery.write_by_number(
            remote.gomus_id,
            lambda: self.is_at(remote.gomus_id, for_sure=named is not None),
            lambda number: self.delivery.client.update_numbered(number, fields),
        )

    def delete(self, remote: RemoteCustomer, *, may_be_gone: bool) -> None:
        """By foreign_id, where DELETE is not known to take numbers only.

        `may_be_gone`: a call to delete it was sent before. Raises Missing where nobody was deleted by this one.
        """
        habits, named = self.delivery.habits, _path_of(remote)
        tried = None if habits.deletes_by_number else named
        if tried is not None:
            with suppress(Missing):
                self.delivery.client.delete(tried)
                return
        self.delivery.write_by_number(
            remote.gomus_id,
            lambda: self.is_at(remote.gomus_id, for_sure=tried is not None or may_be_gone),
            self.delivery.client.delete,
        )
        habits.deletes_by_number |= named is not None


def _path_of(remote: RemoteCustomer) -> str | None:
    """Its foreign_id, in the letters in which the instance keeps it, where that may stand in the path of a write."""
    return remote.foreign_id if remote.foreign_id and is_addressable(remote.foreign_id) else None
