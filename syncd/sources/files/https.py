"""A file by https, with a password, a token, or an address that is itself the secret."""

from collections.abc import Mapping
from urllib.parse import unquote

import httpx

from syncd import __version__
from syncd.domain.addresses import AT_HOME
from syncd.domain.backoff import Backoff
from syncd.errors import IncompleteRead
from syncd.network import CERTIFICATE, open_http, reach, words_of
from syncd.sources.files.download import ATTEMPTS, CUT, LOOK, MADE, TIMEOUT, TRUSTED, Download, Named, name_in

BACKOFF = Backoff(first=2.0)
REFUSALS: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys((401, 403), ("the server refuses the credentials", "set new ones")),
    **dict.fromkeys((404, 410), ("there is no such file", MADE)),
    407: ("the proxy refuses its credentials", "set them in HTTPS_PROXY"),
    429: ("the server is asked too often", LOOK),
}
PASSING = {408, 425, 429}


def fetch(download: Download) -> Named:
    name = _name_of(httpx.URL(str(download.options.url)))
    headers = {"User-Agent": f"syncd/{__version__}"}
    if token := download.options.token:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    username, password = download.login
    auth = httpx.BasicAuth(username, password or "") if username is not None else httpx.Auth()
    hooks = {"request": [_refuse_open_line]}
    attempts = min(ATTEMPTS, reach().tries)
    with open_http(timeout=TIMEOUT, headers=headers, auth=auth, follow_redirects=True, event_hooks=hooks) as client:
        for attempt in range(1, attempts + 1):
            try:
                status, changed = download.heard(lambda: _fill(client, download))
            except httpx.HTTPError as error:
                if attempt == attempts or not isinstance(error, httpx.TransportError):
                    raise _broken(name, error) from None
            else:
                if 200 <= status < 300:
                    return name, changed
                if attempt == attempts or (status < 500 and status not in PASSING):
                    raise _refused(name, status)
            download.waiting.sleep(BACKOFF.pause(attempt))
    raise AssertionError  # the last attempt answers or raises


def _name_of(url: httpx.URL) -> str:
    """The last part of a path may be a secret, as in the link to a shared folder, unless it is a file's name."""
    name = name_in(unquote(url.path))
    return name if "." in name else url.host


def _fill(client: httpx.Client, download: Download) -> tuple[int, str]:
    file = download.file
    file.seek(0)
    file.truncate()
    with client.stream("GET", str(download.options.url)) as response:
        if response.is_success:
            for part in response.iter_bytes():
                download.keep(part)
        return response.status_code, response.headers.get("Last-Modified", response.headers.get("ETag", ""))


def _refuse_open_line(request: httpx.Request) -> None:
    """A redirect may lead anywhere. httpx sends credentials to no other host; we send nothing without encryption."""
    if request.url.scheme != "https" and request.url.host not in AT_HOME:
        raise IncompleteRead(_name_of(request.url), "is redirected to an address without https", remedy="check url")


def _refused(name: str, status: int) -> IncompleteRead:
    known = REFUSALS.get(status)
    what, remedy = known or (("the server failed", LOOK) if status >= 500 else ("the server refuses", "check url"))
    return IncompleteRead(name, f"{what} ({status})", remedy=remedy)


def _broken(name: str, error: httpx.HTTPError) -> IncompleteRead:
    if words := words_of(error, error.request.url.host, "the server"):
        return IncompleteRead(name, words, remedy=TRUSTED if CERTIFICATE in words else LOOK)
    match error:
        case httpx.TooManyRedirects():
            return IncompleteRead(name, "is redirected without end", remedy="check url")
        case httpx.RemoteProtocolError():
            return IncompleteRead(name, f"{CUT}, the connection broke", remedy=LOOK)
        case httpx.DecodingError():
            return IncompleteRead(name, "came damaged, it can't be unpacked", remedy=LOOK)
        case httpx.TimeoutException():
            return IncompleteRead(name, f"the server said nothing more for {TIMEOUT:.0f} s", remedy=LOOK)
    return IncompleteRead(name, "the connection broke", remedy=LOOK)
