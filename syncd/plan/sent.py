"""The words of what would be sent, in which letters may be misread."""

from collections.abc import Iterator

from syncd.domain.changes import Change, Create, Update
from syncd.letters.misread import Words


def take_words(words: Words, change: Change) -> None:
    for text in texts_of(change):
        words.take(text)


def texts_of(change: Change) -> Iterator[str]:
    """What would be sent."""
    if isinstance(change, Create | Update):
        yield from (value for value in change.fields.values() if isinstance(value, str))
