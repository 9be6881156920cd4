"""The number of a customer that go~mus has already, where a record names one."""

import re
from collections.abc import Mapping

from syncd import reasons
from syncd.domain.records import FieldProblem, NumberCell
from syncd.mapping.checks import ValueProblem
from syncd.mapping.origin import as_text, from_path

FIELD = "gomus_id"
_NUMBER = re.compile(r"0*([1-9]\d{0,17})", re.ASCII)


class NumberColumn:
    """The configured column; without one no record names a number."""

    def __init__(self, path: str | None) -> None:
        self._find = from_path(path) if path else None

    def __bool__(self) -> bool:
        return self._find is not None

    def of(self, values: Mapping[str, object]) -> int | FieldProblem | None:
        """The number, None where there is none, or why what stands there can't be one."""
        if self._find is None:
            return None
        try:
            found = self._find(values)
            text = found.plain if isinstance(found, NumberCell) else as_text("" if found is None else found)
        except ValueProblem:
            text = "?"
        number = _NUMBER.fullmatch(text.strip())
        if number or not text.strip():
            return int(number[1]) if number else None
        return FieldProblem(field=FIELD, reason=reasons.NO_CUSTOMER_NUMBER.tell())
