"""One question, one JSON answer: asked again while that may help, and given up where it is too large or too slow."""

import json
import random as chances
import re
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NoReturn, TypeAlias

import httpx

from syncd import __version__
from syncd.domain.backoff import Backoff, parse_retry_after
from syncd.errors import IncompleteRead
from syncd.network import LONGEST_TRY, Patience, open_http, within, words_of
from syncd.sources.json_text import read_json
from syncd.sources.rest.auth import Token, sign
from syncd.sources.rest.options import OAuth2, RestOptions
from syncd.sources.rest.paging import Question, is_same_origin

BACKOFF = Backoff()
REDIRECTS = 5

WORDS: tuple[tuple[type[httpx.HTTPError], str], ...] = (
    (httpx.ConnectTimeout, "no connection to the source in time"),
    (httpx.ConnectError, "no connection to the source"),
    (httpx.ProxyError, "no connection to the source through the proxy"),
    (httpx.TimeoutException, "no whole answer from the source in time"),
    (httpx.DecodingError, "the answer is not compressed as it says"),
    (httpx.TransportError, "the connection to the source broke"),
)
LOOK = "see whether the source is up; the next run reads anew"
OAUTH_ERRORS = {
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope",
}  # fmt: skip
NO_PAGE = {400, 404, 410, 416, 422}  # what servers answer behind the last page, and to a wrong question

Prepare: TypeAlias = Callable[[], httpx.Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`is_nothing`: there is no page, by its status or because it is empty; what that means depends on the others."""

    body: bytes = field(repr=False)
    headers: httpx.Headers = field(repr=False)
    status: int
    url: str = field(repr=False)
    document: object = field(default=None, repr=False)

    @property
    def is_nothing(self) -> bool:
        return self.status in NO_PAGE or (self.status < 300 and not self.body.strip())


class Web:
    """Asks one source. Whatever goes wrong is an IncompleteRead at the `place` asked for; it names the host at most."""

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
        self._token = Token(options.auth, monotonic) if isinstance(options.auth, OAuth2) else None
        self._patience = Patience(options.timeout.total_seconds(), monotonic)
        self._http = open_http(
            timeout=options.timeout.total_seconds(),
            transport=transport,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": f"syncd/{__version__}", **options.headers},
            limits=httpx.Limits(max_connections=1),
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, question: Question, place: str) -> Answer:
        """Sign and send; once more, with a new token, where the token was refused."""
        prepare = partial(self._signed, question)
        if self._token and self._token.is_due:
            self._renew(self._token)
        answer = self._try(prepare, place)
        if self._token and answer.status == httpx.codes.UNAUTHORIZED:
            self._renew(self._token)
            answer = self._try(prepare, place)
        if answer.status in (401, 403) and self._options.auth is None:
            raise IncompleteRead(place, f"the source wants credentials ({answer.status})", remedy="set auth")
        if answer.is_nothing:
            return answer
        _check_status(answer.status, place)
        return replace(answer, document=_parse(answer, place))

    # --- what is sent ---

    def _signed(self, question: Question) -> httpx.Request:
        request = self._request(question)
        sign(request, self._options.auth, self._token)
        return request

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

    def _renew(self, token: Token) -> None:
        place = "auth.token_url"
        answer = self._try(token.question, place)
        if answer.status in (400, 401, 403):
            remedy = "check client_id, client_secret and scope; some servers want client_auth = 'basic'"
            raise IncompleteRead(place, f"refuses the client ({_oauth_error(answer)})", remedy=remedy)
        _check_status(answer.status, place)
        try:
            token.take(_parse(answer, place))
        except ValueError:
            raise IncompleteRead(place, "answers no access_token", remedy="check auth.token_url") from None

    # --- tries ---

    def _try(self, prepare: Prepare, place: str) -> Answer:
        """To ask a source changes nothing in it, so anything that may pass is tried again."""
        waited = 0.0
        for attempt in range(1, self._options.attempts + 1):
            retry_after, began = None, self._monotonic()
            try:
                came: Answer | IncompleteRead = self._send(prepare, place)
            except httpx.RequestError as error:
                came = IncompleteRead(place, _words(error), remedy=LOOK)
                self._patience.note_failure(error, began)
            if isinstance(came, Answer):
                self._patience.note_answer()
                if not _may_pass(came.status):
                    return came
                retry_after = parse_retry_after(came.headers.get("Retry-After", ""), self._clock())
            pause = BACKOFF.pause_as_asked(attempt, retry_after, chance=self._random(), waited=waited)
            if attempt == self._options.attempts or pause is None or self._patience.is_over:
                break
            self._sleep(pause)
            waited += pause
        if isinstance(came, IncompleteRead):
            raise came
        return came

    def _send(self, prepare: Prepare, place: str) -> Answer:
        try:
            request = prepare()
            for _ in range(REDIRECTS):
                self._keep_pace()
                # With an auth object of our own, so that httpx looks for credentials nowhere else.
                with (
                    within(LONGEST_TRY * self._options.timeout.total_seconds(), lambda: self._sleep(0)),
                    closing(self._http.send(request, auth=httpx.Auth(), stream=True)) as response,
                ):
                    if not response.has_redirect_location:
                        return Answer(
                            body=self._read(response, place),
                            headers=response.headers,
                            status=response.status_code,
                            url=str(request.url),
                        )
                request = _redirected(request, response, place)
        except (UnicodeError, httpx.InvalidURL, httpx.LocalProtocolError):  # their messages quote what they can't take
            raise IncompleteRead(
                place,
                "can't be asked for: a credential, a header or an address holds letters that can't be sent",
                remedy="check them for line breaks and for letters beyond ASCII",
            ) from None
        raise IncompleteRead(place, "is redirected without end", remedy="set url to where the list really is")

    def _read(self, response: httpx.Response, place: str) -> bytes:
        read = bytearray()
        for part in response.iter_bytes():
            read += part
            if len(read) > self._options.max_response * 1_000_000:
                raise IncompleteRead(
                    place,
                    f"the answer is larger than {self._options.max_response} MB",
                    remedy="ask for smaller pages or fewer fields, or raise max_response",
                )
        return bytes(read)

    def _keep_pace(self) -> None:
        if self._options.requests_per_second is None:
            return
        now = self._monotonic()
        start = max(now, self._next_start)
        self._next_start = start + 1 / self._options.requests_per_second
        if start > now:
            self._sleep(start - now)


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


REFUSALS = {
    404: ("there is no such list (404)", "check url and pagination"),
    410: (
        "what is asked for is there no longer (410)",
        "check url; a cursor may have expired: the next run reads anew",
    ),
    401: (
        "the source refuses the credentials (401)",
        "the token or password is wrong or has expired: set a new one",
    ),
    403: (
        "the source denies the credentials this list (403)",
        "give the user behind them the right to read this list",
    ),
    405: ("the source is not asked in this way (405)", "set method to the one that the API takes for this list"),
    429: ("the source is asked too often (429)", "set requests_per_second, or run less often"),
}


def refuse(answer: Answer, place: str) -> NoReturn:
    """Says in words why an answer that is nothing is no page."""
    _check_status(answer.status, place)
    raise IncompleteRead(place, "answers nothing, so there is no list in it", remedy=LOOK)


def _check_status(status: int, place: str) -> None:
    if status < 300:
        return
    refused = (f"the source refuses the question ({status})", "check url, params, json, pagination and incremental")
    failed = (f"the source failed ({status})", LOOK)
    what, remedy = REFUSALS.get(status, refused if status < 500 else failed)
    raise IncompleteRead(place, what, remedy=remedy)


def _parse(answer: Answer, place: str) -> object:
    text = _decode(answer, place)
    with suppress(ValueError, RecursionError):
        return read_json(text)
    if text.lstrip().startswith("<"):
        raise IncompleteRead(
            place,
            "answers a web page or XML instead of JSON",
            remedy="is url that of the API? A login page comes where credentials are missing or have expired",
        )
    raise IncompleteRead(place, "answers something that is no JSON, or is cut short", remedy=LOOK)


def _decode(answer: Answer, place: str) -> str:
    """As UTF-8, which JSON is, otherwise in the encoding that the server names."""
    named = re.search(r"charset=\"?([\w.-]+)", answer.headers.get("Content-Type", ""), re.IGNORECASE)
    for encoding in ("utf-8-sig", named[1] if named else "utf-8"):
        with suppress(UnicodeDecodeError, LookupError):
            return answer.body.decode(encoding)
    raise IncompleteRead(place, "answers letters that are not UTF-8", remedy="let the source send JSON in UTF-8")


def _oauth_error(answer: Answer) -> str:
    """The status, and the server's word for the error if it is one of the standard."""
    with suppress(ValueError, AttributeError, TypeError):
        error = json.loads(answer.body).get("error")
        if error in OAUTH_ERRORS:
            return f"{answer.status}, {error}"
    return str(answer.status)


def _words(error: httpx.RequestError) -> str:
    """By the class of the error, since its text may hold an address."""
    by_class = next((words for kind, words in WORDS if isinstance(error, kind)), "the question failed")
    return words_of(error, error.request.url.host, "the source") or by_class
