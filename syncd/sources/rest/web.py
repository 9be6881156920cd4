"""One question, one JSON answer: asked again while that may help, and given up where it is too large or too slow."""

import json
import random as chances
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

import httpx

from syncd import __version__
from syncd.domain.backoff import Backoff, parse_retry_after
from syncd.errors import IncompleteRead
from syncd.sources.rest.auth import Renewable, make_signer
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.paging import Question, is_same_origin

BACKOFF = Backoff()
REDIRECTS = 5
SLOW = 10  # times the timeout: an answer that drips in is given up

WORDS: tuple[tuple[type[httpx.HTTPError], str], ...] = (
    (httpx.ConnectTimeout, "no connection to the source in time"),
    (httpx.ConnectError, "no connection to the source"),
    (httpx.ProxyError, "no connection to the source through the proxy"),
    (httpx.TimeoutException, "no answer from the source in time"),
    (httpx.DecodingError, "the answer is not compressed as it says"),
    (httpx.TransportError, "the connection to the source broke"),
)
LOOK = "see whether the source is up; the next run reads anew"
OAUTH_ERRORS = {
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope",
}  # fmt: skip
MISSING = {httpx.codes.NOT_FOUND, httpx.codes.NO_CONTENT}

Prepare: TypeAlias = Callable[[], httpx.Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`document` is None with status 204 or 404, whose meaning depends on the page."""

    document: object = field(repr=False)
    headers: httpx.Headers = field(repr=False)
    status: int
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    body: bytes = field(repr=False)
    headers: httpx.Headers = field(repr=False)
    status: int
    url: str = field(repr=False)


class Web:
    """Asks one source. Whatever goes wrong is an IncompleteRead at the `place` asked for; it names no address."""

    def __init__(  # noqa: PLR0913 - the world, part by part
        self,
        options: RestOptions,
        *,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = chances.random,
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._next_start = float("-inf")
        self._signer = make_signer(options.auth, monotonic)
        self._deadline = _Deadline(SLOW * options.timeout.total_seconds(), monotonic)
        self._http = httpx.Client(
            transport=transport,
            timeout=options.timeout.total_seconds(),
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": f"syncd/{__version__}", **options.headers},
            limits=httpx.Limits(max_connections=1),
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, question: Question, place: str) -> Answer:
        raw = self._ask(lambda: self._request(question), place)
        document = None
        if raw.status not in MISSING:
            _check_status(raw.status, place)
            document = _parse(raw, place)
        return Answer(document=document, headers=raw.headers, status=raw.status, url=raw.url)

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

    def _ask(self, prepare: Prepare, place: str) -> _Raw:
        """Sign and send; once more, with a new token, where the token was refused."""
        signer = self._signer

        def prepare_signed() -> httpx.Request:
            request = prepare()
            signer.sign(request)
            return request

        if isinstance(signer, Renewable) and signer.is_due:
            self._renew(signer)
        raw = self._try(prepare_signed, place)
        if isinstance(signer, Renewable) and raw.status == httpx.codes.UNAUTHORIZED:
            self._renew(signer)
            raw = self._try(prepare_signed, place)
        return raw

    def _renew(self, signer: Renewable) -> None:
        place = "auth.token_url"
        raw = self._try(signer.question, place)
        if raw.status in (400, 401, 403):
            remedy = "check client_id, client_secret and scope; some servers want client_auth = 'basic'"
            raise IncompleteRead(place, f"refuses the client ({_oauth_error(raw)})", remedy=remedy)
        _check_status(raw.status, place)
        try:
            signer.take(_parse(raw, place))
        except ValueError:
            raise IncompleteRead(place, "answers no access_token", remedy="check auth.token_url") from None

    # --- tries ---

    def _try(self, prepare: Prepare, place: str) -> _Raw:
        """To ask a source changes nothing in it, so anything that may pass is tried again."""
        waited = 0.0
        for attempt in range(1, self._options.attempts + 1):
            raw, failure, retry_after = None, None, None
            try:
                raw = self._send(prepare, place)
            except httpx.RequestError as error:
                failure = IncompleteRead(place, _words(error), remedy=LOOK)
            else:
                if not _may_pass(raw.status):
                    return raw
                retry_after = parse_retry_after(raw.headers.get("Retry-After", ""), self._clock())
            pause = BACKOFF.pause_as_asked(attempt, retry_after, chance=self._random(), waited=waited)
            if attempt == self._options.attempts or pause is None:
                break
            self._sleep(pause)
            waited += pause
        if raw is None:
            assert failure is not None  # noqa: S101 - one of them is there
            raise failure
        return raw

    def _send(self, prepare: Prepare, place: str) -> _Raw:
        request = self._prepared(prepare, place)
        for _ in range(REDIRECTS):
            self._keep_pace()
            with self._deadline.over(request):
                try:
                    # With an auth object of our own, so that httpx looks for credentials nowhere else.
                    response = self._http.send(request, auth=httpx.Auth(), stream=True)
                    with closing(response):
                        if not response.has_redirect_location:
                            return _Raw(
                                body=self._read(response, place),
                                headers=response.headers,
                                status=response.status_code,
                                url=str(request.url),
                            )
                except httpx.LocalProtocolError:
                    raise _unsendable(place) from None
                except httpx.RequestError:
                    if self._deadline.is_over:
                        raise _drips(place) from None
                    raise
            request = _redirected(request, response, place)
        raise IncompleteRead(place, "is redirected without end", remedy="set url to where the list really is")

    def _prepared(self, prepare: Prepare, place: str) -> httpx.Request:
        try:
            return prepare()
        except (UnicodeError, httpx.InvalidURL):  # their messages quote what they can't take
            raise _unsendable(place) from None

    def _read(self, response: httpx.Response, place: str) -> bytes:
        largest = self._options.max_response * 1_000_000
        read = bytearray()
        for part in response.iter_bytes():
            read += part
            if len(read) > largest:
                raise IncompleteRead(
                    place,
                    f"the answer is larger than {self._options.max_response} MB",
                    remedy="ask for smaller pages or fewer fields, or raise max_response",
                )
            if self._deadline.is_over:
                break
        if self._deadline.is_over:  # to be shut may look like the end
            raise _drips(place)
        return bytes(read)

    def _keep_pace(self) -> None:
        if self._options.requests_per_second is None:
            return
        now = self._monotonic()
        start = max(now, self._next_start)
        self._next_start = start + 1 / self._options.requests_per_second
        if start > now:
            self._sleep(start - now)


class _Deadline:
    """Bounds the time of a whole answer, headers included: one that comes byte by byte never meets a time-out.

    When the time is over the socket is shut, which wakes whoever reads from it. There is one connection at a time.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._until = float("inf")
        self._socket: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        return self._monotonic() >= self._until

    @contextmanager
    def over(self, request: httpx.Request) -> Iterator[None]:
        request.extensions = {**request.extensions, "trace": self._note}
        self._until = self._monotonic() + self._seconds
        timer = threading.Timer(self._seconds, self._shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _note(self, _event: str, info: Mapping[str, Any]) -> None:
        """Httpx calls it when a connection is made; later requests use the same connection."""
        stream = info.get("return_value")
        if stream is not None and hasattr(stream, "get_extra_info"):
            self._socket = stream.get_extra_info("socket")

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which takes the encryption away from under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _redirected(request: httpx.Request, response: httpx.Response, place: str) -> httpx.Request:
    try:
        target = request.url.join(response.headers["Location"])
    except (ValueError, httpx.InvalidURL):
        raise IncompleteRead(place, "is redirected to no address", remedy="check url") from None
    if not is_same_origin(target, request.url):
        raise IncompleteRead(
            place,
            "is redirected to another host, where no credentials are sent",
            remedy="set url to the address that it is moved to, or see whether the login has expired",
        )
    if response.status_code in (301, 302, 303) and request.method == "POST":
        raise IncompleteRead(place, "is redirected", remedy="set url to where the list really is")
    kept = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")}
    return httpx.Request(request.method, target, headers=kept, content=request.content or None)


# --- what an answer means ---


def _may_pass(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500


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
    text = _decode(raw, place)
    with suppress(ValueError, RecursionError):
        return json.loads(text, parse_constant=_refuse_constant)
    if text.lstrip().startswith("<"):
        remedy = "is url that of the API? A login page comes where credentials are missing or have expired"
        raise IncompleteRead(place, "answers a web page or XML instead of JSON", remedy=remedy)
    if not text.strip():
        raise IncompleteRead(place, "answers nothing", remedy=LOOK)
    raise IncompleteRead(place, "answers something that is no JSON, or is cut short", remedy=LOOK)


def _decode(raw: _Raw, place: str) -> str:
    """As UTF-8, which JSON is, otherwise in the encoding that the server names."""
    named = re.search(r"charset=\"?([\w.-]+)", raw.headers.get("Content-Type", ""), re.IGNORECASE)
    for encoding in ("utf-8-sig", named[1] if named else "utf-8"):
        with suppress(UnicodeDecodeError, LookupError):
            return raw.body.decode(encoding)
    raise IncompleteRead(place, "answers letters that are not UTF-8", remedy="let the source send JSON in UTF-8")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _oauth_error(raw: _Raw) -> str:
    """The status, and the server's word for the error if it is one of the standard."""
    with suppress(ValueError, AttributeError, TypeError):
        error = json.loads(raw.body).get("error")
        if error in OAUTH_ERRORS:
            return f"{raw.status}, {error}"
    return str(raw.status)


def _unsendable(place: str) -> IncompleteRead:
    return IncompleteRead(
        place,
        "can't be asked for: a credential, a header or an address holds letters that can't be sent",
        remedy="check them for line breaks and for letters beyond ASCII",
    )


def _drips(place: str) -> IncompleteRead:
    return IncompleteRead(place, "the answer drips in too slowly", remedy=LOOK)


def _words(error: httpx.HTTPError) -> str:
    """By the class of the error, since its text may hold an address."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "the certificate of the source can't be verified"
    return next((words for kind, words in WORDS if isinstance(error, kind)), "the question failed")
