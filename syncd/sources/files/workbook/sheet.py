"""What every form of workbook gives: sheets, and the cells of a sheet as a person sees them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from syncd.errors import IncompleteRead

Cell: TypeAlias = str | bool
"""As it is seen; "" is an empty one."""
Row: TypeAlias = tuple[int, list[Cell]]
"""Its number, which counts from 1, and its cells up to the last that holds anything."""
MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14  # no program has more

MEND = "open the workbook, correct the cell, and save it"
SAVE = "save it anew as .xlsx, in Excel or LibreOffice"
SHOWS_ERROR = "shows an error"
NO_RESULT = "has a formula without a result"


class ErrorCell(str):
    """What is in the place of a value. It matters only where somebody wants the column; the text says what is wrong."""

    __slots__ = ()


class DoubtfulCell(Exception):
    """A cell that must not be taken for empty. `at` is its place as Excel names it."""

    def __init__(self, at: str, what: str, remedy: str = MEND) -> None:
        super().__init__(f"cell {at}: {what}")
        self.at, self.what, self.remedy = at, what, remedy


class Broken(Exception):
    """A part of a workbook is missing or no valid XML: the file is cut short, or no workbook."""


class Sheet(ABC):
    def __init__(self, name: str, *, is_visible: bool = True) -> None:
        self.name = name
        self.is_visible = is_visible

    @abstractmethod
    def filled_rows(self) -> Iterator[Row]:
        """The rows that hold anything, in order. Raises DoubtfulCell and Broken."""

    def merged_rows(self) -> Iterable[int]:
        """The last row of each range of merged cells."""
        return ()

    def rows(self) -> Iterator[Row]:
        """All rows up to the last that holds anything, empty ones too."""
        last = 0
        for number, cells in self.filled_rows():
            if not last < number <= MOST_ROWS or len(cells) > MOST_COLUMNS:
                raise Broken
            yield from ((missing, []) for missing in range(last + 1, number))
            yield number, cells
            last = number

    @property
    def is_empty(self) -> bool:
        try:
            return next(self.filled_rows(), None) is None
        except DoubtfulCell:
            return False


class PlainSheet(Sheet):
    """A sheet that is in memory."""

    def __init__(self, name: str, rows: Sequence[Row], *, merged: Sequence[int] = ()) -> None:
        super().__init__(name)
        self._rows, self._merged = rows, merged

    def filled_rows(self) -> Iterator[Row]:
        return iter(self._rows)

    def merged_rows(self) -> Iterable[int]:
        return self._merged


def cell_name(row: int, column: int) -> str:
    """`B3` for row 3, column 1: rows count from 1, columns from 0."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(65 + place) + letters
    return f"{letters}{row}"


def is_protected(name: str) -> IncompleteRead:
    return IncompleteRead(name, "is protected by a password", remedy="save it without one")
