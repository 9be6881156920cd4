"""One question, one JSON answer: tried again while that may help, never larger or slower than it may be."""

import json
import random as chance
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

import httpx

from syncd import __version__
from syncd.durations import parse_retry_after
from syncd.errors import IncompleteRead
from syncd.sources.rest.auth import make_auth, token_request
from syncd.sources.rest.options import OAuth2, RestOptions
from syncd.sources.rest.paging import Question, is_same_origin

FIRST_PAUSE, LONGEST_PAUSE, LONGEST_WAIT = 0.5, 30.0, 300.0
REDIRECTS = 5
SLOW = 10  # times the timeout: an answer that drips in is given up

PASSING = {408, 425, 429, 500, 502, 503, 504}
WORDS: tuple[tuple[type[httpx.HTTPError], str], ...] = (
    (httpx.ConnectTimeout, "no connection to the source in time"),
    (httpx.ConnectError, "no connection to the source"),
    (httpx.ProxyError, "no connection to the source through the proxy"),
    (httpx.TimeoutException, "no answer from the source in time"),
    (httpx.TransportError, "the connection to the source broke"),
)
LOOK = "see whether the source is up; the next run reads anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    document: object
    headers: httpx.Headers
    status: int
    url: str


class Web:
    """Asks one source. What goes wrong is an IncompleteRead at the `place` that is asked for, without any address."""

    def __init__(  # noqa: PLR0913 - the world, part by part
        self,
        options: RestOptions,
        *,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._next_start = float("-inf")
        self._auth = make_auth(options.auth, fetch=self._fetch_token, clock=monotonic)
        self._http = httpx.Client(
            transport=transport,
            timeout=options.timeout.total_seconds(),
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": f"syncd/{__version__}", **options.headers},
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, question: Question, place: str) -> Answer:
        """Any answer that is JSON, and a 404 too, whose meaning depends on the page."""
        answer = self._try(lambda: self._request(question), self._auth, place)
        if answer.status == httpx.codes.NOT_FOUND:
            return Answer(document=None, headers=answer.headers, status=answer.status, url=answer.url)
        _check_status(answer.status, place)
        return Answer(document=_parse(answer, place), headers=answer.headers, status=answer.status, url=answer.url)

    # --- what is sent ---

    def _request(self, question: Question) -> httpx.Request:
        options = self._options
        url = httpx.URL(question.url).copy_merge_params(dict(question.params)) if question.params else question.url
        if options.method == "GET":
            return self._http.build_request("GET", url)
        body = question.body or {}
        if options.form:
            form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
            return self._http.build_request("POST", url, data=form)
        return self._http.build_request("POST", url, json=body)

    def _fetch_token(self, auth: OAuth2) -> Mapping[str, object]:
        place = "auth.token_url"
        answer = self._try(lambda: token_request(auth), httpx.Auth(), place)
        if answer.status in (400, 401, 403):
            raise IncompleteRead(
                place, f"refuses the client ({answer.status})", remedy="check client_id, client_secret and scope"
            )
        _check_status(answer.status, place)
        document = _parse(answer, place)
        return document if isinstance(document, dict) else {}

    # --- tries ---

    def _try(self, request: Callable[[], httpx.Request], auth: httpx.Auth, place: str) -> "_Raw":
        """To ask a source changes nothing in it, so anything that may pass is tried again."""
        attempts = self._options.attempts
        for attempt in range(1, attempts + 1):
            asked = None
            try:
                raw = self._send(request(), auth, place)
            except httpx.TransportError as error:
                if attempt == attempts:
                    raise IncompleteRead(place, _words(error), remedy=LOOK) from None
            else:
                asked = parse_retry_after(raw.headers.get("Retry-After", ""), self._clock())
                if raw.status not in PASSING or attempt == attempts or (asked or 0) > LONGEST_WAIT:
                    return raw
            backoff = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + self._random() / 2)
            self._sleep(backoff if asked is None else asked + backoff / 10)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, request: httpx.Request, auth: httpx.Auth, place: str) -> "_Raw":
        for _ in range(REDIRECTS):
            self._keep_pace()
            response = self._http.send(request, auth=auth, stream=True)
            try:
                if not response.has_redirect_location:
                    return _Raw(
                        body=self._read(response, place),
                        headers=response.headers,
                        status=response.status_code,
                        url=str(request.url),
                    )
                request = _redirected(request, response, place)
            finally:
                response.close()
        raise IncompleteRead(place, "is redirected without end", remedy="set url to where the list really is")

    def _read(self, response: httpx.Response, place: str) -> bytes:
        largest = self._options.max_response * 1_000_000
        until = self._monotonic() + SLOW * self._options.timeout.total_seconds()
        read = bytearray()
        for part in response.iter_bytes():
            read += part
            if len(read) > largest:
                raise IncompleteRead(
                    place,
                    f"the answer is larger than {self._options.max_response} MB",
                    remedy="ask for smaller pages or fewer fields, or raise max_response",
                )
            if self._monotonic() > until:
                raise IncompleteRead(place, "the answer drips in too slowly", remedy=LOOK)
        return bytes(read)

    def _keep_pace(self) -> None:
        if self._options.requests_per_second is None:
            return
        now = self._monotonic()
        start = max(now, self._next_start)
        self._next_start = start + 1 / self._options.requests_per_second
        if start > now:
            self._sleep(start - now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    body: bytes
    headers: httpx.Headers
    status: int
    url: str


def _redirected(request: httpx.Request, response: httpx.Response, place: str) -> httpx.Request:
    target = urljoin(str(request.url), response.headers["Location"])
    if not is_same_origin(target, str(request.url)):
        raise IncompleteRead(
            place,
            "is redirected to another host, where no credentials are sent",
            remedy="set url to the address that it is moved to, or see whether the login has expired",
        )
    if response.status_code in (301, 302, 303) and request.method == "POST":
        raise IncompleteRead(place, "is redirected", remedy="set url to where the list really is")
    kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")}
    return httpx.Request(request.method, target, headers=kept, content=request.content or None)


def _check_status(status: int, place: str) -> None:
    if status < 300:
        return
    if status == httpx.codes.UNAUTHORIZED:
        remedy = "the token or password is wrong or has expired: set a new one"
        raise IncompleteRead(place, "the source refuses the credentials (401)", remedy=remedy)
    if status == httpx.codes.FORBIDDEN:
        remedy = "give the user behind them the right to read this list"
        raise IncompleteRead(place, "the source denies the credentials this list (403)", remedy=remedy)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        remedy = "set requests_per_second, or run less often"
        raise IncompleteRead(place, "the source is asked too often (429)", remedy=remedy)
    if status < 500:
        raise IncompleteRead(
            place, f"the source refuses the question ({status})", remedy="check url, params, json and pagination"
        )
    raise IncompleteRead(place, f"the source failed ({status})", remedy=LOOK)


def _parse(raw: _Raw, place: str) -> object:
    with suppress(ValueError, RecursionError):
        return json.loads(raw.body)
    if raw.body.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        remedy = "is url that of the API? A login page comes where credentials are missing or have expired"
        raise IncompleteRead(place, "answers a web page or XML instead of JSON", remedy=remedy)
    if not raw.body.strip():
        raise IncompleteRead(place, "answers nothing", remedy=LOOK)
    raise IncompleteRead(place, "answers something that is no JSON, or is cut short", remedy=LOOK)


def _words(error: httpx.HTTPError) -> str:
    """By class: the text of an httpx error may hold an address."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "the certificate of the source can't be verified"
    return next(words for kind, words in WORDS if isinstance(error, kind))
