"""Ids that differ in their spelling alone: what spreadsheets, exports and people make of one and the same id."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from string import ascii_uppercase, digits

SHORT, LONG = 15, 18  # letters of an id of Salesforce, without and with its check
CHECK = ascii_uppercase + digits[:6]
WITH_EXPONENT = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d{1,2}")
WITH_FRACTION = re.compile(r"\d+[.,]\d+")
IN_THOUSANDS = re.compile(r"(\d{1,3}(?:\.\d{3})+)(?:,(\d+))?|(\d{1,3}(?:,\d{3})+)(?:\.(\d+))?")
QUOTES = "\"'`„‚"
LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def spellings_of(foreign_id: str, prefix: str = "") -> frozenset[str]:
    """What an id, without the prefix, has in common with those that may be the same: one of these is enough.

    Leading zeros, case, spaces, quotes, invisible letters, kinds of dashes and digits, the check of an id of
    Salesforce, and the ways in which a number is written (`5.0`, `+5`, `1E+05`, `1.000`) make no difference.
    """
    text = foreign_id.removeprefix(prefix)
    plain = "".join(_plain(one) for one in unicodedata.normalize("NFKC", text)).casefold()
    return frozenset(LEADING_ZEROS.sub("", one) for one in (_without_check(text, plain), *_numbers(plain)))


def _numbers(plain: str) -> Iterator[str]:
    bare = plain.removeprefix("+").removesuffix(".")
    if bare != plain and bare.isdigit():
        yield bare
    if WITH_EXPONENT.fullmatch(bare) or WITH_FRACTION.fullmatch(bare):
        yield _written_out(Decimal(bare.replace(",", ".")))
    if found := IN_THOUSANDS.fullmatch(bare):
        whole, fraction = found[1] or found[3], found[2] or found[4] or "0"
        yield _written_out(Decimal(f"{re.sub('[.,]', '', whole)}.{fraction}"))


def _written_out(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _without_check(text: str, plain: str) -> str:
    bare = "".join(text.split())
    is_long = len(bare) == LONG and bare.isascii() and bare[SHORT:].upper() == check_of(bare[:SHORT])
    return plain[:SHORT] if is_long else plain


def check_of(text: str) -> str:
    """The three letters that Salesforce adds to an id: which of its letters are capitals, five by five."""
    parts = (text[start : start + 5] for start in range(0, SHORT, 5))
    return "".join(CHECK[sum((one in ascii_uppercase) << place for place, one in enumerate(part))] for part in parts)


def _plain(one: str) -> str:
    category = unicodedata.category(one)
    if category == "Nd":
        return str(unicodedata.decimal(one))
    if category == "Pd":
        return "-"
    is_mark = category == "Mn" and not unicodedata.combining(one)
    is_quote = category in ("Pi", "Pf") or one in QUOTES
    return "" if one.isspace() or category in ("Cc", "Cf") or is_mark or is_quote else one
