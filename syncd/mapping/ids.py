"""Ids out of a column of the source: what makes them fit, and the prefix before them."""

from collections.abc import Mapping

from syncd import reasons
from syncd.domain.records import NumberCell
from syncd.mapping.cells import in_one_line, is_plain, make_reader
from syncd.mapping.checks import ValueProblem, check_foreign_id
from syncd.mapping.origin import from_path
from syncd.mapping.spec import ForeignIdSpec
from syncd.mapping.transforms import compile_transform, transformed

EXACT = 2.0**53  # from here on several whole numbers are one and the same to a float


class Ids:
    """Reads the ids of one column, in the form of `spec`. Each method raises ValueProblem where one is unfit."""

    def __init__(self, spec: ForeignIdSpec, column: str | None = None) -> None:
        self._column = column or spec.from_
        self._prefix = spec.prefix
        self.find = from_path(self._column)
        self._reader = make_reader(in_one_line, transforms=spec.transform)
        self._transforms = [compile_transform(one) for one in spec.transform]

    def read(self, found: object) -> str:
        """The id with its prefix, of what was found in the column."""
        return self._with_prefix(self._reader.read(found))

    def read_mark(self, values: Mapping[str, object]) -> str | None:
        """The id that stands in the column; None where nothing does."""
        found = self.find(values)
        check_number(found)
        text = transformed(self._reader.read(found), self._transforms)
        return check_foreign_id(text.strip(), self._prefix) if text and text.strip() else None

    def read_former(self, found: object) -> str | None:
        """The id as it was spelt before cells were read as they are today; None where it is the same, or was none."""
        if not isinstance(found, str) or not (isinstance(found, NumberCell) or not is_plain(found)):
            return None
        try:
            return self._with_prefix(found.plain if isinstance(found, NumberCell) else found.strip())
        except ValueProblem:
            return None

    def _with_prefix(self, text: str | None) -> str:
        text = transformed(text, self._transforms)
        if text is None or not text.strip():
            raise ValueProblem(reasons.NO_ID.tell(column=self._column))
        return check_foreign_id(text.strip(), self._prefix)


def check_number(found: object) -> None:
    """Raises ValueProblem where what stands in the place of an id, and is no text, is nobody's id."""
    if isinstance(found, bool):
        raise ValueProblem(reasons.BOOLEAN_ID.tell())
    if isinstance(found, float) and abs(found) >= EXACT:
        raise ValueProblem(reasons.LOST_DIGITS.tell())
