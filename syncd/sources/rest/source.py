"""The source `rest`: the list of a CRM, or what changed in it, page by page."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

import httpx
import jmespath

from syncd.errors import IncompleteRead
from syncd.records import Position, SourceRecord
from syncd.sources.base import Reading, ReadKind, Source
from syncd.sources.rest.changes import Cursor, Latest, parse_cursor
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.paging import Astray, Page, Question, make_pages, next_link
from syncd.sources.rest.web import Answer, Web

ROUND = "the list goes round: see whether the pagination's parameters are those of the API"


class RestSource(Source):
    """Without a cursor all there is, as a snapshot; with one, what changed since."""

    Options = RestOptions
    options: RestOptions
    transport: httpx.BaseTransport | None = None  # of its own in tests, like the clock that only goes on
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    @property
    def full_every(self) -> timedelta | None:  # type: ignore[override]  # it depends on the options
        return self.options.incremental.full_every if self.options.incremental else None

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        web = Web(self.options, transport=self.transport, sleep=self.sleep, clock=self.clock, monotonic=self.monotonic)
        try:
            since = parse_cursor(cursor) if cursor is not None and self.options.incremental else None
            yield RestReading(self.options, web, since, Latest(self.clock()), self.monotonic)
        finally:
            web.close()


class RestReading(Reading):
    columns = None

    def __init__(
        self, options: RestOptions, web: Web, since: Cursor | None, latest: Latest, monotonic: Callable[[], float]
    ) -> None:
        self._options = options
        self._web = web
        self._since = since
        self._latest = latest
        self._monotonic = monotonic
        self._pages = make_pages(options.pagination)
        self._expected = _Expected(options.total, is_snapshot=since is None, shifts=self._pages.shifts)
        parsed = urlsplit(options.url)
        self._list = parsed.path.rstrip("/").rpartition("/")[2] or str(parsed.hostname)
        self._number = 0
        self._read = 0
        self.kind = ReadKind.SNAPSHOT if since is None else ReadKind.CHANGES
        self.shifts = self._pages.shifts
        self.cursor = None
        self.description = f"{parsed.hostname}{parsed.path}" + (" (changes)" if since else "")

    @property
    def _place(self) -> str:
        return f"{self._list} page {self._number}"

    def __iter__(self) -> Iterator[SourceRecord]:
        began = self._monotonic()
        question: Question | None = self._first_question()
        asked: set[bytes] = set()
        while question is not None:
            self._number += 1
            self._note(asked, repr(question), ROUND)
            answer = self._web.ask(question, self._place)
            records = self._records_of(answer)
            if records:
                self._note(asked, repr(records), ROUND)
            self._expected.take(answer, self._place)
            yield from map(self._record, range(1, len(records) + 1), records)
            self._read += len(records)
            question = self._next_question(question, answer, len(records))
        self._check_end()
        if self._options.incremental:
            cursor = self._latest.cursor(self._since, timedelta(seconds=self._monotonic() - began))
            self.cursor = str(cursor) if cursor else None

    # --- questions ---

    def _first_question(self) -> Question:
        options = self._options
        question = Question(
            url=options.url,
            params={name: _text(value) for name, value in options.params.items()},
            body=options.json_,
        )
        try:
            if options.incremental and self._since:
                since = self._since.since(options.incremental.overlap, options.incremental.format)
                value = options.incremental.template.replace("{since}", since)
                question = question.setting(options.incremental.param, value, options.incremental.in_)
            return self._pages.first(question)
        except LookupError:
            raise IncompleteRead(
                self._list, "a parameter has no place in the body", remedy="check the names with dots against json"
            ) from None

    def _next_question(self, question: Question, answer: Answer, count: int) -> Question | None:
        if self._expected.is_reached(self._read) and self._options.pagination:
            return None
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        page = Page(document=answer.document, count=count, headers=answer.headers, url=question.url)
        if self._options.pagination is None and next_link(answer.headers):
            raise IncompleteRead(
                self._place,
                "the source has more pages than this one",
                remedy='set pagination, here { type = "link-header" }',
            )
        try:
            return self._pages.next(question, page)
        except Astray:
            raise IncompleteRead(
                self._place,
                "the next page is at another host, where no credentials are sent",
                remedy="set url to the address under which the source itself gives its pages",
            ) from None

    def _note(self, asked: set[bytes], text: str, remedy: str) -> None:
        digest = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        if digest in asked:
            raise IncompleteRead(self._place, "comes a second time", remedy=remedy)
        asked.add(digest)

    # --- answers ---

    def _records_of(self, answer: Answer) -> list[Any]:
        if answer.status == httpx.codes.NOT_FOUND:
            if self._number == 1 or not self.shifts or not self._expected.may_end(self._read):
                raise IncompleteRead(self._place, "there is no such list (404)", remedy="check url and pagination")
            return []
        path = self._options.records
        found = jmespath.search(path, answer.document) if path is not None else answer.document
        if not isinstance(found, list):
            where = "under records" if path is not None else "in the answer"
            raise IncompleteRead(
                self._place, f"there is no list {where}", remedy="set records to where the list is, as 'data.items'"
            )
        return found

    def _record(self, number: int, values: object) -> SourceRecord:
        position = Position(source=self._place, line=number, unit="record")
        if not isinstance(values, Mapping):
            raise IncompleteRead(str(position), "is no object", remedy="set records to a list of objects")
        if self._options.incremental:
            self._latest.take(jmespath.search(self._options.incremental.cursor, values))
        return SourceRecord(values=values, position=position, deleted=self._is_deleted(values, position))

    def _is_deleted(self, values: Mapping[str, object], position: Position) -> bool:
        if self._options.deleted is None:
            return False
        found = jmespath.search(self._options.deleted, values)
        told = TOLD.get(found.strip().lower() if isinstance(found, str) else found) if _is_plain(found) else None
        if told is None:
            raise IncompleteRead(
                str(position),
                "deleted is neither true nor false",
                remedy="compare in it, as in deleted = 'deleted_at != null'",
            )
        return told

    def _check_end(self) -> None:
        if self._expected.total is not None and self._read < self._expected.total:
            raise IncompleteRead(
                self._list,
                f"{self._read} of {self._expected.total} records came",
                remedy="see whether the pagination's parameters are those of the API; the next run reads anew",
            )
        if self._since is None and not self._read:
            raise IncompleteRead(self._list, "has no records", remedy="an empty list deletes nobody; check params")
        if self._options.incremental and self._read and not self._latest.seen:
            raise IncompleteRead(
                self._list,
                "no record has a readable time under incremental.cursor",
                remedy="set it to the field that holds the time of the last change",
            )
        if self._options.incremental and self._options.incremental.format != "as-read" and self._latest.has_no_zone:
            raise IncompleteRead(
                self._list,
                "the times under incremental.cursor have no zone",
                remedy="leave incremental.format out, so that the API gets them as it gave them",
            )
        if self._latest.is_mixed:
            raise IncompleteRead(
                self._list,
                "some times under incremental.cursor have a zone and some have none",
                remedy="choose a field whose times are all alike",
            )


TOLD: Mapping[object, bool] = {
    True: True,
    False: False,
    None: False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    "": False,
}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Expected:
    """How many records the source says it has; on numbered pages of a snapshot, a change of it is a shift."""

    def __init__(self, where: str | None, *, is_snapshot: bool, shifts: bool) -> None:
        self._where = where
        self._may_grow = not (is_snapshot and shifts)
        self.total: int | None = None

    def take(self, answer: Answer, place: str) -> None:
        if self._where is None or answer.document is None:
            return
        if self._where.startswith("header:"):
            found: object = answer.headers.get(self._where.removeprefix("header:").strip())
        else:
            found = jmespath.search(self._where, answer.document)
        total = _count(found)
        if total is None:
            raise IncompleteRead(place, "tells no total", remedy="set total to where the number of all records is")
        before, self.total = self.total, total
        if before is not None and (total < before or (total > before and not self._may_grow)):
            raise IncompleteRead(
                place,
                f"the total went from {before} to {total} while the list was read",
                remedy="the next run reads it anew; a cursor or a snapshot of the API would not shift",
            )

    def is_reached(self, read: int) -> bool:
        return self.total is not None and read >= self.total

    def may_end(self, read: int) -> bool:
        """Whether a page that is not there can be the end."""
        return read > 0 and (self.total is None or read >= self.total)


def _count(found: object) -> int | None:
    if isinstance(found, str) and found.strip().isdecimal():
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
