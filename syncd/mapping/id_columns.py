"""Columns that look unfit for a foreign_id, since what they hold changes, or several people share it: a warning."""

import re
from collections import Counter
from collections.abc import Mapping

from syncd.mapping.spec import FieldSpec, ForeignIdSpec

ENOUGH = 0.8  # of the ids: so many look alike before it counts
SAMPLE = 1000

_BY_FIELD = {
    "email": "an e-mail address",
    "name": "a name",
    "surname": "a name",
    "tel": "a telephone number",
    "date_of_birth": "a date",
}
_BY_NAME = (
    (r"e?mails?|e?mail ?adress[ea]?|e?mail ?address(es)?|mailadresse", "an e-mail address"),
    (r"(tel|telefon\w*|phone\w*|\w+ ?phone|mobil\w*|handy\w*|fax)( \w+)?", "a telephone number"),
    (r"(vor|nach|familien|full|first|last|sur|given|family)? ?names?|name ?(vorname|nachname)", "a name"),
    (r"geb|geboren|geburtsdatum|geburtstag|birthda(y|te)|date of birth|dob", "a date"),
    (r"(updated|changed|modified|created|last modified|last changed)( ?at| ?on| ?date)?|geaendert( am)?", "a date"),
    (r"(lfd|laufende|zeilen?) ?(nr|nummer)?|zeile|row|row ?num(ber)?|rownum|rang|index", "the number of a row"),
)
_BY_SHAPE = (
    (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    (r"\d{4}-\d\d-\d\d([T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}", "a date"),
    (r"(\+|00)[1-9][\d ()/-]{6,}|0\d{2,5}[ /-][\d -]{4,}", "a telephone number"),
)
REMEDY = "whoever gets another one is deleted and created anew: choose a number that the source gives once and for all"


class IdColumn:
    """Takes in the ids as they are read, and counts what they look like; it keeps none."""

    def __init__(self, spec: ForeignIdSpec, fields: Mapping[str, FieldSpec]) -> None:
        self._path = spec.from_
        self._fields = fields
        self._shapes: Counter[str] = Counter()
        self._taken = 0

    def take(self, value: object) -> None:
        if self._taken >= SAMPLE or not isinstance(value, str) or not value.strip():
            return
        self._taken += 1
        self._shapes.update(kind for shape, kind in _BY_SHAPE if re.fullmatch(shape, value.strip()))

    def find_doubt(self) -> str | None:
        kind = self._kind_by_use() or self._kind_by_shape() or self._kind_by_name()
        if kind is None:
            return None
        return f"{self._path!r} looks like {kind}, which is nobody's for ever: {REMEDY}"

    def _kind_by_use(self) -> str | None:
        return next((kind for name, kind in _BY_FIELD.items() if self._is_taken_for(name)), None)

    def _is_taken_for(self, name: str) -> bool:
        return name in self._fields and self._fields[name].from_ == self._path

    def _kind_by_shape(self) -> str | None:
        return next((kind for kind, count in self._shapes.items() if count >= ENOUGH * self._taken), None)

    def _kind_by_name(self) -> str | None:
        last = self._path if " " in self._path else self._path.split(".")[-1]
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower().replace("ä", "ae")
        words = re.sub(r"e-mail", "email", spaced)
        words = re.sub(r"[\W_]+", " ", words).strip()
        return next((kind for name, kind in _BY_NAME if re.fullmatch(name, words)), None)
