"""Finding an instance's own id for a salutation, title, country or language, by any name or code that it goes by."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal, TypeAlias
from unicodedata import normalize

from syncd.domain.records import LookupEntry

LookupKind: TypeAlias = Literal["salutation", "title", "country", "language"]

LONGEST_CODE = 3  # letters; as DE of Deutschland


class Lookup:
    """One list of one instance. Case and surrounding space do not matter; a name of two ids leads to neither."""

    def __init__(self, kind: str, entries: Iterable[LookupEntry]) -> None:
        self.kind = kind
        self.names: list[str] = []  # one of each entry, as the instance spells it
        self._ids: dict[str, int | None] = {}
        for entry in entries:
            self.names += sorted(entry.names, key=lambda name: len(name) <= LONGEST_CODE)[:1]
            for name in map(fold, entry.names):
                self._ids[name] = entry.id if self._ids.get(name, entry.id) == entry.id else None

    def find(self, name: str) -> int | None:
        return self._ids.get(fold(name))

    @property
    def fingerprint(self) -> bytes:
        """Changes with the list: what was mapped with another list must be mapped again."""
        return blake2b(json.dumps(sorted(self._ids.items(), key=str)).encode(), digest_size=16).digest()


class AnyWord(Lookup):
    """Stands in for a list that nobody could fetch: it has every word. What it answers must never be sent."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, ())

    def find(self, name: str) -> int | None:
        return 0 if name.strip() else None


def fold(name: str) -> str:
    """What is left of a name where case, surrounding space and Unicode form do not matter."""
    return (name if name.isascii() else normalize("NFC", name)).strip().casefold()
