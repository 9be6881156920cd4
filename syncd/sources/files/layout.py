"""How a CSV file is laid out: what stands between two cells, and where the header is. Found in its first lines."""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from syncd.errors import IncompleteRead
from syncd.sources.files.header import LOOKED_AT, Share, best_share, find_header, find_hint, is_most, names_in

if TYPE_CHECKING:
    from _csv import Reader

_DELIMITERS = ";,\t|"
_UNUSUAL = "^~#!*¦§¬\x1f\x1e\x01\x02/:\\"  # are asked about, never taken
_SEP_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)
_ONE_COLUMN = (False, 1, 0)


@dataclass(frozen=True, slots=True)
class Form:
    """What stands between two cells, and around one. A blank before a quote does not count."""

    delimiter: str
    quote: str = '"'

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> "Reader":
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, skipinitialspace=True, strict=strict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`lines` and `rows` are so many before the header; `above` are these rows. `hint`: see `find_hint`."""

    form: Form
    lines: int
    above: Sequence[Sequence[str]]
    header: Sequence[str]
    has_sep_line: bool
    hint: str | None


@dataclass(frozen=True, slots=True)
class _Split:
    """The first rows as one delimiter splits them, each with the line before which it begins."""

    form: Form
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
    split_by = partial(_split, sample, find_quote(sample, name), header_row, share)
    splits = {one: split_by(one) for one in dict.fromkeys([*_DELIMITERS, *named])}
    if delimiter == "auto" and sep_line:
        delimiter = sep_line[1]
    if delimiter == "auto":
        split = _recognize(sample, splits, share, name)
    else:
        split = splits.get(delimiter) or split_by(delimiter)
    if split.header is None and header_row is not None:
        raise IncompleteRead(
            name, f"has no names in row {header_row}", remedy="header_row counts from 1, empty rows included"
        )
    check_lines(sample, split.form, name)
    header = split.header or 0
    return Layout(
        form=split.form,
        lines=split.start or bool(sep_line),
        above=split.rows[:header],
        header=split.rows[header] if split.rows else (),
        has_sep_line=bool(sep_line),
        hint=_hint(split, splits, split_by, share),
    )


def show(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else repr(delimiter)


def _as_toml(delimiter: str) -> str:
    return f'"{delimiter}"' if delimiter.isprintable() and delimiter != "\\" else f'"\\u{ord(delimiter):04x}"'


def _split(sample: Sequence[str], quote: str, header_row: int | None, share: Share, delimiter: str) -> _Split:
    form = Form(delimiter, quote)
    reader = form.reader(sample, strict=False)
    starts, rows, start = [], [], 0
    with suppress(csv.Error):
        for cells in islice(reader, max(LOOKED_AT, header_row or 0)):
            starts.append(start)
            rows.append(cells)
            start = reader.line_num
    return _Split(form, starts, rows, find_header(rows, share, header_row))


def _hint(split: _Split, splits: dict[str, _Split], split_by: Callable[[str], _Split], share: Share) -> str | None:
    if split.header is None or split.share(share) == 1:
        return None
    splits = splits | {one: split_by(one) for one in _UNUSUAL}
    own = best_share(split.rows, share)
    others = {one: best_share(other.rows, share) for one, other in splits.items()}
    better = max(others, key=lambda one: others[one])
    if is_most(others[better]) and others[better] > own:
        return f"{_columns(split)}: is the delimiter {show(better)}?"
    told = find_hint(split.rows, split.header, share)
    if told or _columns(split) != "1 column":
        return told
    return "1 column: what stands between two cells? `delimiter` may name it"


def _columns(split: _Split) -> str:
    width = len(names_in(split.rows[split.header or 0]))
    return f"{width} column{'s' if width > 1 else ''}"


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
    ranks = {one: _rank(sample[splits[one].start :], splits[one].form) for one in likely}
    best = max(ranks.values())
    first, *others = (one for one, rank in ranks.items() if rank == best)
    if best > _ONE_COLUMN and others:
        choice = " or ".join(map(show, [first, *others]))
        raise IncompleteRead(name, f"the delimiter may be {choice}", remedy=f"name it: delimiter = {_as_toml(first)}")
    if best <= _ONE_COLUMN:
        _check_one_column(sample, splits[first], name)
    return splits[first]


def _rank(sample: Sequence[str], form: Form) -> tuple[bool, int, int]:
    """Whether at least half of the rows fit the header; how many columns it has; how many rows fit."""
    header, *others = _first_rows(sample, form) or [[]]
    width = len(names_in(header))
    if width <= 1:
        return _ONE_COLUMN
    fitting = sum(len(cells) >= width and not any(cells[width:]) for cells in others)
    return 2 * fitting >= len(others), width, fitting


def _first_rows(sample: Sequence[str], form: Form) -> list[list[str]]:
    """The rows up to the end of the sample, or up to a quote that shows that this is not the delimiter."""
    rows = []
    with suppress(csv.Error):
        for cells in form.reader(sample):
            if any(map(str.strip, cells)):
                rows.append(cells)  # noqa: PERF401 - those before an error count
    return rows


# --- what is no CSV, though it looks like a list ---

_EDGE = r"[;,\t|]"
_BLANKS = r"[^\S\r\n]*"
_PAIRS = "'' „“ „” “” ”” »« «» ‚‘ ‘’ `` ´´ `´".split()
_MOSTLY = 0.9
_ENOUGH = 2  # rows, where the header has none


def find_quote(sample: Sequence[str], name: str) -> str:
    """Raises IncompleteRead where cells are in quotes of another kind, which would be taken for a part of them."""
    header, *rows = [line for line in sample if line.strip()] or [""]
    for opening, closing in map(tuple, _PAIRS):
        cell = re.compile(rf"(?:^|{_EDGE}){_BLANKS}{opening}[^{opening}{closing}]*{closing}(?={_BLANKS}(?:{_EDGE}|$))")
        found = [len(cell.findall(row.rstrip("\r\n"))) for row in rows]
        if not rows or sum(map(bool, found)) < _MOSTLY * len(rows):
            continue
        is_told = bool(cell.search(header.rstrip("\r\n"))) or len(rows) >= _ENOUGH
        if opening == "'" and is_told and not any(re.search(rf'(?:^|{_EDGE})"', row) for row in rows):
            return "'"
        if sum(found) > _MOSTLY * 2 * len(rows):
            what = f"has its cells in {opening}…{closing}, which no program reads as the quotes of CSV"
            raise IncompleteRead(name, what, remedy='let the export write ", or no quotes at all')
    return '"'


def check_lines(sample: Sequence[str], form: Form, name: str) -> None:
    """Raises IncompleteRead where the lines have quotes that do not count as such."""
    header, *rows = [line for line in sample if line.strip()] or [""]
    strange = re.compile(rf" *(?! )[^\S\r\n]{_BLANKS}{form.quote}")
    split = list(form.reader(rows, strict=False))
    if split and sum(any(map(strange.match, cells)) for cells in split) > len(split) / 2:
        what = f"has a tab or another blank between {show(form.delimiter)} and the quote of a cell"
        raise IncompleteRead(name, what, remedy="let the export leave no blanks beside the delimiter")
    is_told = form.delimiter in header  # of one column it may be a sign like others
    are_whole = sum(len(cells) == 1 and form.delimiter in cells[0] for cells in split)
    if is_told and len(split) > 1 and are_whole > len(split) / 2:
        raise _quoted_whole(form.delimiter, name)


def _quoted_whole(delimiter: str, name: str) -> IncompleteRead:
    what = f"has whole lines in quotes, and so 1 column: {show(delimiter)} stands within the quotes"
    remedy = "export it anew, and do not save it in Excel: that puts quotes around each line"
    return IncompleteRead(name, what, remedy=remedy)


def _check_one_column(sample: Sequence[str], split: _Split, name: str) -> None:
    """Raises IncompleteRead where the lines look like more than one column."""
    rows = [cells[0] for cells in split.rows[split.header or 0 :] if len(cells) == 1 and cells[0].strip()]
    lines = sample[split.start :]
    for one in _DELIMITERS if lines and lines[0].lstrip().startswith(split.form.quote) else "":
        ready, width, _ = _rank(rows, Form(one, split.form.quote))
        if ready and width > 1 and len(rows) > 1:
            raise _quoted_whole(one, name)
    for one in _UNUSUAL:
        ready, width, fitting = _rank(lines, Form(one, split.form.quote))
        if ready and width > 1 and fitting:
            remedy = f'if it is, delimiter = {_as_toml(one)}; if the list has one column, delimiter = ";"'
            raise IncompleteRead(name, f"has 1 column: is the delimiter {show(one)}?", remedy=remedy)
    if len(rows) > 1 and sum(bool(re.search(r"\S {2,}\S", row)) for row in rows) > _MOSTLY * len(rows):
        what = "has 1 column, and more blanks than one between the words: it is laid out in columns of fixed width"
        raise IncompleteRead(name, what, remedy="let the export write CSV, with ';' between the cells")
