"""Credentials: how they sign a request, and the token that has to be renewed. No I/O."""

import base64
from collections.abc import Callable

import httpx

from syncd.sources.rest.options import ApiKey, Auth, Basic, Bearer, OAuth2

FRESH = 60.0  # seconds before its end a token is renewed
LIFETIME = 3600.0  # seconds, of a token whose server does not say


class Token:
    """The token of OAuth2, which expires.

    The caller sends `question` whenever it `is_due`, and hands the answer to `take`.
    """

    def __init__(self, options: OAuth2, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self.value = ""
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
        self.value = token
        self._ends = self._clock() + max(seconds - FRESH, seconds / 2)


def sign(request: httpx.Request, auth: Auth | None, token: Token | None) -> None:
    """Put the credentials into the request; without `auth`, everybody may read the API."""
    match auth:
        case Bearer():
            request.headers["Authorization"] = f"Bearer {auth.token.get_secret_value()}"
        case Basic():
            request.headers["Authorization"] = _basic(auth.username, auth.password.get_secret_value())
        case ApiKey(header=None):
            request.url = request.url.copy_set_param(str(auth.query), auth.prefix + auth.value.get_secret_value())
        case ApiKey():
            request.headers[str(auth.header)] = auth.prefix + auth.value.get_secret_value()
    if token:
        request.headers["Authorization"] = f"Bearer {token.value}"


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _seconds(lifetime: object) -> float:
    """Some servers send the number as text, some none at all."""
    try:
        return float(lifetime) if isinstance(lifetime, str | int | float) else LIFETIME
    except (ValueError, OverflowError):
        return LIFETIME
