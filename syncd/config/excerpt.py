"""Where in the file a mistake is: line and column, and that line with the place underlined."""

import re
from collections.abc import Container
from pathlib import Path

from syncd.config.discretion import veil
from syncd.config.places import KeyPath
from syncd.config.spans import Span, find_spans
from syncd.errors import Problem

LONGEST = 110  # letters of a line; around the place, where it is longer


class Pointer:
    """Gives each mistake of a sound TOML text its place; those in `about_keys` are about the key, not the value."""

    def __init__(self, *, file: Path, text: str, about_keys: Container[KeyPath]) -> None:
        self._file = file
        self._text = text
        self._spans = find_spans(text)
        self._about_keys = about_keys

    def at(self, problem: Problem, path: KeyPath) -> Problem:
        """Without a place, where the file has none."""
        value = self._spans.values.get(path)
        span = value if value and path not in self._about_keys else self._spans.nearest(path)
        return point_at(problem, self._file, self._text, span) if span else problem


def point_at(problem: Problem, file: Path, text: str, span: Span) -> Problem:
    """The problem with its place in the text of the file."""
    start, end = span
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", start)
    line = text[first : last if last >= 0 else len(text)]
    number, column = text.count("\n", 0, start) + 1, start - first
    shown, left, right = veil(line, column, min(end - first, len(line)))
    return Problem(
        path=problem.path,
        message=problem.message,
        place=f"{file}:{number}:{column + 1}",
        excerpt=_underline(number, shown, left, right),
    )


def _underline(number: int, line: str, left: int, right: int) -> str:
    cut = max(0, left - LONGEST // 2) if len(line) > LONGEST else 0
    line, left, right = line[cut : cut + LONGEST].rstrip(), left - cut, min(right - cut, LONGEST)
    margin = f"{number} | "
    before = re.sub(r"[^\t]", " ", line[:left])  # a tab stays one, so that what is below stands below
    return f"{margin}{line}\n{' ' * (len(margin) - 2)}| {before.ljust(left)}{'^' * max(right - left, 1)}"
