"""What a column holds, counted as it is read, and what its values look like."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from syncd.config.drafting.names import is_number_name, is_of_others
from syncd.config.drafting.vocabulary import LEAVERS, NO, NOTHING, YES
from syncd.domain.records import DateCell
from syncd.mapping.checks import ValueProblem
from syncd.mapping.lookups import fold
from syncd.mapping.transforms import Transform

KEPT = 50_000  # different values of a column
LOOKED_AT = 5_000  # of which so many are held against a form
MOST = 0.9
FEW = 12  # different words
MANY = 15  # values in a row are no chance
OFTEN = 5  # times that a word of a list of codes comes, on average
LONGEST_CODE, MOST_WORDS_OF_CODE = 24, 3
TOLERATED = 20  # one record in so many may lack an id or share it

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
DAY = r"\d{1,2}([./-])\s?\d{1,2}\1\s?(?:\d{4}|\d\d)|\d{4}([./-])\d{1,2}\2\d{1,2}"
PHONE = re.compile(rf"(?!(?:{DAY})$)(?:\+|00?)[1-9][\d ()/.-]{{5,20}}")
ZIP = re.compile(r"\d{5}")
NUMBER = re.compile(r"-?\d+")
AMOUNT = re.compile(r"-?\d[\d.,' ]*\s?(?:€|EUR|CHF)?")
IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7} ?[A-Z0-9]{0,4}")
ID = re.compile(r"[\w./-]*\d[\w./-]*")
FORMS = (
    "%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
)  # fmt: skip
READABLE = str.maketrans({"d": "dd", "m": "mm", "Y": "yyyy", "y": "yy", "H": "hh", "M": "mm", "S": "ss", "%": ""})


@dataclass(slots=True)
class Column:
    """`values` counts each text that stands in it, up to KEPT different ones."""

    name: str
    values: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    has_days: bool = False  # date cells of a workbook

    def take(self, cell: object) -> None:
        text = "" if cell is None else str(cell).strip()
        if not text:
            self.empty += 1
        elif text in self.values or len(self.values) < KEPT:
            self.values[text] += 1
        self.has_days = self.has_days or isinstance(cell, DateCell)

    @property
    def without_id(self) -> int:
        """How many records lack a value or share theirs, if this were the id."""
        return self.empty + self.values.total() - len(self.values)

    @property
    def can_be_id(self) -> bool:
        """With a few mistakes, as in real exports: their records become invalid."""
        return bool(self.values) and self.without_id * TOLERATED <= len(self.values)

    @property
    def counts_rows(self) -> bool:
        """Whether it says 1, 2, 3 and so on, as a program numbers the lines that it prints."""
        numbers = enumerate(self.values, start=1)
        return len(self.values) >= MANY and not self.without_id and all(text == str(n) for n, text in numbers)

    @property
    def nothings(self) -> list[str]:
        """The values that stand for nothing, as `k. A.` does."""
        return [text for text in self.values if fold(text) in NOTHING]

    @property
    def has_few_words(self) -> bool:
        """Each comes often, so that none can be one person's own."""
        return 0 < len(self.values) <= FEW and len(self.values) * 2 <= self.values.total()

    @property
    def holds_codes(self) -> bool:
        """Few words, short, and each more than once: they may be shown, for none is a person's own."""
        is_short = all(map(is_short_word, self.values))
        is_repeated = all(n > 1 or LEAVERS.fullmatch(fold(word)) for word, n in self.values.items())
        often = len(self.values) * OFTEN <= self.values.total()
        return self.has_few_words and often and is_short and is_repeated and not is_of_others(self.name)

    @property
    def holds_telephones(self) -> bool:
        return self.is_mostly(PHONE) and not is_number_name(self.name)

    @property
    def filled(self) -> float:
        return self.values.total() / max(1, self.values.total() + self.empty)

    def texts(self) -> list[tuple[str, int]]:
        """A sample of the values that stand for something, with how often each comes."""
        return [(text, n) for text, n in islice(self.values.items(), LOOKED_AT) if fold(text) not in NOTHING]

    def share(self, fits: Callable[[str], object]) -> float:
        """Of the records that have a value; 0 where none has."""
        texts = self.texts()
        return sum(n for text, n in texts if fits(text)) / max(1, sum(n for _, n in texts))

    def is_mostly(self, pattern: re.Pattern[str]) -> bool:
        return self.share(pattern.fullmatch) >= MOST


def is_short_word(text: str) -> bool:
    return len(text) <= LONGEST_CODE and len(text.split()) <= MOST_WORDS_OF_CODE


@dataclass(frozen=True, slots=True)
class DateForm:
    """`forms` together fit the dates of a column; `is_sure` says that no other order of day and month does."""

    forms: tuple[str, ...]
    is_sure: bool

    @property
    def readable(self) -> str:
        return " or ".join(form.translate(READABLE) for form in self.forms)

    @property
    def has_short_years(self) -> bool:
        return any("%y" in form for form in self.forms)


def find_form(column: Column, *, misfits: float = 0.02) -> DateForm | None:
    """None where the column does not hold dates; a share of `misfits` is none."""
    texts = column.texts()
    counts = {form: sum(n for text, n in texts if fits_form(text, form)) for form in FORMS}
    best = max(FORMS, key=lambda form: counts[form])
    rest = [(text, n) for text, n in texts if not fits_form(text, best)]
    second = max(FORMS, key=lambda form: sum(n for text, n in rest if fits_form(text, form)))
    left = sum(n for text, n in rest if not fits_form(text, second))
    total = sum(n for _, n in texts)
    if not counts[best] or left > total * misfits:
        return None
    swapped = best.replace("d", "?").replace("m", "d").replace("?", "m")
    is_sure = best == swapped or counts.get(swapped, 0) < counts[best]
    return DateForm((best, second) if rest and len(rest) > left else (best,), is_sure)


def fits_form(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True


def passes(transform: Transform) -> Callable[[str], bool]:
    """Whether a transform takes a text."""

    def takes(text: str) -> bool:
        try:
            return transform(text) is not None
        except ValueProblem:
            return False

    return takes


def describe(column: Column, *, shows_words: bool) -> str:
    """What a column looks like; words of it only where they may be shown."""
    shapes: Iterable[tuple[Callable[[str], object], str]] = (
        (lambda text: fold(text) in YES | NO, "yes or no"),
        (EMAIL.fullmatch, "e-mail addresses"),
        (IBAN.fullmatch, "bank accounts"),
        (lambda _: column.holds_telephones, "telephone numbers"),
        (NUMBER.fullmatch, "numbers"),
        (AMOUNT.fullmatch, "amounts"),
    )
    if not column.values:
        return "empty"
    if form := find_form(column):
        return f"dates, {form.readable}"
    for fits, words in shapes:
        if column.share(fits) >= MOST:
            return words
    if column.has_few_words:
        words = ", ".join(column.values) if shows_words and column.holds_codes else f"{len(column.values)} different"
        return f"a few words: {words}"
    return "text"
