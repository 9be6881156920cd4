"""Text that was encoded twice: some program took UTF-8 for another encoding, and "ü" became "Ã¼" for good.

Only what spells a letter or a sign of Europe so counts, and not what people write: "JOÃO", or "Ä" before a quote.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

_LETTERS = [*range(0xA0, 0x180), *range(0x218, 0x21C), *range(0x386, 0x3CF), *range(0x401, 0x492)]
_SIGNS = [*range(0x2013, 0x2027), 0x20AC, 0x221A, 0x2248, *range(0x2500, 0x256D)]  # the last are of a third time
_TAKEN_FOR = ("cp1252", "latin-1", "cp1254", "cp1250", "cp850", "cp437", "mac-roman")
_WESTERN = {"cp1252", "latin-1"}  # elsewhere the first halves of Greek and Cyrillic letters are letters of names
_REAL = {"ĹŽ"}  # Slovak, in capitals
_BEHIND_A_WORD = "®©™°"
_AT_AN_EDGE = "„“”‚‘’»«›‹–—…\xa0" + _BEHIND_A_WORD


def _sequences() -> Iterator[str]:
    for encoding in _TAKEN_FOR:
        for code in (*_LETTERS, *_SIGNS):
            if encoding in _WESTERN or code < 0x180 or code in _SIGNS:
                yield "".join(_as_read(byte, encoding) for byte in chr(code).encode())


def _as_read(byte: int, encoding: str) -> str:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)  # as programs do with what Windows-1252 lacks


@cache
def _spelt_twice() -> re.Pattern[str]:
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for text in {*_sequences()} - _REAL:
        ends[text[:-1]].add(text[-1])
    return re.compile(
        "|".join(f"{re.escape(start)}[{re.escape(''.join(sorted(last)))}]" for start, last in ends.items())
    )


@cache
def _first_signs() -> frozenset[str]:
    return frozenset(text[0] for text in _sequences())


def is_encoded_twice(text: str) -> bool:
    if _first_signs().isdisjoint(text):  # as in most names
        return False
    return any(_is_evidence(text, *found.span()) for found in _spelt_twice().finditer(text))


def _is_evidence(text: str, start: int, end: int) -> bool:
    """False for a capital before a quote, a dash or a blank, and for a word in capitals before a sign such as ®."""
    before, after, tail = text[start - 1 : start], text[end : end + 1], text[start + 1 : end]
    if len(tail) > 1 or before.islower() or tail not in _AT_AN_EDGE:
        return True
    if tail in _BEHIND_A_WORD:
        return after.isalpha() or not (before.isupper() and text[start - 2 : start - 1].isupper())
    return after.islower() or (after.isalpha() and not before.isalpha())
