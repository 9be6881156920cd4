"""The ledger of erasures: whom an instance must never have again, as keyed hashes that outlive the state.

It knows too whom go~mus had before they were linked: they are released when they leave, and not erased.

It lies in a file or in a database of its own (`register`), and its key is no key of the state. A line holds digests of
the instance's name and address, of which either may change, and of the foreign_id; and which key made them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b

from syncd.errors import Misconfigured, Problem
from syncd.state.register import Line, Register, Word

SIZE = 16
STANDING = (Word.ERASED, Word.LINKED)
ENDED = {Word.UNDONE: Word.ERASED, Word.CREATED: Word.LINKED}


class Key:
    """One secret of the ledger."""

    def __init__(self, secret: str) -> None:
        self._key = blake2b(secret.encode(), digest_size=32).digest()
        self.check = self._digest(b"check", "syncd")

    def _digest(self, purpose: bytes, text: str) -> str:
        person = b"ledger " + purpose
        return blake2b(text.encode(), digest_size=SIZE, key=self._key, person=person).hexdigest()

    def instance(self, name: str) -> str:
        return self._digest(b"name", name)

    def address(self, url: str) -> str:
        return self._digest(b"address", url)

    def person(self, foreign_id: str) -> str:
        return self._digest(b"person", foreign_id)


@dataclass(frozen=True, slots=True)
class Place:
    """An instance as the ledger is asked about it: its name in the configuration, and its url."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Who was erased on request from one instance, as the ledger has it at one moment: digest → when.

    `linked` are those whom go~mus had before. `left_behind` are those who are listed under a former name or address of
    the instance only.
    """

    people: Mapping[Key, Mapping[str, datetime]] = field(default_factory=dict)
    linked: Mapping[Key, Collection[str]] = field(default_factory=dict)
    left_behind: Sequence[tuple[Key, Word, str]] = ()

    def among(self, foreign_ids: Collection[str]) -> list[str]:
        return [foreign_id for foreign_id in foreign_ids if self.find(foreign_id)] if self.people else []

    def find(self, foreign_id: str) -> str | None:
        """The digest under which the person is listed."""
        return next((digest for _, digest in self._find(foreign_id)), None)

    def _find(self, foreign_id: str) -> Iterator[tuple[Key, str]]:
        for key, people in self.people.items():
            if (digest := key.person(foreign_id)) in people:
                yield key, digest

    def keys_of_linked(self, foreign_id: str) -> list[Key]:
        return [key for key, people in self.linked.items() if key.person(foreign_id) in people]

    def keys_of(self, foreign_id: str) -> list[Key]:
        return [key for key, _ in self._find(foreign_id)]

    @property
    def times(self) -> dict[str, datetime]:
        return {digest: at for people in self.people.values() for digest, at in people.items()}

    @property
    def mark(self) -> str:
        """Tells whether somebody has been added or taken out since."""
        return blake2b(" ".join(sorted(self.times)).encode(), digest_size=SIZE).hexdigest()


NOBODY = Erased()


@dataclass(frozen=True, slots=True)
class Erasures:
    """The ledger; without a register there is none. The first of the keys writes, all of them read.

    Every method raises Misconfigured where a line can't be read or is under an unknown key, and Fatal where the
    register can't be read or written.
    """

    register: Register | None = None
    keys: Sequence[Key] = ()

    def read(self, place: Place) -> Erased:
        listed: dict[Word, dict[Key, dict[str, datetime]]] = {word: defaultdict(dict) for word in STANDING}
        exact: set[tuple[Key, Word, str]] = set()
        for key, line, is_exact in self._lines(place):
            word = ENDED.get(line.word, line.word)
            if is_exact:
                exact.add((key, word, line.person))
            if line.word in ENDED:
                listed[word][key].pop(line.person, None)
            else:
                listed[word][key][line.person] = line.at
        each = [(key, word, one) for word, keys in listed.items() for key, people in keys.items() for one in people]
        erased, linked = ({key: some for key, some in listed[word].items() if some} for word in STANDING)
        return Erased(people=erased, linked=linked, left_behind=[one for one in each if one not in exact])

    def _lines(self, place: Place) -> Iterator[tuple[Key, Line, bool]]:
        """Those of the instance, and whether both its name and its address are today's."""
        keys = {key.check: key for key in self.keys}
        mine = {key: (key.instance(place.name), key.address(place.url)) for key in self.keys}
        for number, line in enumerate(self.register.read() if self.register else (), start=1):
            key = keys.get(line.key)
            if key is None:
                raise _under_unknown_key(f"{self.register} line {number}")
            name, address = mine[key]
            if line.instance == name or line.address == address:
                yield key, line, line.instance == name and line.address == address

    def add(self, place: Place, foreign_ids: Iterable[str], at: datetime) -> dict[str, str]:
        """Write down who is erased, before anything is done; answers each one's digest. Nothing without a ledger."""
        if self.register is None:
            return {}
        listed, key = self.read(place), self.keys[0]
        digests = {foreign_id: listed.find(foreign_id) or key.person(foreign_id) for foreign_id in foreign_ids}
        new = [key.person(foreign_id) for foreign_id in digests if listed.find(foreign_id) is None]
        self.write(place, [(key, Word.ERASED, digest) for digest in new], at)
        return digests

    def undo(self, place: Place, foreign_id: str, at: datetime) -> bool:
        """Take a person out; False where the ledger does not have them."""
        keys = self.read(place).keys_of(foreign_id)
        self.write(place, [(key, Word.UNDONE, key.person(foreign_id)) for key in keys], at)
        return bool(keys)

    def follow(self, place: Place, erased: Erased, at: datetime) -> None:
        """List everybody under today's name and address, before the other of the two changes as well."""
        self.write(place, erased.left_behind, at)

    def linked(self, place: Place, listed: Erased) -> "Linked":
        """Whom the instance had before; `listed` is what was read."""
        return Linked(self, place, listed)

    def write(self, place: Place, entries: Sequence[tuple[Key, Word, str]], at: datetime) -> None:
        """Add a line for each; nothing without a ledger."""
        if self.register and entries:
            self.register.append(
                Line(
                    at=at.astimezone(UTC).replace(microsecond=0),
                    word=word,
                    key=key.check,
                    instance=key.instance(place.name),
                    address=key.address(place.url),
                    person=digest,
                )
                for key, word, digest in entries
            )


@dataclass(frozen=True, slots=True)
class Linked:
    """Those of a place whom go~mus had before they were linked, as the ledger had it at one moment.

    Both writing methods raise as those of `Erasures` do.
    """

    erasures: Erasures
    place: Place
    before: Erased

    def has(self, foreign_id: str) -> bool:
        return bool(self.before.keys_of_linked(foreign_id))

    def add(self, foreign_ids: Iterable[str], at: datetime) -> None:
        """Write down who is linked, before anything is done."""
        new = [one for one in foreign_ids if not self.has(one)]
        self._write(Word.LINKED, [(key, one) for key in self.erasures.keys[:1] for one in new], at)

    def remove(self, foreign_ids: Iterable[str], at: datetime) -> None:
        """Write down that another customer was created under these ids."""
        self._write(Word.CREATED, [(key, one) for one in foreign_ids for key in self.before.keys_of_linked(one)], at)

    def _write(self, word: Word, entries: Sequence[tuple[Key, str]], at: datetime) -> None:
        self.erasures.write(self.place, [(key, word, key.person(one)) for key, one in entries], at)


NOBODY_LINKED = Linked(Erasures(), Place("", ""), NOBODY)


def _under_unknown_key(where: str) -> Misconfigured:
    message = f"{where} was written under a key that is not configured: add the former ledger_key, or the digest_key"
    return Misconfigured([Problem(path="state.ledger_old_keys", message=f"{message} that stood for it")])
