"""Calls to one go~mus instance: what is sent, how often it is tried, and what an answer means for the caller.

A write is repeated here only where it certainly was not processed. Where its fate is unknown the caller must look.
"""

import random as chances
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote

import httpx

from syncd import __version__, reasons
from syncd.domain.backoff import Backoff, parse_retry_after
from syncd.domain.records import LookupEntry, RemoteCustomer, Value
from syncd.errors import CallFailed, Fatal, Missing, Outage, Refused, Retryable, TokenRefused, Unclear
from syncd.gomus.budget import Budget
from syncd.gomus.catalogue import catalogue_with
from syncd.gomus.judging import judge
from syncd.gomus.keeper import Locks
from syncd.gomus.options import GomusOptions
from syncd.gomus.receiving import parse, read_body, words_for
from syncd.gomus.wire import WriteAnswer, find_named, find_number, is_taken, read_customers, read_errors, read_list
from syncd.network import LONGEST_TRY, NEVER_ARRIVED, Patience, open_http, within
from syncd.reasons import Reason

CUSTOMERS = "/api/v4/customers"
LISTS = {
    "salutation": "/api/v4/customers/salutations",
    "title": "/api/v4/customers/titles",
    "country": "/api/v4/countries",
    "language": "/api/v4/locales",
}
BACKOFF = Backoff()
ACCESS = ("user", "cashpoint", "reseller", "customer", "public")
Observe = Callable[[str, int | None, float], None]
"""Told of every try: method, status (None where no answer came), seconds."""


MESSAGES: Mapping[type[CallFailed], Reason] = {
    Missing: reasons.NO_CUSTOMER,
    Refused: reasons.REFUSED,
    Retryable: reasons.TURNED_AWAY,
    Unclear: reasons.FAILED,
}
TOKEN_REFUSED = {
    401: ("go~mus refuses the token (401)", "it is wrong or has expired: set a new one"),
    403: ("the token lacks a permission (403)", "give the API user the right to read and write customers"),
}

MOST_MERGERS = 5  # so often one customer may have been merged into another, and that one again


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    failure: type[CallFailed] | None
    body: object
    retry_after: float | None
    attempts: int = 1

    @property
    def is_later(self) -> bool:
        return self.status == httpx.codes.ACCEPTED


class Client:
    """Thread-safe: never more than `concurrency` calls at once, never faster than `requests_per_second`.

    `sharing` opens the locks by which that holds for all processes together; without it, for this client alone.
    `sleep` raises Stopped where it is cut short. So every call may raise Stopped instead of being tried again, and
    besides TokenRefused where the token will not do for anything, and Fatal where no go~mus answers at this address.
    `has_shown` says that a read has shown a customer. Where the patience with go~mus is over, `out_of_reach` says why,
    and each further call raises Outage. `date` is the hour in go~mus's latest answer. `show` is given each answer, word
    for word, with the method that was called: to be looked at, never to be kept.
    """

    def __init__(  # noqa: PLR0913 - the world's parts, each with its own
        self,
        options: GomusOptions,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = chances.random,
        clock: Callable[[], float] = time.monotonic,
        observe: Observe = lambda _method, _status, _seconds: None,
        sharing: Callable[[], Locks] | None = None,
    ) -> None:
        self._options = options
        self._catalogue = catalogue_with(*options.sentences)
        self._observe = observe
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._budget = Budget(
            options.concurrency, options.requests_per_second, sharing=sharing, clock=clock, sleep=sleep
        )
        self.has_shown = False
        self.out_of_reach: str | None = None
        self.date: datetime | None = None
        self.show: Callable[[str, int, bytes], None] = lambda _method, _status, _text: None
        self._patience = Patience(options.timeout.total_seconds(), clock)
        self._confirm: Callable[[], None] = lambda: None
        # A request's own auth object, or httpx would let a .netrc replace the token.
        self._http = open_http(
            timeout=options.timeout.total_seconds(),
            base_url=options.url,
            transport=transport,
            follow_redirects=False,
            auth=_Bearer(options.token.get_secret_value()),
            headers={"Accept": "application/json", "User-Agent": f"syncd/{__version__}"},
            limits=httpx.Limits(max_connections=options.concurrency),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()
        self._budget.close()

    @contextmanager
    def confirming(self, confirm: Callable[[], None]) -> Iterator[None]:
        """In the block every write is preceded by a question, which raises Fatal where it must not be sent."""
        self._confirm = confirm
        try:
            yield
        finally:
            self._confirm = lambda: None

    # --- the calls ---

    def whoami(self) -> str:
        """What the token is, "" where that is nothing known. Raises CallFailed where nothing answers."""
        body = self._read("/api/v4/whoami").body
        access = body.get("access") if isinstance(body, Mapping) else None
        return access if isinstance(access, str) and access in ACCESS else ""

    def lookup(self, kind: str) -> tuple[LookupEntry, ...]:
        """All pages of a list: salutation, title, country or language.

        Raises CallFailed where go~mus does not answer one of them, and Fatal where they are no whole list.
        """
        entries: dict[int, LookupEntry] = {}
        read, number = 0, 1
        while True:
            page = read_list(self._read(LISTS[kind], {"locale": self._options.locale, "page": number}).body)
            if page is None:
                raise Fatal(f"go~mus answers no list of {kind} entries", remedy="check the address in gomus.*.url")
            is_new = any(entry.id not in entries for entry in page.entries)
            entries.update((entry.id, entry) for entry in page.entries)
            read += page.count
            if page.total is None or read >= page.total:
                return tuple(entries.values())
            if not page.count or not is_new:  # the same page again, or nothing: it would go on for ever
                raise Fatal(f"go~mus announces {page.total} {kind} entries and hands out {len(entries)}")
            number += 1

    def read(self, id: str | int) -> RemoteCustomer | None:
        """None where there is no such customer. Raises Refused, or Retryable where no try brought an answer."""
        answer = self._read(_path(id), may_be_missing=True)
        if answer.failure is Missing:
            return None
        customers = read_customers(answer.body, is_whole=True)
        if not customers:
            raise Retryable("go~mus answered, but showed no customer", status=answer.status, attempts=answer.attempts)
        self.has_shown = True
        return customers[0]

    def create(self, customers: Sequence[Mapping[str, Value]], *, is_list: bool = False) -> WriteAnswer:
        """One POST, tried once: the object itself where there is one, else a list, or where it is to be one.

        Raises Refused; NoTurn and Stopped where it was not sent, Retryable where it certainly was not processed;
        Unclear where nobody knows whether it was.
        """
        body = [dict(one) for one in customers] if is_list or len(customers) > 1 else dict(customers[0])
        return self._write("POST", CUSTOMERS, body, attempts=1)

    def update(self, customers: Sequence[Mapping[str, Value]]) -> WriteAnswer:
        """One batch PUT; the foreign_id in each says whose fields they are. Raises as `create` does."""
        return self._write("PUT", CUSTOMERS, [dict(customer) for customer in customers])

    def update_one(self, foreign_id: str, fields: Mapping[str, Value]) -> WriteAnswer:
        """One PUT for one customer. Raises Missing where there is no such customer, otherwise as `create` does.

        An id that might be read as another one stands in the body, not in the path.
        """
        if is_addressable(foreign_id):
            return self._write("PUT", _path(foreign_id), dict(fields))
        return self.update([{"foreign_id": foreign_id, **fields}])

    def update_numbered(self, gomus_id: int, fields: Mapping[str, Value]) -> WriteAnswer:
        """By number, right after a look that showed whose number it is; tried once. Raises as `update_one` does."""
        return self._write("PUT", _path(gomus_id), dict(fields), attempts=1)

    def delete(self, id: str | int) -> None:
        """By foreign_id; or by number, right after a look that showed whose it is, tried once.

        Raises as `update_one` does.
        """
        self._write("DELETE", _path(id), None, attempts=1 if isinstance(id, int) else None)

    # --- how an answer is taken ---

    def _read(self, path: str, query: Mapping[str, Any] | None = None, *, may_be_missing: bool = False) -> _Answer:
        """Tried again on anything that may pass."""
        answer = self._try("GET", path, query, None)
        if answer.failure is Missing and may_be_missing:
            return answer
        if answer.failure is Missing or (answer.status == httpx.codes.NOT_FOUND and not may_be_missing):
            raise Fatal(f"there is nothing at {path}", remedy="is gomus.*.url the address of a go~mus instance?")
        if answer.failure is Refused:
            raise self._failure(answer, Refused)
        if answer.failure or answer.is_later:
            what, remedy = f"go~mus failed to answer ({answer.status})", None
            if answer.status == httpx.codes.OK:
                what, remedy = "go~mus answers with something that is no JSON", "is gomus.*.url the instance itself?"
            raise Retryable(what, status=answer.status, attempts=answer.attempts, remedy=remedy)
        return answer

    def _write(self, method: str, path: str, sent: object, *, attempts: int | None = None) -> WriteAnswer:
        answer = self._try(method, path, None, None if sent is None else {"customer": sent}, attempts=attempts)
        if answer.failure:
            raise self._failure(answer, answer.failure, sent)
        errors = read_errors(answer.body)
        return WriteAnswer(
            status=answer.status,
            saved=read_customers(answer.body),
            errors=self._catalogue.words(errors, status=answer.status, fields=_fields(sent)) if errors else (),
            attempts=answer.attempts,
            later=answer.is_later,
        )

    def _failure(self, answer: _Answer, failure: type[CallFailed], sent: object = None) -> CallFailed:
        message = MESSAGES[failure].tell(status=answer.status)
        if not issubclass(failure, Refused):
            wait = answer.retry_after
            return failure(message, status=answer.status, attempts=answer.attempts, retry_after=wait)
        texts = read_errors(answer.body) if failure is Refused else ()
        return failure(
            message,
            reasons=self._catalogue.words(texts, status=answer.status, fields=_fields(sent)),
            named=find_named(texts, _foreign_ids(sent)),
            number=find_number(texts),
            says_taken=is_taken(texts),
            status=answer.status,
            attempts=answer.attempts,
        )

    # --- tries ---

    def _try(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: object, *, attempts: int | None = None
    ) -> _Answer:
        """One call, tried up to `attempts` times: a read on anything that may pass, a write if not processed.

        What is tried once only must not wait long for its turn either: it was decided upon just now.
        """
        is_read, most = method == "GET", attempts or self._options.attempts
        turn = self._options.longest_turn.total_seconds() if attempts == 1 else None
        if self.out_of_reach:
            raise Outage(self.out_of_reach)
        for attempt in range(1, most + 1):
            is_last = attempt == most
            chance = self._random()
            pause = BACKOFF.pause(attempt, chance=chance)
            try:
                answer = self._send(method, path, query, body, turn=turn)
            except httpx.HTTPError as error:
                failure = Retryable if is_read or isinstance(error, NEVER_ARRIVED) else Unclear
                words = words_for(error, self._http.base_url.host)
                if is_last or failure is Unclear or self.out_of_reach:
                    raise failure(words, attempts=attempt) from None
            else:
                may_pass = answer.failure is Retryable or (is_read and (answer.failure is Unclear or answer.is_later))
                asked = BACKOFF.pause_as_asked(attempt, answer.retry_after, chance=chance)
                if is_last or not may_pass or asked is None:
                    return replace(answer, attempts=attempt)
                pause = asked
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _bounded(self, method: str) -> AbstractContextManager[None]:
        """A read ends as soon as it is time to stop; whether a write acts is not in our hands any more."""
        heed = (lambda: self._sleep(0)) if method == "GET" else (lambda: None)
        return within(LONGEST_TRY * self._options.timeout.total_seconds(), heed)

    def _send(  # noqa: PLR0913 - what is sent has so many parts
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: object,
        *,
        turn: float | None = None,
        followed: int = 0,
    ) -> _Answer:
        with self._budget.turn(turn):
            if method != "GET":
                self._confirm()
            began, status = self._clock(), None
            try:
                with self._bounded(method), self._http.stream(method, path, params=query, json=body) as response:
                    text = read_body(response)
                    status, elsewhere = response.status_code, _other_customer(response)
                    self.date = _date(response) or self.date
            except httpx.HTTPError as error:
                self._patience.note_failure(error, began)
                if self._patience.is_over:
                    self.out_of_reach = words_for(error, self._http.base_url.host)
                raise
            finally:
                self._observe(method, status, self._clock() - began)
        self._patience.note_answer()
        self.show(method, status, text)
        if elsewhere and method != "GET":
            return _Answer(status=status, failure=Missing, body=None, retry_after=None)
        if elsewhere and followed < MOST_MERGERS:
            return self._send(method, elsewhere, None, None, followed=followed + 1)
        if status // 100 == 3:
            raise Fatal(
                f"go~mus sends the call elsewhere ({status})",
                remedy="set gomus.*.url to the instance's own address; the token goes to no other",
            )
        return _judged(method, response, text)


def _judged(method: str, response: httpx.Response, text: bytes) -> _Answer:
    status, said = response.status_code, parse(text, is_error=response.is_error)
    if status == httpx.codes.UNAUTHORIZED or (status in TOKEN_REFUSED and said is not None):
        message, remedy = TOKEN_REFUSED[status]
        raise TokenRefused(message, remedy=remedy)
    return _Answer(
        status=status,
        failure=judge(method, status, said),
        body=said,
        retry_after=parse_retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC)),
    )


def _date(response: httpx.Response) -> datetime | None:
    """When it was answered; None where it does not say, or a cache answers."""
    with suppress(ValueError):
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
        return None if "Age" in response.headers or moment.tzinfo is None else moment
    return None


class _Bearer(httpx.Auth):
    """Carries the token to the instance and to nobody else; shows nothing of it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def is_addressable(foreign_id: str) -> bool:
    """Whether an id may stand in the path of a write: who reads it may take '12abc' for 12, and 'A.b' for 'A'."""
    return not foreign_id[:1].isdigit() and "." not in foreign_id


def _path(id: str | int) -> str:
    quoted = quote(str(id), safe="")
    return f"{CUSTOMERS}/{quoted.replace('.', '%2E') if quoted in ('.', '..') else quoted}"


def _other_customer(response: httpx.Response) -> str | None:
    """The path of the customer into whom the one that was called has been merged, where a redirect leads to one."""
    there = response.next_request.url if response.next_request else None
    here, asked = response.request.url, response.request.url.path
    if there is None or (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return None
    if there.path.rstrip("/") == asked.rstrip("/"):
        return None
    is_one = asked.startswith(f"{CUSTOMERS}/") and there.path.startswith(f"{CUSTOMERS}/")
    return there.raw_path.decode("ascii") if is_one else None


def _fields(sent: object) -> set[str]:
    entries = sent if isinstance(sent, list) else [sent]
    return {name for entry in entries if isinstance(entry, Mapping) for name in entry}


def _foreign_ids(sent: object) -> list[str]:
    return [str(entry.get("foreign_id")) for entry in sent] if isinstance(sent, list) else []
