"""What happens to records on their way, whatever the source: pure changes of their values, and which of them concern
a mapping.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.rehearsal.tape import Change, Values

Pair: TypeAlias = tuple[str, str]
ALIKE = (  # go~mus fields whose columns a person may exchange unseen
    ("addr_street", "addr_city"),
    ("tel", "mobile"),
    ("addr_city", "addr_zip"),
    ("name", "notes"),
    ("tel", "fax"),
)
_ZEROS = re.compile(r"\A0+(?=[0-9]+\Z)")


def encode_twice(text: str) -> str:
    """As where UTF-8 was taken for Windows-1252: ü becomes Ã¼."""
    if text.isascii():
        return text
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode(errors="replace"))


def lose_zeros(text: str) -> str:
    """As where a spreadsheet takes a text of digits for a number: 01067 becomes 1067."""
    return _ZEROS.sub("", text)


def in_all(change: Callable[[str], str], *, but: str = "") -> Change:
    """Change each text, however deep it lies, but for the value that this path leads to."""

    def changed(values: Values) -> Values:
        kept = find(values, but)
        result = {key: _in_value(value, change) for key, value in values.items()}
        return put(result, but, kept) if kept is not None else result

    return changed


def _in_value(value: object, change: Callable[[str], str]) -> object:
    match value:
        case str():
            new = change(value)
            return value if new == value else new
        case Mapping():
            return {key: _in_value(inner, change) for key, inner in value.items()}
        case list():
            return [_in_value(inner, change) for inner in value]
        case _:
            return value


def in_one(path: str, change: Callable[[str], str]) -> Change:
    """Change the one value that the path leads to."""

    def changed(values: Values) -> Values:
        value = find(values, path)
        return put(values, path, change(value)) if isinstance(value, str) else values

    return changed


def swap(one: str, other: str) -> Change:
    """Exchange two columns: each has the other's values."""

    def changed(values: Values) -> Values:
        first, second = find(values, one), find(values, other)
        return put(put(values, one, second), other, first)

    return changed


def find(values: Values, path: str) -> object:
    """The value of a key, or of a key of an inner object as in 'person.name'; None where it leads nowhere."""
    if path in values:
        return values[path]
    key, dot, rest = path.partition(".")
    inner = values.get(key)
    return find(inner, rest) if dot and isinstance(inner, Mapping) else None


def put(values: Values, path: str, value: object) -> Values:
    """The same with another value there; unchanged where the path leads nowhere."""
    if path in values:
        return {**values, path: value}
    key, dot, rest = path.partition(".")
    inner = values.get(key)
    return {**values, key: put(inner, rest, value)} if dot and isinstance(inner, Mapping) else values


def find_pairs(foreign_id: ForeignIdSpec, fields: Mapping[str, FieldSpec]) -> Iterator[Pair]:
    """Columns to be exchanged: the id with another one, the names, and two that look alike."""
    paths = {name: spec.paths[0] for name, spec in fields.items() if spec.paths}
    others = [
        paths[name] for name in ("surname", "email", *paths) if paths.get(name, foreign_id.from_) != foreign_id.from_
    ]
    if others:
        yield foreign_id.from_, others[0]
    for one, other in (("name", "surname"), *ALIKE):
        if paths.get(one, "") != paths.get(other, "") and one in paths and other in paths:
            yield paths[one], paths[other]
            if one != "name" or other != "surname":
                return
