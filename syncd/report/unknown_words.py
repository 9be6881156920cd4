"""The words of a list that a `lookup` or a `map` does not know, each with how often it stands there.

Words are values: they are for a terminal alone. Elsewhere only columns and counts are named.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from syncd.domain.nearest import find_nearest
from syncd.domain.records import SourceRecord
from syncd.mapping.lookups import Lookup, fold
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec
from syncd.report.findings import Finding, Weight

MOST = 500  # different words of one field that are told apart
SHOWN, NAMED = 20, 12
TO_CHOOSE = "?"


class UnknownWords:
    """Takes in each record as it is read."""

    def __init__(self, mapper: Mapper, fields: Mapping[str, FieldSpec], lookups: Mapping[str, Lookup]) -> None:
        self._mapper = mapper
        self._fields = fields
        self._lookups = lookups
        self._known: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._unknown: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._records: Counter[str] = Counter()  # with an unknown word

    def take(self, record: SourceRecord) -> None:
        for word in self._mapper.words_of(record.values, self._lookups):
            words = self._known[word.name] if word.is_known else self._unknown[word.name]
            if word.text in words or len(words) < MOST:
                words[word.text] += 1
            self._records[word.name] += not word.is_known

    def findings(self, name: str) -> Iterator[Finding]:
        for field, unknown in self._unknown.items():
            spec = self._fields[field]
            if spec.lookup is None and spec.default is not None:
                continue  # whatever is not in `map` is meant to have the default
            yield self._finding(name, field, unknown)

    def _finding(self, name: str, field: str, unknown: Counter[str]) -> Finding:
        spec, known = self._fields[field], self._known[field]
        column = ", ".join(spec.paths) or field
        what = "not in 'map'" if spec.map else f"no {spec.lookup} of this instance"
        many = f"more than {MOST}" if len(unknown) >= MOST else f"{len(unknown)}"
        records = f"{self._records[field]} record{'' if self._records[field] == 1 else 's'}"
        words = f"{records} with {many} of {len(unknown) + len(known)} different words, {what}"
        ends = "" if spec.default is None else "; they are sent with the default"
        listed = ", ".join(f"{_quoted(text)} {count}" for text, count in unknown.most_common(SHOWN))
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        offered = self._offered(spec, unknown)
        return Finding(
            what=f"{name}: {column}",
            words=words + ends,
            shown=f"{listed}{more}; {offered}{ends}",
            below=(
                f"    for fields.{field}: {self._draft_map(spec, field)}",
                f"    in the place of each {TO_CHOOSE} {_choice(spec)}",
            ),
            weight=Weight.INVALID if spec.default is None else Weight.DOUBT,
        )

    def _offered(self, spec: FieldSpec, unknown: Counter[str]) -> str:
        """What there is; of a long list what looks like the words."""
        names = self._lookups[spec.lookup].names if spec.lookup else []
        if not names:
            return f"'map' has {', '.join(spec.map or ())}"
        if len(names) <= NAMED:
            return f"go~mus has {', '.join(names)}"
        near = {found: None for text in list(unknown)[:SHOWN] if (found := find_nearest(text, names))}
        return f"go~mus has {len(names)} others" + (f", such as {', '.join(near)}" if near else "")

    def _draft_map(self, spec: FieldSpec, field: str) -> str:
        """All words of the list, since with a `map` those count that are in it, and no others."""
        drafted: dict[str, object] = dict(spec.map or {})
        keys = {fold(key): key for key in drafted}
        if spec.map is None:
            for text in self._known[field]:
                drafted[keys.setdefault(fold(text), text)] = text
        for text, _ in self._unknown[field].most_common():
            is_listed = spec.map is not None and fold(text) not in keys and self._has(spec, text)
            drafted[keys.setdefault(fold(text), text)] = text if is_listed else TO_CHOOSE
        return f"map = {{ {', '.join(f'{_quoted(text)} = {_quoted(value)}' for text, value in drafted.items())} }}"

    def _has(self, spec: FieldSpec, text: str) -> bool:
        return spec.lookup is not None and self._lookups[spec.lookup].find(text) is not None


def _choice(spec: FieldSpec) -> str:
    if spec.lookup is None:
        return "comes what is to be sent"
    return f"comes a {spec.lookup} of go~mus; words that mean none are emptied by transform = [{{ null-if = [...] }}]"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
