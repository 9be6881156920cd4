"""How a CSV file is laid out: what stands between two cells, and where the header is. Found in its first lines."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from syncd.errors import IncompleteRead
from syncd.sources.files.header import LOOKED_AT, Share, best_share, find_header, find_hint, is_most, names_in

_DELIMITERS = ";,\t|"
_SEP_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)
_ONE_COLUMN = (False, 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`lines` and `rows` are so many before the header; `above` are these rows. `hint`: see `find_hint`."""

    delimiter: str
    lines: int
    above: Sequence[Sequence[str]]
    header: Sequence[str]
    has_sep_line: bool
    hint: str | None


@dataclass(frozen=True, slots=True)
class _Split:
    """The first rows as one delimiter splits them, each with the line before which it begins."""

    delimiter: str
    starts: Sequence[int]
    rows: Sequence[Sequence[str]]
    header: int | None

    def share(self, share: Share) -> float:
        return 0.0 if self.header is None else share(names_in(self.rows[self.header]))

    @property
    def start(self) -> int:
        return 0 if self.header is None else self.starts[self.header]


def find_layout(sample: Sequence[str], delimiter: str, header_row: int | None, share: Share, name: str) -> Layout:
    """Raises IncompleteRead where the delimiter is in doubt, or the named row is empty."""
    sep_line = _SEP_LINE.fullmatch(sample[0]) if sample else None
    named = sep_line.groups() if sep_line else ()
    if sep_line:
        sample = ["\n", *sample[1:]]
    splits = {one: _split(sample, one, header_row, share) for one in dict.fromkeys([*_DELIMITERS, *named])}
    if delimiter == "auto" and sep_line:
        delimiter = sep_line[1]
    if delimiter == "auto":
        split = _recognize(sample, splits, share, name)
    else:
        split = splits.get(delimiter) or _split(sample, delimiter, header_row, share)
    if split.header is None and header_row is not None:
        raise IncompleteRead(
            name, f"has no names in row {header_row}", remedy="header_row counts from 1, empty rows included"
        )
    header = split.header or 0
    return Layout(
        delimiter=split.delimiter,
        lines=split.start or bool(sep_line),
        above=split.rows[:header],
        header=split.rows[header] if split.rows else (),
        has_sep_line=bool(sep_line),
        hint=_hint(split, splits, share),
    )


def show(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else repr(delimiter)


def _split(sample: Sequence[str], delimiter: str, header_row: int | None, share: Share) -> _Split:
    reader = csv.reader(sample, delimiter=delimiter)
    starts, rows, start = [], [], 0
    with suppress(csv.Error):
        for cells in islice(reader, max(LOOKED_AT, header_row or 0)):
            starts.append(start)
            rows.append(cells)
            start = reader.line_num
    return _Split(delimiter, starts, rows, find_header(rows, share, header_row))


def _hint(split: _Split, splits: dict[str, _Split], share: Share) -> str | None:
    if split.header is None or split.share(share) == 1:
        return None
    own = best_share(split.rows, share)
    others = {one: best_share(other.rows, share) for one, other in splits.items()}
    better = max(others, key=lambda one: others[one])
    if is_most(others[better]) and others[better] > own:
        width = len(names_in(split.rows[split.header]))
        return f"{width} column{'s' if width > 1 else ''}: is the delimiter {show(better)}?"
    return find_hint(split.rows, split.header, share)


def _recognize(sample: Sequence[str], splits: dict[str, _Split], share: Share, name: str) -> _Split:
    """The delimiter that splits the header into the most columns, and most of the rows below into as many.

    Where one of them shows the wanted columns, or most of them, the others do not count.
    """
    for split in splits.values():
        if not any(map(names_in, split.rows)):  # nothing but delimiters
            return split
    usable = [one for one in _DELIMITERS if splits[one].header is not None]
    if not usable:
        return splits[_DELIMITERS[0]]
    shares = {one: best_share(splits[one].rows, share) for one in usable}
    most = max(shares.values())
    likely = [one for one in usable if shares[one] == most] if is_most(most) else usable
    ranks = {one: _rank(sample[splits[one].start :], one) for one in likely}
    best = max(ranks.values())
    first, *others = (one for one, rank in ranks.items() if rank == best)
    if best > _ONE_COLUMN and others:
        choice = " or ".join(map(show, [first, *others]))
        raise IncompleteRead(name, f"the delimiter may be {choice}", remedy=f"name it: delimiter = {first!r}")
    return splits[first]


def _rank(sample: Sequence[str], delimiter: str) -> tuple[bool, int, int]:
    """Whether at least half of the rows fit the header; how many columns it has; how many rows fit."""
    header, *others = _first_rows(sample, delimiter) or [[]]
    width = len(names_in(header))
    if width <= 1:
        return _ONE_COLUMN
    fitting = sum(len(cells) >= width and not any(cells[width:]) for cells in others)
    return 2 * fitting >= len(others), width, fitting


def _first_rows(sample: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows up to the end of the sample, or up to a quote that shows that this is not the delimiter."""
    rows = []
    with suppress(csv.Error):
        for cells in csv.reader(sample, delimiter=delimiter, strict=True):
            if any(map(str.strip, cells)):
                rows.append(cells)  # noqa: PERF401 - those before an error count
    return rows
