"""The source `rest`: the list of a CRM, or what changed in it, page by page."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

import httpx

from syncd.domain.records import Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import NO_OBJECT, Reading, ReadKind, Source
from syncd.sources.cursors.bounds import Latest, Since, read_bounds
from syncd.sources.cursors.numbers import parse_number
from syncd.sources.deletions import parse_deletion
from syncd.sources.rest.finding import find
from syncd.sources.rest.options import HEADER, Incremental, RestOptions, Scalar
from syncd.sources.rest.paging import Page, Question, make_pages
from syncd.sources.rest.signs import Followed, Last, refuse_errors
from syncd.sources.rest.web import Answer, Web, refuse

ROUND = "the list goes round: see whether the pagination's parameters are those of the API"


class RestSource(Source):
    """Reads everything as a snapshot without a cursor, and what changed since then with one."""

    Options = RestOptions
    options: RestOptions
    transport: httpx.BaseTransport | None = None  # of its own in tests, like the clock that only goes on
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    @property
    def full_every(self) -> timedelta | None:  # type: ignore[override]  # it depends on the options
        return self.options.incremental.full_every if self.options.incremental else None

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        incremental = self.options.incremental
        cursor = cursor if incremental else None
        since, latest = read_bounds(cursor, self.clock(), counts=bool(incremental and incremental.counts))
        web = Web(self.options, transport=self.transport, sleep=self.sleep, clock=self.clock, monotonic=self.monotonic)
        with closing(web):
            yield RestReading(self.options, web, since, latest, self.monotonic)


class RestReading(Reading):
    columns = None

    def __init__(
        self,
        options: RestOptions,
        web: Web,
        since: Since | None,
        latest: Latest,
        monotonic: Callable[[], float],
    ) -> None:
        self._options = options
        self._web = web
        self._since: Any = since  # of the same make as `latest`
        self._latest = latest
        self._monotonic = monotonic
        self._pages = make_pages(options.pagination)
        self._expected = _Expected(where=options.total, may_grow=since is not None or not self._pages.is_counted)
        parsed = urlsplit(options.url)
        self._list = parsed.path.rstrip("/").rpartition("/")[2] or str(parsed.hostname)
        self._number = 0
        self._read = 0
        self._objects = 0
        self._fullest, self._last = 0, 0  # records of a page
        self._last_digest = b""
        self._answer: Last | None = None
        self._followed = Followed(
            records=options.records,
            is_paged=options.pagination is not None,
            is_counted=self._pages.is_counted,
            is_told=options.total is not None or self._pages.says_more,
        )
        self.kind = ReadKind.SNAPSHOT if since is None else ReadKind.CHANGES
        self.shifts = options.pagination is not None  # an address that the source gives may count pages too
        self.description = f"{parsed.hostname}{parsed.path}" + (" (changes)" if since else "")

    @property
    def _place(self) -> str:
        return f"{self._list} page {self._number}"

    def __iter__(self) -> Iterator[SourceRecord]:
        began = self._monotonic()
        question: Question | None = self._first_question()
        seen: set[bytes] = set()
        while question is not None:
            self._number += 1
            self._refuse_twice(seen, _digest((question.url, question.params, question.body)))
            answer = self._web.ask(question, self._place)
            records = self._records_of(answer)
            if records is None or self._is_last_again(records):
                break
            if records:
                self._last_digest = _digest(records)
                self._refuse_twice(seen, self._last_digest)
            self._expected.take(answer, self._place)
            yield from map(self._record, range(1, len(records) + 1), records)
            self._read += len(records)
            self._last, self._fullest = len(records), max(self._fullest, len(records))
            self._answer = self._last_answer(answer)
            question = self._next_question(question, answer)
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
        if options.incremental:
            question = self._since_when(question, options.incremental)
        return self._pages.first(question)

    def _since_when(self, question: Question, incremental: Incremental) -> Question:
        """Asks for what changed since the cursor; without one from the beginning, if the API wants to be told."""
        since = incremental.beginning
        if self._since is not None:
            since = self._since.since(incremental.overlap, incremental.format)
        if since is not None and incremental.template != "{since}":
            since = incremental.template.replace("{since}", str(since))
        return question if since is None else question.setting(incremental.param, since, incremental.in_)

    def _next_question(self, question: Question, answer: Answer) -> Question | None:
        page = Page(
            place=self._place,
            document=answer.document,
            headers=answer.headers,
            url=answer.url,
            number=self._number,
            count=self._last,
            read=self._read,
            total=self._expected.total,
        )
        return self._pages.next(question, page)

    def _last_answer(self, answer: Answer) -> Last:
        return Last(
            place=self._place,
            status=answer.status,
            headers=answer.headers,
            document=answer.document,
            count=self._last,
            number=self._number,
            read=self._read,
        )

    def _refuse_twice(self, seen: set[bytes], digest: bytes) -> None:
        if digest in seen:
            raise IncompleteRead(self._place, "comes a second time", remedy=ROUND)
        seen.add(digest)

    # --- the end ---

    @property
    def _is_behind_the_end(self) -> bool:
        """Whether the pages before this one were all: by the total, or because the last was short.

        A refusal alone proves nothing: a server may be gone for a moment, or give the first 10,000 records only.
        """
        if self._number == 1:
            return False
        if self._expected.total is not None:
            return self._read >= self._expected.total
        return self._pages.is_counted and not self._pages.says_more and self._last < self._fullest

    def _is_last_again(self, records: list[Any]) -> bool:
        """Behind the end some servers give the last page once more.

        A full first page that comes again may as well be all that a server gives which does not know our parameters.
        """
        if not records or not self._is_behind_the_end or _digest(records) != self._last_digest:
            return False
        return self._number > 2 or self._last < self._pages.at_once

    def _check_nothing(self, answer: Answer) -> None:
        """Whether an answer without a page is the end of the list, by itself or by what came before it."""
        is_first = self._number == 1
        if answer.status == httpx.codes.NO_CONTENT:
            is_end = self.kind is ReadKind.CHANGES if is_first else not self._pages.says_more
        else:
            is_end = self._is_behind_the_end
        if is_end or self._is_behind_the_end:
            return
        if is_first:
            refuse(answer, self._place)
        missing = "answers nothing" if answer.status < 300 else f"there is no such page ({answer.status})"
        raise self._too_early(missing)

    def _too_early(self, missing: str) -> IncompleteRead:
        total, again = self._expected.total, "the next run reads anew"
        if total is not None:
            what = f"{missing}, and only {self._read} of {total} records came"
            remedy = f"{again}; if it stays so, the source gives no more page by page: ask it for less at once"
        elif self._pages.is_counted:
            what = f"{missing}, and the one before it need not be the last"
            remedy = f"set total or pagination.more, so that the end is certain; {again}"
        else:
            what = f"{missing}, although the one before it names it"
            remedy = f"{again}, for a cursor may expire; if it stays so, set total"
        return IncompleteRead(self._place, what, remedy=remedy)

    # --- answers ---

    def _records_of(self, answer: Answer) -> list[Any] | None:
        """None behind the last page."""
        if answer.is_nothing:
            self._check_nothing(answer)
            return None
        path = self._options.records
        found = answer.document if path is None else find(path, answer.document, key="records", place=self._place)
        if isinstance(found, list):
            refuse_errors(answer.document, len(found), self._place)
            return found
        if found is None and self._is_behind_the_end:
            return None
        where = "under records" if path is not None else "in the answer"
        what = f"there is no list {where}"
        remedy = "set records to where the list is, as 'data.items'"
        raise IncompleteRead(self._place, what, remedy=remedy, shown=what + _instead(answer.document))

    def _record(self, number: int, values: object) -> SourceRecord:
        position = Position(source=self._place, line=number, unit="record")
        if not isinstance(values, Mapping):
            return SourceRecord(values=NO_OBJECT, position=position)
        self._objects += 1
        is_deleted = self._is_deleted(values, position)
        if self._options.incremental:
            changed = find(self._options.incremental.cursor, values, key="incremental.cursor", place=str(position))
            if changed is not None or not is_deleted:  # of whom is gone, a source may tell no more than the id
                self._latest.take(changed, self._number)
        return SourceRecord(values=values, position=position, deleted=is_deleted)

    def _is_deleted(self, values: Mapping[str, object], position: Position) -> bool:
        if self._options.deleted is None:
            return False
        found = find(self._options.deleted, values, key="deleted", place=str(position))
        told = parse_deletion(found)
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
        if self._pages.is_counted and self._expected.total is not None and self._read > self._expected.total:
            raise IncompleteRead(
                self._list,
                f"{self._read} records came, and the total is {self._expected.total}",
                remedy="the next run reads anew; if it stays so, total counts something else, such as pages",
            )
        if self._answer:
            self._followed.refuse_more(self._answer)
        if self._since is None and not self._read:
            raise IncompleteRead(self._list, "has no records", remedy="an empty list deletes nobody; check params")
        if self._read and not self._objects:
            raise IncompleteRead(
                self._list, "none of the records is an object", remedy="set records to a list of objects"
            )
        incremental = self._options.incremental
        if incremental and (doubt := self._latest.find_doubt(incremental.format)):
            what, remedy = doubt
            raise IncompleteRead(self._list, what, remedy=remedy)


def _digest(something: object) -> bytes:
    return blake2b(repr(something).encode(errors="surrogatepass"), digest_size=16).digest()


def _instead(document: object) -> str:
    """What an answer has instead of the list, for whoever looks for it at a terminal."""
    if lists := list(_lists_in(document)):
        return f"; there is one under {' and one under '.join(lists[:3])}"
    keys = ", ".join(sorted(_names_in(document))[:10])
    return f"; the answer has the keys {keys}" if keys else ""


def _lists_in(document: object, path: str = "", depth: int = 3) -> Iterator[str]:
    for name in _names_in(document) if depth else ():
        inner = document[name] if isinstance(document, dict) else None
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield path + name
        yield from _lists_in(inner, f"{path}{name}.", depth - 1)


def _names_in(document: object) -> list[str]:
    """The keys of an object, without those that may be values."""
    return [key for key in document if re.fullmatch(r"[A-Za-z_]\w{0,39}", key)] if isinstance(document, dict) else []


def _text(value: Scalar | list[Scalar]) -> str | list[str]:
    if isinstance(value, list):
        return [str(_text(one)) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(slots=True, kw_only=True)
class _Expected:
    """How many records the source says it has. Where we count the pages of a snapshot, a change of it is a shift."""

    where: str | None
    may_grow: bool
    total: int | None = None

    def take(self, answer: Answer, place: str) -> None:
        if self.where is None:
            return
        if self.where.startswith(HEADER):
            found: Any = answer.headers.get(self.where.removeprefix(HEADER).strip())
        else:
            found = find(self.where, answer.document, key="total", place=place)
        if found is None and self.total is not None:  # some tell it on the first page only
            return
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        # the text of a header may be '0-99/1234'
        total = parse_number(found.rpartition("/")[2] if isinstance(found, str) else found)
        if total is None:
            raise IncompleteRead(place, "tells no total", remedy="set total to where the number of all records is")
        before, self.total = self.total, total
        if before is not None and (total < before or (total > before and not self.may_grow)):
            raise IncompleteRead(
                place,
                f"the total went from {before} to {total} while the list was read",
                remedy="the next run reads it anew; a cursor or a snapshot of the API would not shift",
            )
