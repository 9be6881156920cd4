"""Where in a TOML text each key and each value stands. The text is one that `tomllib` takes, or its sound beginning."""

import re
import tomllib
from dataclasses import dataclass, field
from typing import TypeAlias

from syncd.config.places import KeyPath

Span: TypeAlias = tuple[int, int]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?!"")(?:\\.|[^"\\\n])*"'
    r"|'(?!'')[^'\n]*'"
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+"
    r"|[+-]?(?:\d[\w+.:-]*|inf\b|nan\b)"
    r"|true\b|false\b",
    re.DOTALL,
)


class _LostError(Exception):
    """The text is no TOML from here on."""


@dataclass(slots=True)
class Spans:
    """`keys` and `values` are by path; the key of a table with a heading is the heading, and it has no value.

    `twice` leads from the beginning of a key or heading to that of an earlier one of the same path.
    `lost` is where the value, key or heading begins that is no TOML; `opened` are the brackets around it.
    """

    keys: dict[KeyPath, Span] = field(default_factory=dict)
    values: dict[KeyPath, Span] = field(default_factory=dict)
    twice: dict[int, int] = field(default_factory=dict)
    lost: int | None = None
    opened: list[int] = field(default_factory=list)

    def nearest(self, path: KeyPath) -> Span | None:
        """The key, or the first table around it that has a place; where there is no key, as in a list, the value."""
        while path:
            if found := self.keys.get(path) or self.values.get(path):
                return found
            path = path[:-1]
        return None


def find_spans(text: str) -> Spans:
    """Never raises."""
    scan = _Scan(text)
    try:
        scan.document()
    except (_LostError, RecursionError):
        scan.found.lost = scan.at
        scan.found.opened = scan.opened
    return scan.found


class _Scan:
    """`at` is how far it has come: where it gets lost, the beginning of what it can't read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.opened: list[int] = []
        self.found = Spans()
        self._table: KeyPath = ()
        self._lengths: dict[KeyPath, int] = {}  # of lists of tables
        self._named: set[KeyPath] = set()  # by their own key or heading, not as a part of another's

    def document(self) -> None:
        self._pass(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self._heading()
            else:
                self._pair(self._table)
            self._pass(_SPACE)
            if self.text[self.at : self.at + 1] not in ("", "\n", "\r", "#"):
                raise _LostError
            self._pass(_BLANK)

    def _pass(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _take(self, signs: str) -> bool:
        is_there = self.text.startswith(signs, self.at)
        self.at += len(signs) * is_there
        return is_there

    def _heading(self) -> None:
        start = self.at
        brackets = 2 if self._take("[[") else 1 if self._take("[") else 0
        parts = [part for part, _ in self._dotted()]
        if not self._take("]" * brackets):
            self.at = start
            raise _LostError
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._last((*path, part))
            self.found.keys.setdefault(path, (start, self.at))
        path = (*path, parts[-1])
        if brackets == 2:
            self.found.keys.setdefault(path, (start, self.at))
            self._lengths[path] = self._lengths.get(path, 0) + 1
            path = self._last(path)
        self._name(path, (start, self.at))
        self._table = path

    def _last(self, path: KeyPath) -> KeyPath:
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _name(self, path: KeyPath, span: Span) -> None:
        if path in self._named:
            self.found.twice[span[0]] = self.found.keys[path][0]
            return
        self._named.add(path)
        self.found.keys[path] = span

    def _dotted(self) -> list[tuple[str, Span]]:
        parts: list[tuple[str, Span]] = []
        while not parts or self._take("."):
            self._pass(_SPACE)
            found = _KEY.match(self.text, self.at)
            if not found:
                raise _LostError
            parts.append((_read_key(found[0]), found.span()))
            self.at = found.end()
            self._pass(_SPACE)
        return parts

    def _pair(self, table: KeyPath) -> None:
        path, parts = table, self._dotted()
        for part, span in parts[:-1]:
            path = (*path, part)
            self.found.keys.setdefault(path, span)
        path = (*path, parts[-1][0])
        self._name(path, parts[-1][1])
        if not self._take("="):
            raise _LostError
        self._pass(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        start = self.at
        if self._take("["):
            self._several("]", start, path)
        elif self._take("{"):
            self._several("}", start, path)
        elif found := _SCALAR.match(self.text, self.at):
            self.at = found.end()
        else:
            raise _LostError
        self.found.values.setdefault(path, (start, self.at))

    def _several(self, end: str, start: int, path: KeyPath) -> None:
        """A list or an inline table."""
        self.opened.append(start)
        self._pass(_BLANK)
        number = 0
        while not self._take(end):
            if end == "]":
                self._value((*path, number))
            else:
                self._pair(path)
            number += 1
            self._pass(_BLANK)
            if not self._take(",") and not self.text.startswith(end, self.at):
                raise _LostError
            self._pass(_BLANK)
        self.opened.pop()


def _read_key(written: str) -> str:
    if written[0] not in "\"'":
        return written
    try:
        return str(tomllib.loads(f"key = {written}")["key"])
    except tomllib.TOMLDecodeError:
        raise _LostError from None
