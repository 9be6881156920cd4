"""How likely a word is with just these letters beyond ASCII: what tells a code page where its bytes alone don't.

`letters.txt` was counted once, in names, places and trades of 29 languages. A line is a language, a letter, how many of
1,000 letters beyond ASCII it is, and what stands before it and after it; a digit d is a share of 2^(d-10), ^ the
beginning of a word and $ its end. Alphabets that are wholly beyond ASCII have no neighbours.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log

_NEVER = -14.0  # for a letter that a language lacks, and a sign where none stands
_HARDLY = -12.5  # for a letter that a language has, but not so
_SELDOM = -6.2  # for a neighbour that a letter never had
_ALONE = -4.0  # for a letter of an alphabet of its own, in the place of its neighbours
_BY_ITSELF = -5.0  # for both neighbours
_WRONG_CASE = -7.0
_SIGN, _SIGN_AT_AN_EDGE = -4.5, -8.5
# Whose names a museum in Europe's middle has most; all others are RARER.
_NEAR = {
    "de": 0.0,
    "fr": -0.7,
    "it": -0.7,
    "es": -0.7,
    "nl": -0.7,
    "tr": -1.0,
    "pl": -1.0,
    "pt": -1.0,
    "da": -1.0,
    "sv": -1.0,
    "hu": -1.0,
    "et": -3.0,
}
_FAR = -1.7


NOBODY: Mapping[str, float] = {}

# A sign, and what may stand before it, which `(?<=x.)` looks at across the sign itself, and after it.
_LATIN = re.compile("[A-Za-z]")
_SMALL = "a-zß-öø-ÿ"
_LARGE = "A-ZÀ-ÖØ-ÞŠŽŒŸ"
_NATURAL = re.compile(
    "|".join(
        (
            r"[„‚](?<!\w.)(?=[\w(„‚\"' ])",
            r"[“”’‘»«›‹…](?<!\w.)(?!\w)",
            rf"´(?<=\b[dDlLO].)(?=[{_LARGE}])|[’‘](?:(?<!\w\w\w.)|(?=[{_LARGE}])|(?=s\b))",
            rf"[–—](?:(?<![^\W\d].)(?![^\W\d])|(?<=\w.)(?=[{_LARGE}]))",
            r"[®©™](?!\w)|[†‡](?<!\w.)(?!\w)|‰(?<=[\d\s].)",
            r"€(?![^\W\d])",
            r"§(?<![^\W\d].)(?=[\d\s§])",
            rf"[°ºª](?:(?<=[\d.\s].)|(?<=\b[nNmMaAD].))(?![{_SMALL}])",
            r"[²³¹](?<=[\dmM).].)(?!\w)",
            r"[½¼¾±×](?<![^\W\d].)(?![^\W\d])",
            r"[£¥](?<!\w.)(?=[\d\s])",
            r"µ(?<![^\W\d].)(?=[mgls])",
            r"·(?<=[lL].)(?=[lL])|•(?<!\w.)(?!\w)",
            rf"[¡¿](?<!\w.)(?=[{_LARGE}\d\s])",
            rf"\xa0(?:(?<=[\d\s.,:)].)|(?![{_SMALL}]))",
        )
    )
)
_QUOTED = re.compile(r"\W*[„“”’‘»«›‹].*[“”’‘»«›‹]\W*")
_AT_AN_EDGE = re.compile(
    r"[“”’‘»«›‹…†‡](?:(?<!\w.)|(?!\w))|\xad(?<=\w.)(?=\w)|÷(?<!\w.)(?!\w)"
)  # as an accented letter may look


@dataclass(frozen=True, slots=True)
class _Letter:
    share: float
    before: Mapping[str, float]
    after: Mapping[str, float]

    def weigh(self, before: str, after: str) -> float:
        if not self.before:
            return self.share + (_NEVER if _LATIN.search(before + after) else _ALONE)
        if before + after == "^$":
            return self.share + _BY_ITSELF
        return max(self.share + self.before.get(before, _SELDOM) + self.after.get(after, _SELDOM), _HARDLY)


def _neighbours(text: str) -> dict[str, float]:
    return {letter: (int(digit) - 10) * log(2) for letter, digit in zip(text[::2], text[1::2], strict=True)}


@cache
def _languages() -> Mapping[str, Mapping[str, _Letter]]:
    found: defaultdict[str, dict[str, _Letter]] = defaultdict(dict)
    text = files(__package__).joinpath("letters.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        language, letter, share, *around = line.split(" ")
        before, after = map(_neighbours, around or ("", ""))
        found[language][letter] = _Letter(log(int(share) / 1000), before, after)
    return found


@cache
def _speakers() -> Mapping[str, frozenset[str]]:
    """Which languages have a letter."""
    return {
        letter: frozenset(name for name, has in _languages().items() if letter in has)
        for letter in {letter for has in _languages().values() for letter in has}
    }


LANGUAGES = tuple(_languages())


@dataclass(frozen=True, slots=True)
class Weight:
    """How likely a word is: its signs, and its letters in each language that has them."""

    signs: float
    letters: Mapping[str, float]
    at_least: float

    def total(self, liked: Mapping[str, float] = NOBODY) -> float:
        """The logarithm; some -6 for each letter is natural. `liked` are languages that the list is in, or is not."""
        most = max((weight + liked.get(name, 0.0) for name, weight in self.letters.items()), default=self.at_least)
        return self.signs + max(most, self.at_least)

    @property
    def language(self) -> str | None:
        return max(self.letters, key=lambda name: self.letters[name], default=None)


def weigh(word: str) -> Weight:
    """Weigh its letters and signs beyond ASCII, where they are."""
    around = f" {word} "
    signs, letters = 0.0, []
    for place, sign in enumerate(around):
        if sign.isascii():
            continue
        before, after = around[place - 1], around[place + 1]
        if sign.isalpha() and sign not in "ªºµ":
            if _has_wrong_case(around[max(place - 2, 0) : place], sign, after):
                signs += _WRONG_CASE
            letters.append(
                (_lower(sign), _lower(before) if before.isalpha() else "^", _lower(after) if after.isalpha() else "$")
            )
        else:
            signs += _weigh_sign(around, place)
    spoken = frozenset().union(*(_speakers().get(letter, ()) for letter, *_ in letters))
    return Weight(signs, {name: _weigh_as(name, letters) for name in spoken}, _NEVER * len(letters))


def _weigh_sign(around: str, place: int) -> float:
    if _NATURAL.match(around, place):
        return _SIGN
    if not _AT_AN_EDGE.match(around, place):
        return _NEVER
    return _SIGN if _QUOTED.fullmatch(around) else _SIGN_AT_AN_EDGE


def _weigh_as(language: str, letters: list[tuple[str, str, str]]) -> float:
    has = _languages()[language]
    return _NEAR.get(language, _FAR) + sum(
        has[letter].weigh(before, after) if letter in has else _NEVER for letter, before, after in letters
    )


def _lower(letter: str) -> str:
    return letter if letter == "İ" else letter.lower()


def _has_wrong_case(before: str, letter: str, after: str) -> bool:
    if letter.isupper():
        return before[-1].islower()
    return after.isupper() and not before[-1].islower()
