"""Keyed digests: how syncd remembers content without holding it.

Same person is a question of foreign_id; same content is a question of digests. Values are brought to a canonical form
first, so that what go~mus answers (ids as text, empty text for nothing) compares equal to what was sent.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from syncd.domain.records import SCHEME, Digests, Field, FieldKind, Value
from syncd.domain.winner import Trace

FIELD_SIZE = 8
RECORD_SIZE = 16
AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode  # made once: it is hot

CANONICAL: Mapping[FieldKind, Callable[[Value], str]] = {
    FieldKind.TEXT: lambda value: str(value).replace("\r\n", "\n").strip(),
    FieldKind.EMAIL: lambda value: str(value).strip(),
    FieldKind.DATE: lambda value: str(value).strip()[:10],  # some answers add a midnight
    FieldKind.BOOLEAN: lambda value: "true" if value in (True, "true", "1", 1) else "",  # false and nothing are one
    FieldKind.ID: lambda value: str(value).strip(),
}


def canonical(field: Field, value: Value) -> str:
    return "" if value is None else CANONICAL[field.kind](value)


OLDEST_SCHEME = 1
SHORTEST_CUT = 20  # letters and digits; what is shorter may be another value
SALTED = 2  # the first scheme in which two people with the same value have different digests


def is_same_but_for_form(one: Value, other: Value) -> bool:
    """Whether two texts differ in case, blanks, signs, Unicode form or escaping alone, as servers keep them.

    Or in the 00 of a telephone number, or in that one is cut.
    """
    short, long = sorted((_bare(one), _bare(other)), key=len)
    return bool(short) and (short == long or (len(short) >= SHORTEST_CUT and long.startswith(short)))


def _bare(value: Value) -> str:
    text = html.unescape(html.unescape("" if value is None else str(value)))  # some servers escape twice
    text = unicodedata.normalize("NFC", text).casefold()
    text = re.sub(r"^\s*\+(?=\d)", "00", text)
    return "".join(sign for sign in text if sign.isalnum())


class Digester:
    """Digests under one key; `catalogue` tells the kind and the code of each go~mus field."""

    def __init__(self, key: bytes, catalogue: Mapping[str, Field]) -> None:
        self._key = blake2b(key, digest_size=32).digest()
        self._catalogue = catalogue
        self._names = {field.code: name for name, field in catalogue.items()}
        self._forms = {name: (bytes([field.code]), CANONICAL[field.kind]) for name, field in catalogue.items()}
        self._codes = sorted((form[0], name) for name, form in self._forms.items())

    def _keyed(self, size: int, purpose: bytes, content: bytes, salt: bytes = b"") -> bytes:
        return blake2b(content, digest_size=size, key=self._key, person=purpose, salt=salt).digest()

    def of(self, foreign_id: str, scheme: int = SCHEME) -> "PersonDigester":
        """Digests of one customer; `scheme` is the one under which those were made that they are compared with."""
        return PersonDigester(self, scheme, salt=self.name(foreign_id) if scheme >= SALTED else b"")

    def field(self, name: str, value: Value, salt: bytes) -> bytes:
        return self.fields({name: value}, salt)[name]

    def fields(self, values: Mapping[str, Value], salt: bytes) -> dict[str, bytes]:
        begun, forms = blake2b(digest_size=FIELD_SIZE, key=self._key, person=b"field", salt=salt), self._forms
        digests = {}
        for name, value in values.items():
            code, spell = forms[name]
            own = begun.copy()
            own.update(code if value is None else code + spell(value).encode())
            digests[name] = own.digest()
        return digests

    def is_flag(self, name: str) -> bool:
        return self._catalogue[name].kind is FieldKind.BOOLEAN

    def is_same(self, name: str, one: Value, other: Value) -> bool:
        """Whether go~mus and we mean the same by two values of a field."""
        if one == other and type(one) is type(other):  # as nearly all that go~mus shows
            return True
        field = self._catalogue[name]
        return canonical(field, one) == canonical(field, other)

    def record(self, fields: Mapping[str, bytes], salt: bytes) -> bytes:
        return self._keyed(RECORD_SIZE, b"record", self.pack(fields), salt)

    def source(self, values: Mapping[str, object], context: bytes) -> bytes:
        """The digest of a source record as it came; `context` is what else decides how it is mapped."""
        text = AS_JSON(list(values.items()))
        return self._keyed(RECORD_SIZE, b"source", context + text.encode(errors="surrogatepass"))

    def raw(self, context: bytes) -> Callable[[Sequence[bytes]], list[bytes]]:
        """Digests records as they stand in a file; `context` is all that decides what they say and how it is mapped."""
        begun = blake2b(context, digest_size=RECORD_SIZE, key=self._key, person=b"raw")

        def digests(records: Sequence[bytes]) -> list[bytes]:
            found = []
            for raw in records:
                own = begun.copy()
                own.update(raw)
                found.append(own.digest())
            return found

        return digests

    def context(self, content: bytes) -> bytes:
        """The digest of all that decides how a source is read and mapped."""
        return self._keyed(RECORD_SIZE, b"context", content)

    def name(self, foreign_id: str) -> bytes:
        """The digest that a tombstone keeps in place of the foreign_id."""
        return self._keyed(RECORD_SIZE, b"name", foreign_id.encode())

    def email(self, address: str, salt: bytes) -> bytes:
        """The digest of an e-mail address, the same for all who have it; `salt` is of their instance."""
        text = unicodedata.normalize("NFC", address.strip().lower())
        return self._keyed(RECORD_SIZE, b"email", text.encode(errors="surrogatepass"), salt)

    def plan(self, content: bytes) -> bytes:
        return self._keyed(RECORD_SIZE, b"plan", content)

    @property
    def check(self) -> str:
        """Tells whether a state database was written under this key, without telling the key."""
        return self._keyed(RECORD_SIZE, b"check", b"syncd").hex()

    def pack(self, fields: Mapping[str, bytes]) -> bytes:
        """Nine bytes a field: its code and its digest."""
        return b"".join([code + fields[name] for code, name in self._codes if name in fields])

    def unpack(self, packed: bytes) -> dict[str, bytes]:
        """Undoes `pack`; a code that this version does not know is left out."""
        step = FIELD_SIZE + 1
        parts = (packed[start : start + step] for start in range(0, len(packed), step))
        return {self._names[part[0]]: part[1:] for part in parts if part[0] in self._names}


@dataclass(frozen=True, slots=True)
class PersonDigester:
    """Digests of one customer's values."""

    digester: Digester
    scheme: int
    salt: bytes

    def field(self, name: str, value: Value) -> bytes:
        return self.digester.field(name, value, self.salt)

    def fields(self, values: Mapping[str, Value]) -> dict[str, bytes]:
        return self.digester.fields(values, self.salt)

    def as_held(self, values: Mapping[str, Value], held: Mapping[str, bytes]) -> Mapping[str, Value]:
        """The values, where what is held is the same text decomposed, so: it need not be sent again for that."""
        decomposed = {
            name: unicodedata.normalize("NFD", value)
            for name, value in values.items()
            if isinstance(value, str) and not value.isascii() and name in held
        }
        alike = {name: value for name, value in decomposed.items() if self.field(name, value) == held[name]}
        return {**values, **alike} if alike else values

    def trace(self, name: str, known: Digests) -> Trace:
        """What is known of one field; `known` must be of this scheme."""
        return Trace(
            ours=known.fields.get(name),
            shown=known.shown.get(name),
            empty=self.field(name, None),
            is_flag=self.digester.is_flag(name),
        )

    def customer(self, values: Mapping[str, Value]) -> Digests:
        """The digests of a mapped record."""
        fields = self.fields(values)
        return Digests(record=self.digester.record(fields, self.salt), fields=fields, scheme=self.scheme)
