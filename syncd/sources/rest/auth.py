"""Who asks: credentials that go to the source's own address and nowhere else, and show themselves to nobody."""

import base64
import threading
from collections.abc import Callable, Generator, Mapping

import httpx

from syncd.errors import IncompleteRead
from syncd.sources.rest.options import ApiKey, Auth, Basic, Bearer, OAuth2

FRESH = 60.0  # seconds before its end a token is renewed
LIFETIME = 3600.0  # of a token that does not tell its own


def make_auth(
    auth: Auth | None, *, fetch: Callable[[OAuth2], Mapping[str, object]], clock: Callable[[], float]
) -> httpx.Auth:
    """Always an object of our own, or httpx would take credentials out of a .netrc."""
    match auth:
        case None:
            return _Nobody()
        case Bearer():
            return _Header("Authorization", f"Bearer {auth.token.get_secret_value()}")
        case Basic():
            return _Header("Authorization", _basic(auth.username, auth.password.get_secret_value()))
        case ApiKey(header=None):
            return _Query(str(auth.query), auth.prefix + auth.value.get_secret_value())
        case ApiKey():
            return _Header(str(auth.header), auth.prefix + auth.value.get_secret_value())
        case OAuth2():
            return _Renewed(lambda: fetch(auth), clock)


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def token_request(auth: OAuth2) -> httpx.Request:
    form = {"grant_type": "client_credentials", **auth.params}
    if auth.scope is not None:
        form["scope"] = auth.scope
    headers = {"Accept": "application/json"}
    secret = auth.client_secret.get_secret_value()
    if auth.client_auth == "basic":
        headers["Authorization"] = _basic(auth.client_id, secret)
    else:
        form |= {"client_id": auth.client_id, "client_secret": secret}
    return httpx.Request("POST", auth.token_url, data=form, headers=headers)


class _Nobody(httpx.Auth):
    pass


class _Header(httpx.Auth):
    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._name] = self._value
        yield request


class _Query(httpx.Auth):
    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = request.url.copy_set_param(self._name, self._value)
        yield request


class _Renewed(httpx.Auth):
    """`fetch` answers what the token address answered."""

    def __init__(self, fetch: Callable[[], Mapping[str, object]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._clock() >= self._ends:
            self._renew()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:  # withdrawn before its time
            self._renew()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self) -> None:
        with self._lock:
            answer = self._fetch()
            token, lifetime = answer.get("access_token"), answer.get("expires_in")
            if not isinstance(token, str) or not token:
                raise IncompleteRead("auth", "token_url answers no access_token", remedy="check auth.token_url")
            try:
                seconds = float(lifetime) if isinstance(lifetime, str | int | float) else LIFETIME
            except ValueError:
                seconds = LIFETIME
            self._token = token
            self._ends = self._clock() + max(seconds - FRESH, seconds / 2)
