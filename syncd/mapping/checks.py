"""Whether a value is fit for its go~mus field: text, e-mail address, date, boolean, id and foreign_id."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeAlias

from syncd import reasons
from syncd.domain.records import Field, FieldKind, Value
from syncd.reasons import Told

LONGEST_ID = 255
OLDEST, YOUNGEST = 1850, 2100
YES = {"true", "1", "ja", "yes", "wahr", "x"}
NO = {"false", "0", "nein", "no", "falsch"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]{1,20}\.){1,3}[A-Za-z]{2,6}")
# A hyphen in the domain; "--" and names that are kept for other ends are left to the library.
_HYPHENED_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:-?[A-Za-z0-9]){0,19}\.){1,3}"
    r"(?!(?:local|onion|arpa)\Z)[A-Za-z]{2,6}",
    re.IGNORECASE,
)
_UNFIT_FOR_PATH = re.compile(r"[\s/?#%\\]")
_NO_IDS = {"true", "false", "wahr", "falsch", "inf", "infinity", "nan"}
_LOST = "\ufffd"  # what stands for a letter that could not be read
_LOST_IN_WORD = re.compile(r"[^\W\d_]\?[^\W\d_]|(?<![\w?])\?[^\W\d_]")
_WITH_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_SHORTENED = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)


_ESCAPED = re.compile(
    r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|(?!nbsp;)[a-z]{2,6}\d?);|\\u[0-9a-f]{4}|%[c-e][0-9a-f]%[89ab][0-9a-f]|=[c-e][0-9a-f]=[89ab][0-9a-f]",
    re.IGNORECASE,
)


class ValueProblem(ValueError):
    """Why a value can't be used, without the value."""

    def __init__(self, reason: Told) -> None:
        super().__init__(reason)
        self.reason = reason


Check: TypeAlias = Callable[[str, Field], Value]
"""From a text to the value that is sent. Raises ValueProblem where the field does not take it."""


def _check_signs(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if _FORBIDDEN.search(text):
        raise ValueProblem(reasons.CONTROL.tell())
    if _LOST in text:
        raise ValueProblem(reasons.LOST.tell())


def _check_text(text: str, field: Field) -> Value:
    if not (text.isascii() and text.isalnum()):  # as most words are
        _check_writing(text, field)
    if len(text) > field.max_length:
        raise ValueProblem(reasons.TOO_LONG.tell(limit=field.max_length))
    return text


def _check_writing(text: str, field: Field) -> None:
    """Raises ValueProblem where letters are lost, or written for another program."""
    _check_signs(text)
    if ("&" in text or "%" in text or "\\" in text or "=" in text) and _ESCAPED.search(text):
        raise ValueProblem(reasons.ESCAPED.tell())
    is_plain = field.kind is FieldKind.TEXT and not field.has_lines
    if "?" in text and is_plain and "//" not in text and _LOST_IN_WORD.search(text):  # an address of the web has them
        raise ValueProblem(reasons.LOST_IN_WORD.tell())


def _check_email(text: str, field: Field) -> Value:
    _check_text(text, field)
    is_plain = len(text) <= 64 and (_PLAIN_ADDRESS.fullmatch(text) or _HYPHENED_ADDRESS.fullmatch(text))
    if not is_plain:  # the library is slow, and most addresses are plain
        from email_validator import EmailNotValidError, validate_email

        try:
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise ValueProblem(reasons.NO_EMAIL.tell()) from None
    return text


def _check_date(text: str, _field: Field) -> Value:
    text = _without_midnight(text)
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:
            raise ValueError
    except ValueError:
        raise ValueProblem(reasons.NO_ISO_DATE.tell()) from None
    if not OLDEST <= day.year <= YOUNGEST:
        raise ValueProblem(reasons.YEAR_OUT_OF_RANGE.tell(oldest=OLDEST, youngest=YOUNGEST))
    return text


def _without_midnight(text: str) -> str:
    """The day of a day with its midnight, as databases and APIs give it. Raises ValueProblem at any other time."""
    found = _WITH_TIME.fullmatch(text) if len(text) > len("1980-12-31") else None
    if found and found[2].strip("0:.,"):
        seconds = ":%S" if found[2].count(":") > 1 else ""
        raise ValueProblem(reasons.WITH_TIME.tell(form=f"%Y-%m-%d{text[10]}%H:%M{seconds}{'%z' if found[3] else ''}"))
    return found[1] if found else text


def _check_boolean(text: str, _field: Field) -> Value:
    known = text.casefold()
    if known not in YES | NO:
        raise ValueProblem(reasons.NO_BOOLEAN.tell())
    return known in YES


def _check_id(text: str, _field: Field) -> Value:
    if not (text.isascii() and text.isdecimal() and len(text) < LONGEST_ID and 0 < int(text) < 2**63):
        raise ValueProblem(reasons.NO_NUMBER.tell())
    return int(text)


CHECKS: Mapping[FieldKind, Check] = {
    FieldKind.TEXT: _check_text,
    FieldKind.EMAIL: _check_email,
    FieldKind.DATE: _check_date,
    FieldKind.BOOLEAN: _check_boolean,
    FieldKind.ID: _check_id,
}


def check_foreign_id(text: str, prefix: str) -> str:
    """The id with its prefix. Raises ValueProblem where it was damaged, or could mean another customer in a call."""
    if _SHORTENED.fullmatch(text):
        raise ValueProblem(reasons.SHORTENED_ID.tell())
    foreign_id = prefix + text
    _check_signs(foreign_id)
    if not text.isdecimal() and (not any(map(str.isalnum, text)) or text.casefold().lstrip("+-") in _NO_IDS):
        raise ValueProblem(reasons.NOBODYS_ID.tell())
    if foreign_id.isdecimal():
        raise ValueProblem(reasons.DIGITS_ALONE.tell())
    if _UNFIT_FOR_PATH.search(foreign_id) or foreign_id in (".", ".."):
        raise ValueProblem(reasons.UNFIT_ID.tell())
    if len(foreign_id) > LONGEST_ID:
        raise ValueProblem(reasons.TOO_LONG.tell(limit=LONGEST_ID))
    return foreign_id
