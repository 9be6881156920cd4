"""A customer on its way out: how it is found, written to and deleted, whatever the instance makes of its id."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import Sighting
from syncd.delivery.placeholders import token_of
from syncd.domain.records import RemoteCustomer, Value
from syncd.errors import Missing
from syncd.gomus.client import is_addressable
from syncd.gomus.wire import WriteAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """`gomus_id` is its number, where that is known. Each method raises as `Client.update_one` and `read` do."""

    delivery: Delivery
    foreign_id: str
    gomus_id: int | None

    @property
    def mark(self) -> str:
        return token_of(self.delivery, self.foreign_id)

    def find(self) -> Sighting:
        return self.delivery.find(self.foreign_id, self.gomus_id, mark=self.mark)

    def named(self) -> RemoteCustomer | None:
        """Who shows its foreign_id: itself, or a twin."""
        is_same = self.delivery.is_same_id
        remote = self.delivery.client.read(self.foreign_id)
        if remote is not None and not is_same(remote.foreign_id, self.foreign_id):
            remote = self.delivery.client.read(self.gomus_id) if self.gomus_id is not None else None
        return remote if remote is not None and is_same(remote.foreign_id, self.foreign_id) else None

    def is_at(self, gomus_id: int) -> bool:
        """Whether a number shows it: the one look after which the number may be used."""
        return self.delivery.shows_by_number(self.foreign_id, gomus_id, mark=self.mark)

    def write(self, remote: RemoteCustomer, fields: Mapping[str, Value]) -> WriteAnswer:
        """By foreign_id; by number where that does not reach it, and where the foreign_id itself is to change."""
        is_in_body = not is_addressable(self.foreign_id)
        if remote.foreign_id is not None and not (is_in_body and "foreign_id" in fields):
            with suppress(Missing):
                return self.delivery.client.update_one(self.foreign_id, fields)
        if not self.is_at(remote.gomus_id):
            raise Missing("is no longer in go~mus", status=404)
        return self.delivery.client.update_numbered(remote.gomus_id, fields)

    def delete(self, remote: RemoteCustomer) -> None:
        """By foreign_id, where DELETE is not known to take numbers only."""
        habits = self.delivery.habits
        is_named = remote.foreign_id is not None and is_addressable(self.foreign_id)
        if is_named and not habits.deletes_by_number:
            with suppress(Missing):
                self.delivery.client.delete(self.foreign_id)
                return
        if self.is_at(remote.gomus_id):
            self.delivery.client.delete(remote.gomus_id)
            habits.deletes_by_number |= is_named
