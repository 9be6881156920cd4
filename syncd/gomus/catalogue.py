"""What may be kept of a server's words: sentences of a catalogue, with the labels of fields, and nothing else.

Whatever else stands in an answer may name a person, in whichever spelling.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain
from unicodedata import normalize

from syncd import reasons
from syncd.gomus.fields import FIELDS
from syncd.gomus.sentences import GOMUS, LABELS, RAILS, RECORDS
from syncd.gomus.wire import LONGEST_READ, MOST_READ

_NUMBER = r"-?\d{1,5}"
_PARTED = re.compile("[ _-]")
_SEPARATOR = re.compile(r"[,;:]|\.(?=\s)")


class Catalogue:
    """`sentences` are further ones, which an operator trusts."""

    def __init__(self, sentences: Iterable[str] = ()) -> None:
        self._labels = {_key(label): label for label in chain(*map(_listed, LABELS.values()), _labels_of_fields())}
        self._trusted = [re.escape(_plain(sentence)) for sentence in sentences]

    @cached_property
    def _one_label(self) -> str:
        return _any_of("[ _-]".join(map(re.escape, _PARTED.split(one))) for one in self._labels.values())

    @cached_property
    def _label(self) -> re.Pattern[str]:
        return re.compile(self._one_label, re.IGNORECASE)

    @cached_property
    def _sentence(self) -> re.Pattern[str]:
        """Compiled when a server first says something: it is large."""
        record = _any_of(map(re.escape, _listed(RECORDS)))
        places = {"{count}": _NUMBER, "{field}": self._one_label, "{record}": record}
        lines = chain.from_iterable(text.splitlines() for text in (*RAILS.values(), GOMUS))
        known = [_pattern(line.strip(), places) for line in lines if line.strip()]
        return re.compile(_any_of(known + self._trusted), re.IGNORECASE)

    def words(self, texts: Sequence[str], *, status: int, fields: Iterable[str] = ()) -> tuple[str, ...]:
        """What is known of these texts; a fixed phrase where nothing is, with those of the `fields` that they name."""
        read = [_plain(text[:LONGEST_READ]) for text in texts[:MOST_READ]]
        known = tuple(dict.fromkeys(chain.from_iterable(map(self._known, read))))[:MOST_READ]
        if known or not read:
            return known
        named = sorted({name for name in fields if name in FIELDS and any(_has_word(text, name) for text in read)})
        if named:
            return (reasons.UNKNOWN_WORDS_OF.tell(status=status, fields=", ".join(named)),)
        return (reasons.UNKNOWN_WORDS.tell(status=status),)

    def _known(self, text: str) -> Iterator[str]:
        end = 0
        for found in self._sentence.finditer(text):
            about = self._label.search(_SEPARATOR.split(text[end : found.start()])[-1])
            label = self._labels.get(_key(about[0])) if about else None
            yield f"{label} {found[0]}" if label else found[0]
            end = found.end()


@cache
def catalogue_with(*sentences: str) -> Catalogue:
    """One for all clients of an instance: to make it takes longer than to use it."""
    return Catalogue(sentences)


def _labels_of_fields() -> Iterator[str]:
    """As Rails makes them of the API's names: "Customer salutation", and the name itself."""
    for name in FIELDS:
        for short in (name, name.removesuffix("_id"), name.removeprefix("addr_"), name.removeprefix("customer_")):
            yield short.replace("_", " ").capitalize()


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def _plain(text: str) -> str:
    """With one apostrophe, one kind of blank, and without HTML's escapes."""
    return " ".join(normalize("NFC", html.unescape(text)).replace("’", "'").split())


def _key(label: str) -> str:
    return _PARTED.sub(" ", label).casefold()


def _any_of(patterns: Iterable[str]) -> str:
    """The longest first, for the first that fits is taken."""
    return rf"(?<!\w)(?:{'|'.join(sorted(set(patterns), key=len, reverse=True))})(?!\w)"


def _pattern(sentence: str, places: Mapping[str, str]) -> str:
    parts = re.split(r"(\{\w+\})", sentence)
    return "".join(places.get(part, re.escape(part)) for part in parts)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None
