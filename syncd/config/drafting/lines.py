"""What a draft is made of: lines of TOML, each with the columns that it takes and a word of why."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import partial

from syncd.config.drafting.cells import Column
from syncd.config.drafting.names import OF_NAMES, Meaning, is_of_others, recognize
from syncd.domain.records import LookupEntry

Lists = Mapping[str, Sequence[LookupEntry]]
"""What an instance offers, by kind of look-up; without a kind it was not asked."""


def _is_worded(text: str) -> bool:
    return "@" not in text and sum(map(str.isalpha, text)) > sum(map(str.isdigit, text))


def _has_digits(text: str, least: int = 1) -> bool:
    return sum(map(str.isdigit, text)) >= least


RIGHT = 0.5  # of the values fit what the column's name says
FITS: Mapping[Meaning, Callable[[str], bool]] = {
    **dict.fromkeys((*OF_NAMES, Meaning.CITY, Meaning.COUNTRY, Meaning.SALUTATION), _is_worded),
    **dict.fromkeys((Meaning.ZIP, Meaning.HOUSE, Meaning.ZIP_CITY), _has_digits),
    **dict.fromkeys((Meaning.TEL, Meaning.MOBILE, Meaning.FAX), partial(_has_digits, least=5)),
    Meaning.EMAIL: lambda text: "@" in text,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table. What `is_off` is commented out; `notes` stand above it."""

    key: str
    value: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_off: bool = False


class Table:
    """The columns of one export, by what they hold; `key` is that of the id."""

    def __init__(self, columns: Mapping[str, Column], key: str) -> None:
        self.columns = columns
        self.key = key
        self.refused: dict[str, str] = {}  # columns that are not what their name says
        self._found: dict[Meaning, list[Column]] = {}
        sightings = [(found, column) for column in columns.values() if (found := recognize(column.name))]
        for sighting, column in sorted(sightings, key=lambda one: one[0].rank):
            if column.name == key or not column.values:
                continue
            if sighting.meaning in FITS and column.share(FITS[sighting.meaning]) < RIGHT:
                self.refused[column.name] = "holds something else than its name says"
            else:
                self._found.setdefault(sighting.meaning, []).append(column)

    def all(self, meaning: Meaning) -> list[Column]:
        return self._found.get(meaning, [])

    def first(self, meaning: Meaning) -> Column | None:
        return next(iter(self.all(meaning)), None)

    def move(self, column: Column, meaning: Meaning) -> None:
        """What a column holds is another thing than its name says."""
        for columns in self._found.values():
            if column in columns:
                columns.remove(column)
        self._found.setdefault(meaning, []).append(column)
        self.refused.pop(column.name, None)

    def refuse(self, column: Column, why: str) -> None:
        for columns in self._found.values():
            if column in columns:
                columns.remove(column)
        self.refused[column.name] = why

    def unknown(self) -> Iterator[Column]:
        """Columns whose names say nothing, and do not say that they are another person's."""
        for column in self.columns.values():
            known = column.name == self.key or any(column in columns for columns in self._found.values())
            if not known and column.values and not is_of_others(column.name):
                yield column


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")  # which JSON takes as it is


def in_toml(value: object) -> str:
    match value:
        case Mapping():
            return f"{{ {', '.join(f'{as_key(key)} = {in_toml(one)}' for key, one in value.items())} }}"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(in_toml, value))}]"
        case _:
            text = str(value)
            return f"'{text}'" if "\\" in text and "'" not in text and text.isprintable() else quote(text)


def as_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quote(key)


def take(columns: Iterable[Column], steps: Sequence[object] = (), **further: object) -> str:
    """The right side of a field: the column alone where that says all."""
    names = [column.name for column in columns]
    origin = names[0] if len(names) == 1 else names
    spec = {"from": origin, **({"transform": list(steps)} if steps else {}), **further}
    return in_toml(origin if len(spec) == 1 and isinstance(origin, str) else spec)


def null_if(columns: Iterable[Column]) -> list[object]:
    """The step that empties what stands for nothing; none where nothing does."""
    words = list(dict.fromkeys(word for column in columns for word in column.nothings))
    return [{"null-if": words}] if words else []


def line(key: str, columns: Sequence[Column], steps: Sequence[object] = (), *notes: str, **further: object) -> Line:
    value = take(columns, [*null_if(columns), *steps], **further)
    return Line(key=key, value=value, columns=tuple(one.name for one in columns), notes=notes)


def named(columns: Iterable[Column]) -> str:
    return ", ".join(repr(column.name) for column in columns)
