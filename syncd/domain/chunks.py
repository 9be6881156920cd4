"""Splits a stream into lists of limited length."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

CHUNK = 1_000
T = TypeVar("T")


def chunks(things: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    source = iter(things)
    while chunk := list(islice(source, size)):
        yield chunk


def until_stopped(things: Iterable[T], stop_if_asked: Callable[[], None]) -> Iterator[T]:
    """Each of them; before each, `stop_if_asked` is asked and raises where there is to be no other."""
    for thing in things:
        stop_if_asked()
        yield thing
