"""Where the header of a table is: the first row with all columns that are wanted, or the row that is named."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

Share: TypeAlias = Callable[[Sequence[str]], float]
"""Which share of the wanted columns is among these names: 1.0 where all are, or where nobody wants any."""
LOOKED_AT = 50  # rows
_MOST = 0.5


def names_in(cells: Sequence[object]) -> list[str]:
    """The names of the columns, up to the last that has one."""
    names = [str(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def find_header(rows: Sequence[Sequence[object]], share: Share, header_row: int | None) -> int | None:
    """The header's place among the first rows; None where there is none.

    Where no row has all columns it is the first that is not empty: a message then says what it lacks.
    """
    if header_row is not None:
        return header_row - 1 if header_row <= len(rows) and names_in(rows[header_row - 1]) else None
    filled = [place for place, cells in enumerate(rows) if names_in(cells)]
    fitting = (place for place in filled if share(names_in(rows[place])) == 1)
    return next(fitting, next(iter(filled), None))


def find_record_above(rows: Sequence[Sequence[object]], header: int) -> int | None:
    """A row above the header that is no title: as full as a record, and not of words. A sorted list has such rows."""
    width = len(list(filter(None, names_in(rows[header]))))
    for place, cells in enumerate(rows[:header]):
        filled = list(filter(None, names_in(cells)))
        if len(filled) > width / 2 and len(filled) >= min(width, 3) and not look_like_names(filled):
            return place
    return None


def find_hint(rows: Sequence[Sequence[object]], header: int, share: Share) -> str | None:
    """What to do about a header that lacks columns, where the rows tell; no cell is in it."""
    own = share(names_in(rows[header]))
    if own == 1:
        return None
    best = max(range(len(rows)), key=lambda place: share(names_in(rows[place])))
    if share(names_in(rows[best])) > max(own, _MOST):
        return f"row {best + 1} looks like the header: header_row = {best + 1}"
    if own < _MOST and not look_like_names(names_in(rows[header])):
        which = "first row" if header == 0 else f"row {header + 1}"
        return f"the {which} does not look like names: export the list with its header, or say where it is: header_row"
    return None


def best_share(rows: Sequence[Sequence[object]], share: Share) -> float:
    return max((share(names_in(cells)) for cells in rows if names_in(cells)), default=0.0)


def is_most(part: float) -> bool:
    return part > _MOST


def look_like_names(names: Sequence[str]) -> bool:
    """Whether none of them looks like a number, a date, a telephone number or an address."""
    return all(_looks_like_a_name(name) for name in names if name)


def _looks_like_a_name(text: str) -> bool:
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    return letters > digits and "@" not in text
