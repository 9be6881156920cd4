"""What a cell may hold, whichever source it is from: how its text is written, and what is no value at all.

Text is composed (NFC), and Excel's guard (`="0815"`) is taken off. What is an id or one line has no apostrophe before a
number (`'0815`), no signs that nobody sees, and no blank but the plain one. An error of a spreadsheet, a number that
Excel has shortened, a database's word for nothing and text that was encoded twice are refused, unless the field's
transforms or its map name the cell: that is a person's word.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from syncd import reasons
from syncd.domain.records import DateCell
from syncd.letters.twice import is_encoded_twice
from syncd.mapping.checks import ValueProblem
from syncd.mapping.lookups import fold
from syncd.mapping.origin import as_text, is_empty
from syncd.reasons import Told

_GUARD = re.compile(r'="((?:[^"]|"")*)"')
_GUARDS = {"=", "'"}
_APOSTROPHE = re.compile(r"\A'(?=[-+]?\d)")  # before a number that is text
_JOINERS = "\u200c\u200d"  # Persian, the scripts of India and emoji are read wrongly without them
_JOINED = "\u0590-\u1cff\u2600-\u27bf\ua800-\uabff\ufe0f\U00010a00-\U0001faff"  # what they may follow
_UNSEEN = (
    re.compile(  # category Cf without joiners and letters, then what is unseen of other categories; a test looks at all
        "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
        "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
        "\u034f\u17b4\u17b5\u3164\uffa0]"
    )
)
_LOOSE_JOINER = re.compile(f"(?<![{_JOINED}])[{_JOINERS}]")
_LATIN = re.compile("[\x00-\x7e\u00c0-\u017f]*")  # composed letters, and nothing that nobody sees
_BLANK = re.compile(r"[^\S\t\n\r\x0b\x0c\x1c-\x1f ]")


def in_lines(text: str) -> str:
    """As text of several lines is written: what people have put between their words stays."""
    text = text.strip()
    if text[:2] == '="':
        text = _unguarded(text)
    return text if text.isascii() else normalize("NFC", text)


def in_one_line(text: str) -> str:
    """As an id, and text of one line, is written."""
    if text.isascii() or _LATIN.fullmatch(text):
        text = text.strip()
        if text[:1] not in _GUARDS:
            return text
        if text[:2] == '="':
            text = _unguarded(text)
        return _APOSTROPHE.sub("", text) if text[:1] == "'" else text
    text = _LOOSE_JOINER.sub("", _UNSEEN.sub("", text))
    return _APOSTROPHE.sub("", in_lines(_BLANK.sub(" ", text)))


def id_in_one_line(foreign_id: str, prefix: str) -> str:
    """An id that has its prefix already, as it is written today."""
    return prefix + in_one_line(foreign_id.removeprefix(prefix))


def is_plain(text: str) -> bool:
    """Whether to write it as an id changes nothing, but for blanks at its ends."""
    return text.isascii() and '="' not in text and "'" not in text


def _unguarded(text: str) -> str:
    while found := _GUARD.fullmatch(text):
        text = found[1].replace('""', '"').strip()
    return text


# --- what is no value ---

_ERROR = re.compile(r"#[¡¿]?\w[\w/]*[!?]|#[^\W\d_]/[^\W\d_]|#{2,}")
_ERROR_WITHOUT_SIGN = {"#NV", "#YOK", "#HIÁNYZIK", "#NENÍ_K_DISPOZICI", "#GETTING_DATA", "#DATEN_ABRUFEN"} | {
    # as some programs leave out the last sign
    *"#VALUE #REF #NAME #DIV/0 #NUM #NULL #SPILL #CALC #ERROR #WERT #BEZUG #ZAHL #VALEUR #NOM #NOMBRE #VALOR".split(),
}
_ERROR_OF_CALC = re.compile(r"(?:Err|Erreur|Fehler|Fout|Hiba|Virhe|Chyba):\d{3}")
_SHORTENED = re.compile(r"[-+]?\d(?:(?:[.,]\d+)?[Ee][-+]\d{2,3}|[.,]\d+[Ee]\d{1,3})")  # of Excel; and of Java
_NOTHING = {
    *(r"\N NULL null nan NaN None undefined NaT <NA> nil NIL N/A n/a <n/a> &nbsp;".split()),
    *("[object Object]", "(blank)", "(leer)", "(Leer)", "<leer>", "<empty>"),
    *(f"{left}{word}{right}" for word in ("NULL", "null", "none", "None") for left, right in ("<>", "()", "[]")),
}
_OF_NUMBERS = frozenset("-+0123456789")
_OF_FLAWS = _OF_NUMBERS | {"#", *(word[0] for word in _NOTHING), *"EFHVC"}


def find_flaw(text: str) -> Told | None:
    """Why a whole cell is no value, and what to do about it."""
    if text in _NOTHING:
        return reasons.WORD_FOR_NOTHING.tell()
    first = text[:1]
    if first in _OF_NUMBERS:
        return reasons.SHORTENED.tell() if _SHORTENED.fullmatch(text) else None
    if first == "#":
        is_error = text in _ERROR_WITHOUT_SIGN or (text == text.upper() and _ERROR.fullmatch(text))
        return reasons.ERROR_CELL.tell() if is_error else None
    return reasons.ERROR_CELL.tell() if text[-4:-3] == ":" and _ERROR_OF_CALC.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the cells of one field. What is `emptied` counts as empty, what is `named` as a value."""

    write: Callable[[str], str]
    takes_days: bool = True  # from the date cells of a workbook
    emptied: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()  # of a text, which a `replace` names

    def read(self, value: object) -> str | None:
        """The text of a cell, None where it is empty. Raises ValueProblem where there is no value in it."""
        if not isinstance(value, str):
            return None if is_empty(value) else as_text(value)
        if not value:
            return None
        text = self.write(value)
        if value.isascii():  # most cells are told by their first sign
            first = text[:1]
            if first not in _OF_FLAWS:
                return text or None
            if first in _OF_NUMBERS and "E" not in text and "e" not in text and type(value) is str:
                return text
        flaw = self._find_flaw(value, text)
        if flaw is None:
            return text or None
        if fold(text) in self.emptied:
            return None
        if fold(text) not in self.named:
            raise ValueProblem(flaw)
        return text

    def _find_flaw(self, cell: str, text: str) -> Told | None:
        if isinstance(cell, DateCell) and not self.takes_days:
            return reasons.BECAME_A_DAY.tell()
        if flaw := find_flaw(text):
            return flaw
        is_twice = not cell.isascii() and self._is_encoded_twice(normalize("NFC", cell))
        return reasons.ENCODED_TWICE.tell() if is_twice else None

    def _is_encoded_twice(self, text: str) -> bool:
        """Asked of the cell as it came: that a blank or a sign in it is taken out hides it."""
        if not is_encoded_twice(text):
            return False
        for part in self.parts:
            text = text.replace(part, " ")
        return is_encoded_twice(text)


def make_reader(
    write: Callable[[str], str],
    *,
    transforms: Collection[object],
    words: Collection[str] = frozenset(),
    takes_days: bool = False,
) -> Reader:
    """`transforms` as they are configured; `words` are further ones that a person has named, those of a `map`."""
    steps: list[Mapping[str, Any]] = [one for one in transforms if isinstance(one, Mapping)]
    emptied = (step["null-if"] for step in steps if "null-if" in step)
    replaced = [step["replace"] for step in steps if "replace" in step]
    return Reader(
        write,
        takes_days=takes_days or any("date" in step for step in steps),
        emptied=frozenset(fold(word) for one in emptied for word in ([one] if isinstance(one, str) else one)),
        named=frozenset(fold(word) for one in (words, *replaced) for word in one),
        parts=tuple(part for one in replaced for part in one),
    )
