"""What was recognized of a source, for the person at a terminal who can see whether it is right."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping

from syncd.sources.base import Reading, SourceRecord

_WORD = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")
_MOST = 6


class Letters:
    """A few words, each with a letter beyond ASCII that none before it has. As values they are for a terminal alone."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._seen: set[str] = set()
        self._is_wanted = sys.stdout.isatty()

    def look_at(self, values: Mapping[str, object]) -> None:
        if not self._is_wanted or len(self._words) >= _MOST:
            return
        for value in values.values():
            if isinstance(value, str) and not value.isascii():
                self._take(value)

    def passing(self, records: Iterable[SourceRecord]) -> Iterator[Mapping[str, object]]:
        for record in records:
            self.look_at(record.values)
            yield record.values

    def _take(self, text: str) -> None:
        for word in _WORD.findall(text):
            letters = {letter for letter in word if not letter.isascii()}
            if not letters <= self._seen and len(self._words) < _MOST:
                self._seen |= letters
                self._words.append(word)

    def __str__(self) -> str:
        """The end of a sentence; nothing where there are none."""
        return f"; its letters, as in {', '.join(self._words)}" if self._words else ""


def describe(reading: Reading) -> str:
    """Such as "members.csv (windows-1252, ';'): 18 columns, named in line 3"."""
    if reading.header is None or reading.columns is None:
        return reading.description
    count = len(reading.columns)
    return f"{reading.description}: {count} column{'s' if count > 1 else ''}, named in {reading.header}"
