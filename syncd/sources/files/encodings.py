"""How the letters of a file are written: certain by its marks and bytes, or told by its words, or refused.

UTF-8 proves itself. All other bytes are a text in any code page, so a file is Windows-1252 only where its words are
more natural so than in every other one; a name such as "Weiá" or "Yýldýz" betrays another.
"""

import codecs
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import BinaryIO, TypeAlias

from syncd.errors import IncompleteRead
from syncd.letters.likelihood import LANGUAGES, Weight, weigh

_CHUNK = 1 << 18

_MARKS = (  # the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OURS = "windows-1252"
_UTF_8 = "utf-8"
# How much less likely another code page is than ours, before a word is seen. Of two that fit alike the first is named.
_OTHERS = {
    _UTF_8: -1.0, "cp850": -1.0, "windows-1250": -1.0, "windows-1254": -1.0, "mac-roman": -1.0, "iso-8859-15": -2.0,
    "iso-8859-2": -2.0, "windows-1257": -2.0, "cp437": -2.0, "cp852": -2.0, "cp857": -2.0, "windows-1251": -2.0,
    "koi8-r": -2.0, "windows-1253": -2.0, "cp865": -4.0, "mac-latin2": -4.0, "mac-turkish": -4.0, "cp866": -4.0,
    "iso-8859-5": -4.0, "mac-cyrillic": -4.0, "iso-8859-7": -4.0, "cp737": -4.0,
}  # fmt: skip
_CERTAIN = 1.0  # so much more likely must ours be over all words
_STRIKING = 7.0  # one word that is so much more likely in another is a sign of two files in one
_UNNATURAL = -11.5  # a letter: neither ours nor anything we know
_SLACK = 20.0  # for a few odd words
_LACKING = -16.0  # a byte that stands for nothing
_COMPARED = 300  # words, in all code pages; of the others as many that are odd in ours
_LANGUAGES = 10  # as many as a museum may have names of
_ODD = -9.0  # a letter
_MOST = 100_000  # words
_NO_WORDS = b';,|"\t\r\n\0\x1a0123456789+()/.:'
_BETWEEN = bytes.maketrans(_NO_WORDS, b" " * len(_NO_WORDS))
_FREQUENT = b"\xc2\xc3\xc4\xc5\xe2"  # the first bytes of most letters and signs in UTF-8
_AS_UTF_8 = "export it as UTF-8"


def recognize(raw: BinaryIO, head: bytes, name: str) -> str:
    """The encoding that is certain. Raises IncompleteRead where none is."""
    certain = find_mark(head) or _find_wide(head)
    if certain:
        return certain
    fault = _find_fault(raw, name)
    if fault is None:
        return _UTF_8
    words = _words(raw)
    found = _compare(words)
    if found.is_ours:
        return _OURS
    raise _refusal(raw, found, name, fault)


def check_named(head: bytes, encoding: str, name: str) -> str:
    """The encoding that a person has named. Raises IncompleteRead where the file's first bytes say another."""
    named, mark = codecs.lookup(encoding).name.removesuffix("-sig"), find_mark(head)
    if mark and named not in {mark, mark[:6].rstrip("-")}:
        what = f"begins with the mark of {mark}, and is not {encoding}"
        raise IncompleteRead(name, what, remedy="leave out `encoding`: the mark tells it")
    if mark or named not in {"utf-16", "utf-32"}:
        return encoding
    wide = _find_wide(head) or ""
    if not wide.startswith(named):
        raise IncompleteRead(name, f"is not {encoding}", remedy="leave out `encoding`: it is recognized, or refused")
    return wide


def find_mark(head: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _find_wide(head: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark: delimiters and line ends have NULs, always at the same places."""
    nuls = [head[place::4].count(0) * 4 for place in range(4)]
    often = [10 * count > len(head) for count in nuls]
    wide = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }
    return (
        wide.get((often[0], often[1], often[2], often[3]))
        if all(often[place] or not nuls[place] for place in range(4))
        else None
    )


def _chunks(raw: BinaryIO) -> Iterator[bytes]:
    raw.seek(0)
    return iter(lambda: raw.read(_CHUNK), b"")


def _find_fault(raw: BinaryIO, name: str) -> int | None:
    """The first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder(_UTF_8)()
    fed = high = 0
    try:
        for chunk in _chunks(raw):
            fed += len(chunk)
            high += not decoder.decode(chunk).isascii()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and (high or error.object[error.start] in _FREQUENT):
            what = "ends in the middle of a letter"
            remedy = f'it is cut short: export it anew; if it is Windows-1252, encoding = "{_OURS}"'
            raise IncompleteRead(name, what, remedy=remedy) from None
        return fed - len(error.object) + error.start
    return None


def _words(raw: BinaryIO) -> list[bytes]:
    """Words with letters beyond ASCII, as the file has them."""
    words: dict[bytes, None] = {}
    rest = b""
    for chunk in _chunks(raw):
        whole, _, rest = (rest + chunk.translate(_BETWEEN)).rpartition(b" ")
        words.update(dict.fromkeys(word for word in dict.fromkeys(whole.split()) if not word.isascii()))
        if len(words) > _MOST:
            break
        rest = rest[-256:]
    if not rest.isascii():
        words[rest] = None
    return list(words)


def line_at(raw: BinaryIO, offset: int) -> int:
    """Counted in bytes, since the text there can't be decoded; NULs are those of UTF-16."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    line = 1
    for chunk in _chunks(raw):
        text = chunk[:offset].replace(b"\0", b"").decode("latin-1")
        line += newlines.decode(text).count("\n")
        offset = max(offset - len(chunk), 0)
    return line


# --- what the words tell ---

_Pair: TypeAlias = tuple[
    bytes, Weight | None, Weight | None
]  # a word, in ours and in another; None where it lacks a byte


@dataclass(frozen=True, slots=True)
class _Comparison:
    """`gains`: how much more likely the words are in another code page; `striking` is the word that gains most."""

    gains: Mapping[str, float]
    striking: Mapping[str, tuple[float, bytes]]
    is_natural: bool
    odd: bytes

    @property
    def likely(self) -> list[str]:
        """The other code pages that are not clearly worse than ours, the best first."""
        good = [name for name in self.gains if self.gains[name] > -_CERTAIN or self.striking[name][0] > _STRIKING]
        return sorted(good, key=lambda name: -self.gains[name])

    def alternatives(self, best: str) -> list[str]:
        """Others that come near to the best one, and don't read the very same letters."""
        words_alone = {name: self.gains[name] - _OTHERS[name] for name in self.likely}
        near = [name for name in self.likely if words_alone[best] - 3 < words_alone[name] != words_alone[best]]
        return [name for name in near if name != _UTF_8][:2]

    def is_known(self, name: str) -> bool:
        """Whether its letters are natural there, and not only less odd than ours."""
        word = self.striking[name][1]
        return _weigh(word, name) > _UNNATURAL * _count_high(word)

    @property
    def is_ours(self) -> bool:
        return self.is_natural and not self.likely


def _compare(words: Iterable[bytes]) -> _Comparison:
    agreed: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    differing: defaultdict[str, list[_Pair]] = defaultdict(list)
    total, high, compared, oddest = 0.0, 0, 0, (0.0, b"")
    for word in words:
        own, count = word.decode(_OURS, "replace"), _count_high(word)
        weight = weigh(own)
        ours = weight.total() if "\ufffd" not in own else _LACKING * count
        total, high = total + ours, high + count
        oddest = min(oddest, (ours / count, word))
        if compared >= _COMPARED and (ours > _ODD * count or compared >= 2 * _COMPARED):
            continue
        compared += 1
        for name in _OTHERS:
            if (text := _decode(word, name)) == own:
                agreed[name][weight.language] += 1
            else:
                ours_there = None if "\ufffd" in own else weight
                differing[name].append((word, ours_there, None if text is None else weigh(text)))
    striking = {name: _gains(pairs, _liked(agreed[name])) for name, pairs in differing.items()}
    gains = {name: _OTHERS[name] + sum(gain for gain, _ in found) for name, found in striking.items()}
    most = {name: max(found) for name, found in striking.items()}
    return _Comparison(gains, most, total >= _UNNATURAL * high - _SLACK, oddest[1])


def _gains(pairs: Iterable[_Pair], liked: Mapping[str, float]) -> list[tuple[float, bytes]]:
    """How much more likely each word is in the other encoding."""
    found = []
    for word, ours, theirs in pairs:
        lacking = _LACKING * _count_high(word)
        gain = (theirs.total(liked) if theirs else lacking) - (ours.total(liked) if ours else lacking)
        found.append((gain, word))
    return found


def _liked(agreed: Counter[str | None]) -> Mapping[str, float]:
    """What the words that are the same in both encodings tell of the languages of a list."""
    return {name: log((agreed[name] + 1) / (agreed.total() + _LANGUAGES) * _LANGUAGES) for name in LANGUAGES}


def _count_high(word: bytes) -> int:
    return sum(byte > 0x7F for byte in word)


def _decode(word: bytes, encoding: str) -> str | None:
    try:
        return word.decode(encoding)
    except UnicodeDecodeError:
        return None


def _weigh(word: bytes, encoding: str) -> float:
    text = _decode(word, encoding)
    return _LACKING * _count_high(word) if text is None else weigh(text).total()


def _refusal(raw: BinaryIO, found: _Comparison, name: str, fault: int) -> IncompleteRead:
    best = found.likely[0] if found.likely else None
    if best is None or not found.is_known(best):
        what = "is not UTF-8, and a word here looks like none of the encodings that syncd can tell apart"
        remedy = f'{_AS_UTF_8}, or name its encoding, for example encoding = "{_OURS}"'
        return IncompleteRead(_place(raw, found.odd, name), what, remedy=remedy)
    if best == _UTF_8:
        what = f"byte {fault} is not UTF-8, and other lines are: two exports in one, or a line that was edited"
        return IncompleteRead(f"{name} line {line_at(raw, fault)}", what, remedy=f"{_AS_UTF_8}, whole and in one go")
    word = found.striking[best][1]
    ours, theirs = word.decode(_OURS, "replace"), word.decode(best)
    sign, letter = next(pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1])
    seen = "a byte that Windows-1252 lacks" if sign == "\ufffd" else repr(sign)
    what = f"is not UTF-8, and as Windows-1252 a word here has {seen} where {best} has {letter!r}"
    others = "".join(f' or "{one}"' for one in found.alternatives(best))
    remedy = (
        f'{_AS_UTF_8}, or name its encoding: most likely encoding = "{best}"{others}; if the word is right, "{_OURS}"'
    )
    return IncompleteRead(_place(raw, word, name), what, remedy=remedy)


def _place(raw: BinaryIO, word: bytes, name: str) -> str:
    return f"{name} line {line_at(raw, _find(raw, word))}"


def _find(raw: BinaryIO, word: bytes) -> int:
    passed, rest = 0, b""
    for chunk in _chunks(raw):
        text = rest + chunk
        if (place := text.find(word)) >= 0:
            return passed + place
        rest = text[-len(word) :]
        passed += len(text) - len(rest)
    return 0
