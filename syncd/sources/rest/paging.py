"""How a list is asked for page by page. Pure: an answer comes in, the next question goes out, or None at the end.

A short page is never taken for the last one, since many servers give fewer records than they are asked for.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import httpx

from syncd.errors import IncompleteRead
from syncd.sources.rest.body import put
from syncd.sources.rest.finding import find
from syncd.sources.rest.links import next_link
from syncd.sources.rest.options import (
    ByCursor,
    ByHeader,
    ByLinkHeader,
    ByNextUrl,
    ByOffset,
    ByPage,
    Pagination,
    Place,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request. Where the server gave the address, with a query of its own, `params` is empty."""

    url: str = field(repr=False)
    params: Mapping[str, str | Sequence[str]] = field(repr=False)
    body: Mapping[str, Any] | None = field(repr=False)

    def setting(self, name: str, value: object, place: Place) -> "Question":
        """A copy with one parameter set. Raises ValueError where `name` is a path that leads nowhere in the body."""
        if place == "query":
            return replace(self, params={**self.params, name: str(value)})
        return replace(self, body=put(dict(self.body or {}), name, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer: its document, its headers, and the `url` it came from.

    `number` counts pages from 1, `count` the records of this one, `read` those of all pages so far; `total` is how many
    records the source says it has.
    """

    place: str
    document: object = field(repr=False)
    headers: httpx.Headers = field(repr=False)
    url: str = field(repr=False)
    number: int
    count: int
    read: int
    total: int | None


class Pages(ABC):
    """A way from page to page.

    `is_counted`: we count pages or records; otherwise the source names each next page. `says_more`: each page says
    whether there is another. `at_once` is how many records a page are asked for, 0 where it is not known.
    """

    is_counted: ClassVar = False
    says_more: bool = False
    at_once: int = 0

    def first(self, question: Question) -> Question:
        return question

    @abstractmethod
    def next(self, question: Question, page: Page) -> Question | None:
        """Raises IncompleteRead where the page contradicts itself or the configuration."""


def make_pages(pagination: Pagination | None) -> Pages:
    match pagination:
        case None:
            return _One()
        case ByPage():
            return _Counted(pagination, pagination.size, lambda page: page.number)
        case ByOffset():
            return _Counted(pagination, pagination.limit, lambda page: page.read)
        case ByCursor():
            return _ByCursor(pagination)
        case ByNextUrl(next=path):
            return _ByAddress(lambda page: find(path, page.document, key="pagination.next", place=page.place))
        case ByLinkHeader():
            return _ByAddress(lambda page: next_link(page.headers))
        case ByHeader(header=name):
            return _ByAddress(lambda page: page.headers.get(name))


class _One(Pages):
    def next(self, question: Question, page: Page) -> Question | None:
        del question, page
        return None


@dataclass(frozen=True, slots=True)
class _Counted(Pages):
    """`passed` tells how many came so far, pages or records: a page may hold fewer records than were asked for."""

    options: ByPage | ByOffset
    size: int
    passed: Callable[[Page], int]
    is_counted: ClassVar = True

    @property
    def at_once(self) -> int:  # type: ignore[override]  # it depends on the options
        return self.size

    @property
    def says_more(self) -> bool:  # type: ignore[override]  # it depends on the options
        return self.options.more is not None

    def first(self, question: Question) -> Question:
        options = self.options
        count_param, size_param = options.parameters
        if size_param:
            question = question.setting(size_param, self.size, options.in_)
        return question.setting(count_param, options.start, options.in_)

    def next(self, question: Question, page: Page) -> Question | None:
        options = self.options
        if not _has_more(options.more, page):
            return None
        return question.setting(options.parameters[0], options.start + self.passed(page), options.in_)


def _has_more(more: str | None, page: Page) -> bool:
    """As the source says, otherwise until the total is reached, otherwise until a page is empty.

    The first page alone does not prove a total: it may be the number of records on that page.
    """
    if more is None:
        return bool(page.count) and (page.total is None or page.read < page.total or page.number == 1)
    if (told := _told_more(more, page)) and not page.count:
        raise IncompleteRead(
            page.place, "the page is empty, and says that there are more", remedy="check records and pagination"
        )
    return told


def _told_more(more: str, page: Page) -> bool:
    told = find(more, page.document, key="pagination.more", place=page.place)
    if not isinstance(told, bool):
        raise IncompleteRead(
            page.place,
            "pagination.more is neither true nor false",
            remedy="let it find or make a truth, as in 'has_more' or 'page < pages'",
        )
    return told


@dataclass(frozen=True, slots=True)
class _ByCursor(Pages):
    options: ByCursor

    @property
    def says_more(self) -> bool:  # type: ignore[override]  # it depends on the options
        return self.options.more is not None

    def next(self, question: Question, page: Page) -> Question | None:
        options = self.options
        has_more = None if options.more is None else _told_more(options.more, page)
        cursor = find(options.cursor, page.document, key="pagination.cursor", place=page.place)
        if has_more is False or (has_more is None and _is_nothing(cursor)):
            return None
        if isinstance(cursor, bool) or not isinstance(cursor, str | int | float) or cursor == "":
            raise IncompleteRead(
                page.place, "there is no cursor under pagination.cursor", remedy="set it to where a text or number is"
            )
        return question.setting(options.cursor_param, cursor, options.in_)


@dataclass(frozen=True, slots=True)
class _ByAddress(Pages):
    """`address` finds the next page's address in this page."""

    address: Callable[[Page], Any]

    def next(self, question: Question, page: Page) -> Question | None:
        address = self.address(page)
        if _is_nothing(address):
            return None
        try:
            url = httpx.URL(page.url).join(address)
        except (TypeError, ValueError, httpx.InvalidURL):
            raise IncompleteRead(
                page.place,
                "what should be the next page's address is none",
                remedy="check pagination against a real answer",
            ) from None
        if not is_same_origin(url, httpx.URL(question.url)):
            raise IncompleteRead(
                page.place,
                "the next page is at another host, where no credentials are sent",
                remedy="set url to the address (https, host and port) under which the source itself gives its pages",
            )
        return replace(question, url=str(url), params={})


def _is_nothing(found: object) -> bool:
    return found is None or found is False or found == ""


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Compared as httpx parses them, because httpx sends: another parser may read an address differently."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
