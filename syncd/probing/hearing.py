"""Whole answers of an instance, which its client only takes in: looked at, and never kept."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from syncd.errors import CallFailed, Missing, Refused
from syncd.gomus.client import Client
from syncd.gomus.wire import WriteAnswer, read_errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Generic[T]):
    """What came of a call: `taken` is what the client made of it, None where it failed with `failure`.

    `status` and `body` are of the last answer; the body is None where it is no JSON or there was none.
    """

    taken: T | None
    failure: CallFailed | None
    status: int | None
    body: object
    is_empty: bool

    @property
    def errors(self) -> Sequence[str]:
        """The server's own words: to be searched, never to be told."""
        return read_errors(self.body)

    @property
    def is_refused(self) -> bool:
        """By a status, or by `errors` beside a 2xx."""
        says_errors = isinstance(self.taken, WriteAnswer) and bool(self.taken.errors)
        return says_errors or (isinstance(self.failure, Refused) and not isinstance(self.failure, Missing))

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows what has become of it."""
        return self.failure is not None and not isinstance(self.failure, Refused)

    @property
    def is_later(self) -> bool:
        return isinstance(self.taken, WriteAnswer) and self.taken.later


class Ear:
    """Stands at the client for as long as a probe goes on. For one thread."""

    def __init__(self, client: Client) -> None:
        self._status: int | None = None
        self._text = b""
        client.show = self._hear

    def ask(self, call: Callable[[], T]) -> Heard[T]:
        """Raises Fatal as the call does."""
        self._status, self._text = None, b""
        taken, failure = None, None
        try:
            taken = call()
        except CallFailed as failed:
            failure = failed
        body: object = None
        with suppress(ValueError, RecursionError):
            body = json.loads(self._text)
        is_empty = not self._text.strip()
        return Heard(taken=taken, failure=failure, status=self._status, body=body, is_empty=is_empty)

    def _hear(self, _method: str, status: int, text: bytes) -> None:
        self._status, self._text = status, text
