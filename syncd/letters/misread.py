"""Words that were read in a wrong code page before they came here: "Stra▀e", "£ódŸ", "Yýldýz".

It happens where a list of DOS, of a Mac or of another country's Windows is opened and stored anew. UTF-8 keeps what was
misread, so it is told by the words alone: read as they were meant, they are much more natural.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from syncd.letters.likelihood import weigh

_TAKEN_FOR = ("cp1252", "cp850", "cp437", "mac-roman", "cp1250", "cp1251")
_MEANT = (
    *("utf-8", "cp1252", "cp850", "mac-roman", "cp1250", "cp1254", "cp1251", "iso-8859-2", "cp852", "cp437"),
    *("iso-8859-15", "cp1257", "cp1253"),
)
_CERTAIN = 5.0  # so much more likely are words in which a sign stands for a letter; right ones gain nothing
_SURE = 12.0  # where letters stand for letters: the names of a language that is not known gain much, too
_FEWEST = 3  # such words
_OTHERWISE = -5.0  # a word that can't have been misread so
_LACKING = -7.0  # a letter that would stand for nothing
_NATURAL = -11.5  # a letter
_ODD = -9.0  # a letter
_MOST = 300  # words; and as many that are odd
_BETWEEN = dict.fromkeys(range(128), "a") | {ord("’"): "a", ord("–"): "a"}
_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"[^\s;,|\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misreading:
    """A word and what it was meant to be: `seen` is its first letter that is wrong, `letter` what that should be."""

    taken_for: str
    meant: str
    word: str = field(repr=False)
    seen: str
    letter: str

    def explains(self, text: str) -> bool:
        """Whether a word of the text would be more likely, had it been misread so."""
        if text.isascii():
            return False
        words = (word for word in _WORD.findall(text) if not word.isascii())
        return any(self._gain(word) > 0 for word in words)

    def _gain(self, word: str) -> float:
        pair = _Pair.of(self.taken_for, self.meant, [(word, _encode(word, self.taken_for), weigh(word).total())])
        return pair.sum


@dataclass(slots=True)
class Words:
    """Different words with letters beyond ASCII, as many as are enough to judge."""

    _weights: dict[str, float] = field(default_factory=dict)
    _odd: int = 0

    def take(self, text: str) -> None:
        if text.isascii() or self._odd >= _MOST:
            return
        for word in _WORD.findall(text):
            if word.isascii() or word in self._weights:
                continue
            weight = weigh(word).total()
            is_odd = weight < _ODD * _count_high(word)
            if is_odd or len(self._weights) - self._odd < _MOST:
                self._odd += is_odd
                self._weights[word] = weight

    def find_misreading(self) -> Misreading | None:
        """The most likely one; None where the words are what they seem."""
        best = max((pair for pair in self._compare() if pair.is_evidence), key=lambda pair: pair.sum, default=None)
        return best.tell() if best else None

    def _compare(self) -> "Iterator[_Pair]":
        for taken_for in _TAKEN_FOR:
            written = {word: _encode(word, taken_for) for word in self._weights}
            for meant in _MEANT:
                if meant != taken_for:
                    yield _Pair.of(
                        taken_for, meant, ((word, raw, self._weights[word]) for word, raw in written.items())
                    )


@dataclass(slots=True)
class _Pair:
    """How much more likely the words are if they were `meant` in one code page and taken for another."""

    taken_for: str
    meant: str
    sum: float = 0.0
    most: float = 0.0
    letters: int = 0  # words in which letters stand for letters
    signs: float = 0.0  # the sum of words in which signs stand for letters
    word: str = ""
    as_meant: str = ""

    @classmethod
    def of(cls, taken_for: str, meant: str, words: Iterable[tuple[str, bytes | None, float]]) -> "_Pair":
        pair = cls(taken_for, meant)
        for word, raw, weight in words:
            if raw is None:
                pair.sum += _OTHERWISE
            elif (other := _decode(raw, meant)) is None:
                pair.sum += _LACKING * _count_high(word)
            elif other != word:
                pair._add(word, other, weigh(other).total() - weight)
        return pair

    def _add(self, word: str, other: str, gain: float) -> None:
        if _count_signs(other) > _count_signs(word):  # nobody writes signs in the place of letters
            self.sum += min(gain, _OTHERWISE)
            return
        self.sum += gain
        has_signs = _count_signs(word) > 0 and not _DIGIT.search(word)  # © and № stand before numbers
        self.signs += gain if has_signs else 0.0
        self.letters += gain > 0 and not has_signs
        if gain > self.most:
            self.most, self.word, self.as_meant = gain, word, other

    @property
    def is_evidence(self) -> bool:
        is_strong = self.signs > _CERTAIN or (self.letters >= _FEWEST and self.sum > _SURE)
        return is_strong and weigh(self.as_meant).total() > _NATURAL * max(_count_high(self.as_meant), 1)

    def tell(self) -> Misreading:
        wrong = ((seen, letter) for seen, letter in zip(self.word, self.as_meant, strict=False) if seen != letter)
        seen, letter = next(wrong)
        return Misreading(taken_for=self.taken_for, meant=self.meant, word=self.word, seen=seen, letter=letter)


def _count_signs(word: str) -> int:
    return sum(not sign.isalpha() for sign in word.translate(_BETWEEN))


def _count_high(word: str) -> int:
    return sum(not sign.isascii() for sign in word)


def _encode(word: str, encoding: str) -> bytes | None:
    try:
        return word.encode(encoding)
    except UnicodeEncodeError:
        return None


def _decode(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
