"""Looking a customer up: whose answer it is, and where a known customer has gone. Nothing here writes to go~mus.

`/customers/1001` means the *foreign_id* "1001" once go~mus's own 1001 is gone. So a customer is asked for by its
foreign_id, and an answer counts only if it shows that customer.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from syncd import reasons
from syncd.delivery.habits import Habits
from syncd.domain.digest import Digester
from syncd.domain.records import Digests, Field, RemoteCustomer
from syncd.errors import CallFailed, Refused, Retryable
from syncd.gomus.client import Client, is_addressable
from syncd.gomus.wire import WriteAnswer

NOBODY = "go~mus shows nobody, not even those who are to stay"


class Whereabouts(Enum):
    """Where a customer is that go~mus once had."""

    HERE = auto()
    GONE = auto()  # neither its foreign_id nor its number shows it
    MERGED = auto()  # its number answers another customer: staff made one of the two
    RENAMED = auto()  # its number still shows it, under another foreign_id or none

    @property
    def mark(self) -> str:
        """What stands for it in the place of fields that differ."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Sighting:
    """`remote` is what go~mus shows: the customer itself, or the one that it was merged into or renamed to."""

    whereabouts: Whereabouts
    remote: RemoteCustomer | None = None

    @property
    def here(self) -> RemoteCustomer | None:
        return self.remote if self.whereabouts is Whereabouts.HERE else None


def is_same_letters(shown: str | None, foreign_id: str) -> bool:
    """In whatever Unicode form a server keeps ids."""
    return shown is not None and _composed(shown) == _composed(foreign_id)


def is_alike(shown: str | None, foreign_id: str) -> bool:
    """But for capital letters."""
    return shown is not None and folded(shown) == folded(foreign_id)


def is_folded(shown: str | None, foreign_id: str) -> bool:
    """As an instance shows it that keeps small letters alone, or capitals."""
    composed = _composed(foreign_id)
    return shown is not None and _composed(shown) in (composed.lower(), composed.upper())


def folded(foreign_id: str) -> str:
    return _composed(foreign_id).casefold()


def _composed(foreign_id: str) -> str:
    return unicodedata.normalize("NFC", foreign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Reads of one instance; `witnesses` are some customers who should be there."""

    client: Client
    digester: Digester
    catalogue: Mapping[str, Field]
    habits: Habits
    witnesses: Sequence[str] = ()

    def is_same_id(self, shown: str | None, foreign_id: str) -> bool:
        """In whatever Unicode form, and where the instance is known for it, in other letters."""
        return is_same_letters(shown, foreign_id) or (self.habits.folds_ids and is_alike(shown, foreign_id))

    def look(self, foreign_id: str) -> RemoteCustomer | None:
        """Read a customer by foreign_id, in whatever form the instance may keep it; None where there is none.

        Raises Refused where go~mus answers another customer, otherwise as `Client.read` does.
        """
        remote = self.read(foreign_id)
        if remote is None:
            return None
        if not self.is_same_id(remote.foreign_id, foreign_id):
            # go~mus tries ids as numbers first, and some servers read '12abc' as 12
            raise Refused(reasons.ANOTHER.tell())
        self.saw(remote, foreign_id)
        return remote

    def saw(self, remote: RemoteCustomer, foreign_id: str) -> None:
        """A customer was read under its own id."""
        self.habits.saw_id(remote.foreign_id)
        self.habits.saw_read(foreign_id, is_shown=True)

    def read(self, foreign_id: str) -> RemoteCustomer | None:
        """Whoever answers first to one of the id's spellings."""
        composed = _composed(foreign_id)
        return self._read_first((self.habits.spell_id(composed), foreign_id, composed))

    def read_in_other_letters(self, foreign_id: str) -> RemoteCustomer | None:
        """Whoever has the id in small letters alone, or in capitals."""
        composed = _composed(foreign_id)
        return self._read_first(spelling for spelling in (composed.lower(), composed.upper()) if spelling != composed)

    def _read_first(self, spellings: Iterable[str]) -> RemoteCustomer | None:
        remotes = (self.client.read(spelling) for spelling in dict.fromkeys(spellings))
        return next((remote for remote in remotes if remote is not None), None)

    def shown_in(self, answer: WriteAnswer, foreign_id: str, *, is_new: bool = False) -> RemoteCustomer | None:
        """The customer itself in the answer to a write of our own; a new one shows how the instance keeps ids."""
        exact = answer.by_id.get(foreign_id)
        for shown in answer.saved if exact is None else (exact,):
            if self.is_same_id(shown.foreign_id, foreign_id):
                self.habits.saw_id(shown.foreign_id)
                return shown
        for shown in answer.saved if is_new else ():
            if is_folded(shown.foreign_id, foreign_id):
                self.habits.saw_folded(shown.foreign_id)
                return shown
        return None

    def find(
        self, foreign_id: str, gomus_id: int | None, digests: Digests | None = None, *, mark: str = ""
    ) -> Sighting:
        """Read a customer by foreign_id, and where that does not show it, by its number.

        `digests` are the customer's as it is known, which tell the person from another; `mark` stands in the
        e-mail address that an erasure leaves, which tells that a customer without foreign_id is the one. Raises Refused
        where neither can be told, otherwise as `Client.read` does.
        """
        remote = self.read(foreign_id)
        if remote is not None and self.is_same_id(remote.foreign_id, foreign_id):
            here = Sighting(Whereabouts.HERE, remote)
            if gomus_id in (None, remote.gomus_id):
                return here
            # Entered anew by staff, unless the customer itself is still there and has lost its id to this one, or was
            # merged into it: then a write of ours has put the id there
            by_number = self._find_by_number(gomus_id, foreign_id, digests, mark)
            return here if by_number.whereabouts in (Whereabouts.GONE, Whereabouts.HERE) else by_number
        if remote is not None and gomus_id is None:
            raise Refused(reasons.ANOTHER.tell())
        if remote is None and gomus_id is None and self._may_be_in_other_letters(foreign_id):
            raise Refused(reasons.ALIKE_IN_GOMUS.tell())
        if remote is not None and is_addressable(foreign_id):
            return Sighting(Whereabouts.MERGED, remote)
        sighting = self._find_by_number(gomus_id, foreign_id, digests, mark)
        if sighting.whereabouts is Whereabouts.GONE:
            self._ask_for_a_witness(foreign_id)
        return sighting

    def _find_by_number(self, gomus_id: int | None, foreign_id: str, digests: Digests | None, mark: str) -> Sighting:
        shown = self.client.read(gomus_id) if gomus_id is not None else None
        if shown is None or gomus_id is None or shown.foreign_id == str(gomus_id):
            return Sighting(Whereabouts.GONE)  # the last one has that number for a foreign_id
        if shown.gomus_id != gomus_id:
            return Sighting(Whereabouts.MERGED, shown)
        if self.is_same_id(shown.foreign_id, foreign_id) or _has_mark(shown, mark):
            return Sighting(Whereabouts.HERE, shown)
        if digests is None or self._shows(shown, foreign_id, digests):
            return Sighting(Whereabouts.RENAMED, shown)
        return Sighting(Whereabouts.GONE)

    def _ask_for_a_witness(self, foreign_id: str) -> None:
        """Believe that somebody is gone where go~mus shows others: what stands before it may have lost the way."""
        others = [one for one in self.witnesses if one != foreign_id]
        if others and not self.client.has_shown and all(self.read(one) is None for one in others):
            raise Retryable(NOBODY)

    def answers_for_others(self, foreign_id: str | None) -> bool:
        """Whether go~mus answers when it is asked for somebody else; one is asked for."""
        other = next((one for one in self.witnesses if one != foreign_id), None)
        with suppress(CallFailed):
            return other is not None and self.read(other) is not None
        return False

    def _may_be_in_other_letters(self, foreign_id: str) -> bool:
        """Where nobody knows yet whether the instance keeps capital letters."""
        is_open = not self.habits.folds_ids and self.habits.may_fold(foreign_id)
        remote = self.read_in_other_letters(foreign_id) if is_open else None
        return remote is not None and is_folded(remote.foreign_id, foreign_id)

    def number_shows(self, gomus_id: int, foreign_id: str, *, mark: str = "") -> bool:
        """Whether the number shows the customer itself, as far as reads have come."""
        shown = self.client.read(gomus_id)
        if shown is None or shown.gomus_id != gomus_id:
            return False
        return self.is_same_id(shown.foreign_id, foreign_id) or _has_mark(shown, mark)

    def _shows(self, remote: RemoteCustomer, foreign_id: str, digests: Digests) -> bool:
        """Whether something personal is as it is known; that two people share a country says nothing."""
        digester = self.digester.of(foreign_id, digests.scheme)
        return any(
            remote.fields.get(name) is not None
            and digester.field(name, remote.fields[name]) in (digests.fields.get(name), digests.shown.get(name))
            for name in {**digests.fields, **digests.shown}
            if self.catalogue[name].personal
        )


def _has_mark(remote: RemoteCustomer, mark: str) -> bool:
    """In whatever form the server keeps addresses in."""
    return bool(mark) and remote.foreign_id is None and mark in str(remote.fields.get("email")).casefold()
