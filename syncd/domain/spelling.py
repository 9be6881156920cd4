"""Ids that differ in their spelling alone: what spreadsheets, exports and people make of one and the same id."""

import re
import unicodedata
from decimal import Decimal
from string import ascii_uppercase, digits

SHORT, LONG = 15, 18  # letters of an id of Salesforce, without and with its check
CHECK = ascii_uppercase + digits[:6]
WRITTEN_AS_NUMBER = re.compile(r"\d+[.,]0+|\d+(?:[.,]\d+)?[eE]\+?\d{1,2}")
LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def spelling_of(text: str) -> str:
    """What an id, without its prefix, has in common with those that may be the same.

    Leading zeros, case, spaces, invisible letters, the check of an id of Salesforce, and `5.0` or `1E+05` for a number
    make no difference.
    """
    visible = "".join(one for one in unicodedata.normalize("NFKC", text) if not _is_invisible(one))
    if WRITTEN_AS_NUMBER.fullmatch(visible):
        number = Decimal(visible.replace(",", "."))
        visible = f"{number:f}".partition(".")[0] if number == number.to_integral_value() else visible
    elif len(visible) == LONG and visible[SHORT:].upper() == check_of(visible[:SHORT]):
        visible = visible[:SHORT]
    return LEADING_ZEROS.sub("", visible.casefold())


def check_of(text: str) -> str:
    """The three letters that Salesforce adds to an id: which of its letters are capitals, five by five."""
    parts = (text[start : start + 5] for start in range(0, SHORT, 5))
    return "".join(CHECK[sum((one in ascii_uppercase) << place for place, one in enumerate(part))] for part in parts)


def _is_invisible(one: str) -> bool:
    is_mark = unicodedata.category(one) == "Mn" and not unicodedata.combining(one)
    return one.isspace() or unicodedata.category(one) in ("Cc", "Cf") or is_mark
