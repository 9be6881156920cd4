"""Looking a customer up: whose answer it is, and where a known customer has gone. Nothing here writes to go~mus.

`/customers/1001` means the *foreign_id* "1001" once go~mus's own 1001 is gone. So a customer is asked for by its
foreign_id, and an answer counts only if it shows that customer.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from syncd.domain.digest import Digester
from syncd.domain.records import Field, RemoteCustomer
from syncd.errors import Refused
from syncd.gomus.client import Client, is_addressable
from syncd.gomus.wire import WriteAnswer

ANOTHER = "go~mus answers another customer under this foreign_id; give the ids a prefix"


class Whereabouts(Enum):
    """Where a customer is that go~mus once had."""

    HERE = auto()
    GONE = auto()  # neither its foreign_id nor its number shows it
    MERGED = auto()  # its number answers another customer: staff made one of the two
    RENAMED = auto()  # its number still shows it, under another foreign_id or none


@dataclass(frozen=True, slots=True)
class Sighting:
    """`remote` is what go~mus shows: the customer itself, or the one that it was merged into or renamed to."""

    whereabouts: Whereabouts
    remote: RemoteCustomer | None = None

    @property
    def here(self) -> RemoteCustomer | None:
        return self.remote if self.whereabouts is Whereabouts.HERE else None


def is_same_id(one: str | None, other: str | None) -> bool:
    """Whatever Unicode form a server keeps ids in."""
    return one == other or (one is not None and other is not None and _composed(one) == _composed(other))


def is_same_id_in_any_case(one: str | None, other: str) -> bool:
    return one is not None and _composed(one).casefold() == _composed(other).casefold()


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Reads of one instance."""

    client: Client
    digester: Digester
    catalogue: Mapping[str, Field]

    def look(self, foreign_id: str) -> RemoteCustomer | None:
        """Read a customer by foreign_id; None where there is none.

        Raises Refused where go~mus answers another customer, otherwise as `Client.read` does.
        """
        remote = self.client.read(foreign_id)
        if remote is not None and not is_same_id(remote.foreign_id, foreign_id):
            raise Refused(ANOTHER)  # go~mus tries ids as numbers first, and some servers read '12abc' as 12
        return remote

    def shown_in(self, answer: WriteAnswer, foreign_id: str) -> RemoteCustomer | None:
        """The customer itself in the answer to a write of our own, in whatever case it keeps the id."""
        shown = [one for one in answer.saved if is_same_id_in_any_case(one.foreign_id, foreign_id)]
        exactly = [one for one in shown if is_same_id(one.foreign_id, foreign_id)]
        return next(iter(exactly or shown), None)

    def find(
        self, foreign_id: str, gomus_id: int | None, digests: Mapping[str, bytes] | None = None, *, mark: str = ""
    ) -> Sighting:
        """Read a customer by foreign_id, and where that shows nobody, by its number.

        `digests` are those of its fields as they are known, which tell the person from another; `mark` is the e-mail
        address of an erasure, which tells that a customer without foreign_id is the one. Raises as `Client.read` does.
        """
        remote = self.client.read(foreign_id)
        if remote is not None:
            return self._judge_answer(remote, foreign_id, gomus_id)
        shown = self.client.read(gomus_id) if gomus_id is not None else None
        if shown is None or gomus_id is None or shown.foreign_id == str(gomus_id):
            return Sighting(Whereabouts.GONE)  # the last one has that number for a foreign_id
        if shown.gomus_id != gomus_id:
            return Sighting(Whereabouts.MERGED, shown)
        if is_same_id_in_any_case(shown.foreign_id, foreign_id) or self._has_mark(shown, mark):
            return Sighting(Whereabouts.HERE, shown)
        if digests is None or self._shows(shown, digests):
            return Sighting(Whereabouts.RENAMED, shown)
        return Sighting(Whereabouts.GONE)

    def shows_by_number(self, foreign_id: str, gomus_id: int, *, mark: str = "") -> bool:
        """Whether the number shows the customer itself: the one look after which the number may be used."""
        shown = self.client.read(gomus_id)
        if shown is None or shown.gomus_id != gomus_id:
            return False
        return is_same_id_in_any_case(shown.foreign_id, foreign_id) or self._has_mark(shown, mark)

    def _judge_answer(self, remote: RemoteCustomer, foreign_id: str, gomus_id: int | None) -> Sighting:
        if is_same_id(remote.foreign_id, foreign_id):
            return Sighting(Whereabouts.HERE, remote)
        if remote.gomus_id == gomus_id and is_same_id_in_any_case(remote.foreign_id, foreign_id):
            return Sighting(Whereabouts.HERE, remote)
        if gomus_id is None or not is_addressable(foreign_id):
            raise Refused(ANOTHER)
        return Sighting(Whereabouts.MERGED, remote)

    def _has_mark(self, remote: RemoteCustomer, mark: str) -> bool:
        return bool(mark) and remote.foreign_id is None and remote.fields.get("email") == mark

    def _shows(self, remote: RemoteCustomer, digests: Mapping[str, bytes]) -> bool:
        """Whether something personal is as it is known; that two people share a country says nothing."""
        return any(
            remote.fields.get(name) is not None and self.digester.field(name, remote.fields[name]) == digest
            for name, digest in digests.items()
            if self.catalogue[name].personal
        )
