"""How a list is asked for page by page. Pure: an answer comes in, the next question goes out, or None at the end."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx
import jmespath

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
    """One request. An address that the server gave holds its own query: then `params` is empty."""

    url: str
    params: Mapping[str, str]
    body: Mapping[str, Any] | None

    def setting(self, name: str, value: object, place: Place) -> "Question":
        if place == "query":
            return replace(self, params={**self.params, name: str(value)})
        body = copy.deepcopy(dict(self.body or {}))
        _put(body, name.split("."), value)
        return replace(self, body=body)


def _put(place: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - a JSON document
    """LookupError where the path leads through something that has no such place."""
    first, *rest = path
    key: Any = int(first) if isinstance(place, list) and first.isdecimal() else first
    is_place = isinstance(place, dict) or (isinstance(place, list) and isinstance(key, int) and key < len(place))
    if not is_place:
        raise LookupError(first)
    if not rest:
        place[key] = value
        return
    if isinstance(place, dict):
        place.setdefault(key, {})
    _put(place[key], rest, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer: its document, how many records it held, and the headers it came with."""

    document: object
    count: int
    headers: httpx.Headers
    url: str


class Astray(Exception):
    """The next address is not the source's own."""


class Pages(Protocol):
    """`shifts`: pages go by numbers, so that a record may slip from one to another while they are read."""

    shifts: bool

    def first(self, question: Question) -> Question: ...
    def next(self, question: Question, page: Page) -> Question | None: ...


def make_pages(pagination: Pagination | None) -> Pages:
    match pagination:
        case None:
            return _One()
        case ByPage():
            return _ByPage(pagination)
        case ByOffset():
            return _ByOffset(pagination)
        case ByCursor():
            return _ByCursor(pagination)
        case ByNextUrl():
            return _ByNextUrl(pagination)
        case ByLinkHeader():
            return _ByLinkHeader()
        case ByHeader():
            return _ByHeader(pagination)


@dataclass(frozen=True, slots=True)
class _One:
    shifts = False

    def first(self, question: Question) -> Question:
        return question

    def next(self, question: Question, page: Page) -> Question | None:
        del question, page
        return None


@dataclass(frozen=True, slots=True)
class _ByPage:
    """Up to the first empty page: a short one may only show that the server gives fewer than it was asked for."""

    options: ByPage
    shifts = True

    def first(self, question: Question) -> Question:
        options = self.options
        if options.size_param is not None:
            question = question.setting(options.size_param, options.size, options.in_)
        return question.setting(options.page_param, options.start, options.in_)

    def next(self, question: Question, page: Page) -> Question | None:
        if not page.count:
            return None
        number = _current(question, self.options.page_param, self.options.in_)
        return question.setting(self.options.page_param, number + 1, self.options.in_)


@dataclass(frozen=True, slots=True)
class _ByOffset:
    """On by what was received, not by what was asked for."""

    options: ByOffset
    shifts = True

    def first(self, question: Question) -> Question:
        options = self.options
        if options.limit_param is not None:
            question = question.setting(options.limit_param, options.limit, options.in_)
        return question.setting(options.offset_param, 0, options.in_)

    def next(self, question: Question, page: Page) -> Question | None:
        if not page.count:
            return None
        offset = _current(question, self.options.offset_param, self.options.in_)
        return question.setting(self.options.offset_param, offset + page.count, self.options.in_)


def _current(question: Question, name: str, place: Place) -> int:
    if place == "query":
        return int(question.params[name])
    found: Any = question.body
    for part in name.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return int(found)


@dataclass(frozen=True, slots=True)
class _ByCursor:
    options: ByCursor
    shifts = False

    def first(self, question: Question) -> Question:
        return question

    def next(self, question: Question, page: Page) -> Question | None:
        cursor = jmespath.search(self.options.cursor, page.document)
        if cursor is None or cursor in ("", False):
            return None
        value = cursor if isinstance(cursor, str | int | float) else str(cursor)
        return question.setting(self.options.cursor_param, value, self.options.in_)


@dataclass(frozen=True, slots=True)
class _ByNextUrl:
    options: ByNextUrl
    shifts = False

    def first(self, question: Question) -> Question:
        return question

    def next(self, question: Question, page: Page) -> Question | None:
        return _follow(question, page, jmespath.search(self.options.next, page.document))


@dataclass(frozen=True, slots=True)
class _ByLinkHeader:
    shifts = False

    def first(self, question: Question) -> Question:
        return question

    def next(self, question: Question, page: Page) -> Question | None:
        return _follow(question, page, next_link(page.headers))


@dataclass(frozen=True, slots=True)
class _ByHeader:
    options: ByHeader
    shifts = False

    def first(self, question: Question) -> Question:
        return question

    def next(self, question: Question, page: Page) -> Question | None:
        return _follow(question, page, page.headers.get(self.options.header))


def next_link(headers: httpx.Headers) -> str | None:
    """RFC 8288: the target of the link whose relations hold "next"."""
    for link in httpx.Response(200, headers={"Link": headers.get("Link", "")}).links.values():
        if "next" in link.get("rel", "").split():
            return link.get("url")
    return None


def _follow(question: Question, page: Page, address: object) -> Question | None:
    if not address:
        return None
    url = urljoin(page.url, str(address))
    if not is_same_origin(url, question.url):
        raise Astray
    return replace(question, url=url, params={})


def is_same_origin(one: str, other: str) -> bool:
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parsed = urlsplit(url)
    return parsed.scheme, parsed.hostname, parsed.port or {"https": 443, "http": 80}.get(parsed.scheme)
