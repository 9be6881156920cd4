"""A last row that sums up: no record, and a proof that the list is whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from syncd.config.drafting.vocabulary import TOTALS

Row = Mapping[str, object]


class Totals:
    """Watches the rows of a list; once they have passed, `complete` is that of the source, None without totals."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self.complete: dict[str, str] | None = None

    def without(self, rows: Iterable[Row]) -> Iterator[Row]:
        last: Row | None = None
        for row in rows:
            if last is not None:
                yield last
            last = row
        if last is None:
            return
        word = self._find_word(last)
        if word is None:
            yield last
        else:
            self.complete = {"trailer": word}

    def _find_word(self, row: Row) -> str | None:
        texts = [str(row.get(name) or "").strip() for name in self._columns]
        word = TOTALS.match(texts[0]) if texts else None
        return word[0] if word and sum(map(bool, texts)) * 2 <= len(texts) else None

    def __str__(self) -> str:
        """The end of a sentence; nothing where there are none."""
        return f"; its last row, {self.complete['trailer']!r}, is no record" if self.complete else ""
