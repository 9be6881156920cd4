"""Number formats: what a person sees of a number, where that is more than the number.

`00000` shows 1067 as 01067, `"M-"0000` shows 47 as M-0047, and `yyyy-mm-dd` shows 29221 as a day. An amount is shown
by separators and signs that are no part of it: it stays the plain number. Formats stand in files in their English form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from unicodedata import category

from syncd.domain.records import DateCell, NumberCell


@dataclass(frozen=True, slots=True)
class Format:
    """What shows a number, and what a text, in a format; None where each is seen as it is."""

    number: Callable[[float], str] | None = None
    text: Callable[[str], str] | None = None


PLAIN = Format()

# The formats that a file names by a number alone.
BUILT_IN: Mapping[int, str] = {
    **dict.fromkeys((14, *range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 55, 56), "h:mm:ss"),
    9: "0%",
    10: "0.00%",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    22: "yyyy-mm-dd h:mm",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
}
UNSHOWABLE = "########"  # what Excel shows of a day before its calendar begins
_KEPT = 15  # digits, that Excel keeps of a whole number; it puts zeros in the place of the others
_LAST_SERIAL = 2_958_466  # the first of January 10000
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<bracket>[^\]]*)\]|[_](?P<space>.)|[*](?P<fill>.)'
    r"|(?P<half>AM/PM|A/P)|(?P<general>General|Standard)|(?P<power>E[+-])|(?P<date>[ymdhs]+)|(?P<digit>[0#?])|(?P<sign>.)",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE = ("general", "text")  # they show the whole number
_CURRENCY = re.compile(r"[A-Z]{3}|Fr\.?|kr\.?|Kč|zł")
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9.]+)")


def plain_number(value: float) -> str:
    """A whole number without a point, a fraction to the 15 digits that Excel has.

    An exponent stays only where the digits behind it are lost: no cell is right with it.
    """
    if has_lost_digits(value):
        return f"{value:.14E}"
    text = repr(value) if value == int(value) else f"{value:.15g}"
    return format(Decimal(text).normalize(), "f")


def has_lost_digits(value: float) -> bool:
    return abs(value) >= 10**_KEPT and not f"{abs(value):.0f}"[_KEPT:].strip("0")


@dataclass(slots=True)
class _Section:
    """One of the parts that `;` divides. Of `pieces`, digits are those of one sign among "0#?"."""

    pieces: list[tuple[str, str]] = field(default_factory=list)
    dates: str = ""
    condition: tuple[str, float] | None = None
    percents: int = 0
    is_amount: bool = False
    has_general: bool = False

    @property
    def literals(self) -> str:
        return "".join(text for kind, text in self.pieces if kind == "literal").strip()

    @property
    def digits(self) -> list[str]:
        return [text for kind, text in self.pieces if kind == "digit"]

    @property
    def is_date(self) -> bool:
        return bool(self.dates) and (not self.digits or "s" in self.dates)

    @property
    def matters(self) -> bool:
        if self.is_amount:
            return False
        if not self.digits:
            return bool(self.literals)
        has_point = any(kind == "point" for kind, _ in self.pieces)
        return bool(self.percents) or (not has_point and (bool(self.literals) or self.least_digits > 1))

    @property
    def least_digits(self) -> int:
        """All places from the first `0` on are filled."""
        digits = self.digits
        return len(digits) - digits.index("0") if "0" in digits else 0

    def holds(self, value: float) -> bool:
        if self.condition is None:
            return True
        sign, bound = self.condition
        return {
            "<": value < bound,
            "<=": value <= bound,
            ">": value > bound,
            ">=": value >= bound,
            "=": value == bound,
            "<>": value != bound,
        }[sign]


@lru_cache(maxsize=1024)
def compile_format(code: str, *, is_1904: bool = False) -> Format:
    sections = _parse(code)
    return Format(_compile_number(sections, is_1904=is_1904), _compile_text(sections))


def _compile_number(sections: Sequence[_Section], *, is_1904: bool) -> Callable[[float], str] | None:
    if sections[0].is_date:
        return _date_shower(sections[0].dates, is_1904=is_1904)
    first = sections if any(one.condition for one in sections) else sections[:1]
    if any(one.is_amount for one in sections) or not any(one.matters for one in first):
        return None
    return lambda value: (
        plain_number(value) if has_lost_digits(value) else NumberCell(_show(sections, value), plain_number(value))
    )


def _compile_text(sections: Sequence[_Section]) -> Callable[[str], str] | None:
    """With what stands before and behind `@`."""
    last = sections[-1]
    if ("text", "") not in last.pieces or not last.literals:
        return None
    return lambda text: "".join(text if kind == "text" else piece for kind, piece in last.pieces).strip()


def _parse(code: str) -> Sequence[_Section]:
    sections = [_Section()]
    for token in _TOKEN.finditer(code):
        kind, text = str(token.lastgroup), token[str(token.lastgroup)]
        if kind == "sign" and text == ";":
            sections.append(_Section())
        else:
            _take(sections[-1], kind, text)
    return sections


def _take(section: _Section, kind: str, text: str) -> None:
    match kind:
        case "sign":
            _take_sign(section, text)
        case "quoted" | "escaped":
            _take_literal(section, text)
        case "bracket":
            _take_bracket(section, text)
        case "power":
            section.is_amount = True
        case "general":
            section.has_general = True
            section.pieces.append((kind, ""))
        case "date":
            section.dates += text.lower()
            section.pieces.append(("literal", text))
        case "digit":
            section.pieces.append((kind, text))


def _take_sign(section: _Section, text: str) -> None:
    match text:
        case ".":
            section.pieces.append(("point", text))
        case "@":
            section.pieces.append(("text", ""))
        case ",":
            section.is_amount |= bool(section.digits)
        case "/" if "?" in section.digits:
            section.is_amount = True  # a fraction
        case _:
            section.percents += text == "%"
            _take_literal(section, text)


def _take_literal(section: _Section, text: str) -> None:
    section.is_amount |= _is_currency(text)
    section.pieces.append(("literal", text))


def _take_bracket(section: _Section, text: str) -> None:
    if text.startswith("$"):
        symbol = re.sub(r"-[0-9A-Fa-f]*$", "", text[1:])
        _take_literal(section, symbol)
    elif condition := _CONDITION.fullmatch(text):
        section.condition = condition[1], float(condition[2])
    elif re.fullmatch(r"h+|m+|s+", text, re.IGNORECASE):
        section.dates += f"[{text[0].lower()}]"


def _is_currency(text: str) -> bool:
    text = text.strip()
    return any(category(sign) == "Sc" for sign in text) or _CURRENCY.fullmatch(text) is not None


# --- numbers ---


def _show(sections: Sequence[_Section], value: float) -> str:
    section = _choose(sections, value)
    if not section.pieces or not (section.literals or section.digits or section.has_general):
        return plain_number(value)
    has_own = section is not sections[0] or section.condition is not None
    sign = "-" if value < 0 and not (has_own and len(sections) > 1) else ""
    return (sign + _fill(section, abs(value))).strip()


def _choose(sections: Sequence[_Section], value: float) -> _Section:
    if any(one.condition for one in sections):
        return next((one for one in sections if one.holds(value)), sections[-1])
    place = 0 if value > 0 or len(sections) == 1 else 1 if value < 0 else 2
    return sections[place] if place < len(sections) and place < 3 else sections[0]


def _fill(section: _Section, value: float) -> str:
    """The pieces with the digits in their places: from the point to the left, and to the right."""
    kinds = [kind for kind, _ in section.pieces]
    point = kinds.index("point") if "point" in kinds else len(kinds)
    before, after = section.pieces[:point], section.pieces[point + 1 :]
    decimals = sum(kind == "digit" for kind, _ in after)
    with localcontext() as context:
        context.prec = 400
        number = Decimal(repr(value)).scaleb(2 * section.percents)
        number = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    whole, _, part = format(number, "f").partition(".")
    whole = whole.lstrip("0")
    shown: list[str] = []
    left = sum(kind == "digit" for kind, _ in before)
    first_zero = "".join(text for kind, text in before if kind == "digit").find("0")
    padded = first_zero + 1 if first_zero >= 0 else left + 1
    for kind, text in reversed(before):
        if kind == "digit":
            digits = whole if left == 1 else whole[-1:]
            whole = whole[: len(whole) - len(digits)]
            shown.append(digits or ("0" if left >= padded else ""))
            left -= 1
        else:
            shown.append(plain_number(value) if kind in _WHOLE else text)
    places = iter(part)
    behind = [next(places) if kind == "digit" else text for kind, text in after]
    return "".join([*reversed(shown), *("." if decimals else ""), *behind])


# --- days and times ---


def _date_shower(letters: str, *, is_1904: bool) -> Callable[[float], str]:
    has_time = bool(set(letters) & set("hs["))
    has_day = bool(set(letters) & set("yd")) or not has_time
    if "[" in letters:
        return _show_span
    if not has_day:
        return lambda value: show_time(value) if 0 <= value < _LAST_SERIAL else UNSHOWABLE
    return lambda value: _show_day(value, is_1904=is_1904, has_time=has_time)


def _show_day(value: float, *, is_1904: bool, has_time: bool) -> str:
    serial = round(value * 86_400) if has_time else int(value) * 86_400
    first = date(1904, 1, 1) if is_1904 else date(1899, 12, 31) if value < 60 else date(1899, 12, 30)
    # In Excel 1900 is a leap year, and its day 0 is what a formula shows of an empty cell.
    is_no_day = value < 0 or (not is_1904 and (60 <= value < 61 or (value < 1 and not has_time)))
    if is_no_day or value + 1462 * is_1904 >= _LAST_SERIAL:
        return UNSHOWABLE
    if has_time and value < 1 and not is_1904:
        return show_time(value)
    moment = datetime.combine(first, time()) + timedelta(seconds=serial)
    return DateCell(moment.date().isoformat() if moment.time() == time() else moment.isoformat())


def show_time(value: float) -> str:
    seconds = round(value * 86_400) % 86_400
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60).isoformat()


def _show_span(value: float) -> str:
    seconds = round(abs(value) * 86_400)
    sign = "-" if value < 0 else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
