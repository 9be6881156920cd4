"""Credentials: they sign requests, do no I/O of their own, and hide themselves in repr."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from syncd.sources.rest.options import ApiKey, Auth, Basic, Bearer, OAuth2

FRESH = 60.0  # seconds before its end a token is renewed
LIFETIME = 3600.0  # seconds, of a token whose server does not say


class Signer:
    """Signs nothing, for an API that everybody may read."""

    def sign(self, request: httpx.Request) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Header(Signer):
    name: str
    value: str = field(repr=False)

    def sign(self, request: httpx.Request) -> None:
        request.headers[self.name] = self.value


class _Query(_Header):
    def sign(self, request: httpx.Request) -> None:
        request.url = request.url.copy_set_param(self.name, self.value)


class Renewable(Signer):
    """A token that expires.

    The caller sends `question` whenever a token `is_due`, and hands the answer to `take`.
    """

    def __init__(self, options: OAuth2, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._token = ""
        self._ends = float("-inf")

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._ends

    def question(self) -> httpx.Request:
        options, secret = self._options, self._options.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials", **options.params}
        if options.scope is not None:
            form["scope"] = options.scope
        headers = {"Accept": "application/json"}
        if options.client_auth == "basic":
            headers["Authorization"] = _basic(options.client_id, secret)
        else:
            form |= {"client_id": options.client_id, "client_secret": secret}
        return httpx.Request("POST", options.token_url, data=form, headers=headers)

    def take(self, answer: object) -> None:
        """Raises ValueError where the answer holds no token."""
        told = answer if isinstance(answer, dict) else {}
        token = told.get("access_token")
        if not isinstance(token, str) or not token:
            raise ValueError("no token")
        seconds = _seconds(told.get("expires_in"))
        self._token = token
        self._ends = self._clock() + max(seconds - FRESH, seconds / 2)

    def sign(self, request: httpx.Request) -> None:
        request.headers["Authorization"] = f"Bearer {self._token}"


def make_signer(auth: Auth | None, clock: Callable[[], float]) -> Signer:
    match auth:
        case None:
            return Signer()
        case Bearer():
            return _Header("Authorization", f"Bearer {auth.token.get_secret_value()}")
        case Basic():
            return _Header("Authorization", _basic(auth.username, auth.password.get_secret_value()))
        case ApiKey(header=None):
            return _Query(str(auth.query), auth.prefix + auth.value.get_secret_value())
        case ApiKey():
            return _Header(str(auth.header), auth.prefix + auth.value.get_secret_value())
        case OAuth2():
            return Renewable(auth, clock)


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _seconds(lifetime: object) -> float:
    """Some servers send the number as text, some none at all."""
    try:
        return float(lifetime) if isinstance(lifetime, str | int | float) else LIFETIME
    except (ValueError, OverflowError):
        return LIFETIME
