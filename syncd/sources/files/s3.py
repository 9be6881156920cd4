"""A file from a bucket of Amazon S3, or of any store that speaks its language, as the `AWS_` variables say."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncd.domain.addresses import AT_HOME
from syncd.errors import IncompleteRead, Misconfigured, Problem
from syncd.network import CERTIFICATE, open_http, reach
from syncd.sources.files.download import (
    AGAIN,
    AT_ONCE,
    ATTEMPTS,
    CHANGED,
    CUT,
    LOOK,
    MADE,
    TIMEOUT,
    TRUSTED,
    Download,
    Named,
    choose,
    is_pattern,
    name_in,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
LOGIN = "check username and password, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
RIGHTS = "check that the export was made; the access key needs the rights s3:GetObject and s3:ListBucket"
REGION = ("the bucket is in another region", "set AWS_REGION to the region of the bucket")
SKEWED = ("the clocks of this machine and of the server differ too much", "set the clock of this machine")
AS_LONG_AS_IT_COMES = timedelta(days=1)
STALE = ("the login has expired", "set a new one, AWS_SESSION_TOKEN with it")
NO_WAY = "no connection to the server"
# What stands in an error, and what it means. Nothing of the error is shown, since it holds the address.
SIGNS: Sequence[tuple[str, tuple[str, str]]] = (
    (r"<Code>NoSuchBucket<", ("there is no such bucket", "check url, and AWS_ENDPOINT_URL where it is set")),
    (r"<Code>NoSuchKey<", ("there is no such file", MADE)),
    (r"<Code>InvalidAccessKeyId<", ("the server does not know the access key", LOGIN)),
    (r"<Code>SignatureDoesNotMatch<", ("the secret key is not that of the access key", LOGIN)),
    (r"<Code>(ExpiredToken|InvalidToken|TokenRefreshRequired)<", STALE),
    (r"<Code>RequestTimeTooSkewed<", SKEWED),
    (r"<Code>(AuthorizationHeaderMalformed|PermanentRedirect)<|redirect without LOCATION", REGION),
    (r"<Code>InvalidObjectState<", ("it is in an archive", "restore it in the bucket first")),
    (r"/latest/(api/token|meta-data)", ("there are no credentials", LOGIN.replace("check", "set"))),
    (r"status code: 401", ("the server refuses the credentials", LOGIN)),
    (r"status code: 403", ("the credentials may not read it, or there is no such file", RIGHTS)),
    (r"status code: (404|410)", ("there is no such file", MADE)),
    (r"status code: 5", ("the server failed", LOOK)),
    (r"status code: [34]", ("the server refuses", "check url, AWS_ENDPOINT_URL and AWS_REGION")),
    (r"InvalidCertificate|UnknownIssuer", (f"{NO_WAY}: {CERTIFICATE}", TRUSTED)),
    (r"dns error", (f"{NO_WAY}: there is no host of this name", "check AWS_ENDPOINT_URL and AWS_REGION")),
    (r"ConnectionRefused", (f"{NO_WAY}: it refuses the connection", f"check AWS_ENDPOINT_URL; {LOOK}")),
    (r"InvalidContentType", (f"{NO_WAY}: TLS fails; does it speak https on this port?", "check AWS_ENDPOINT_URL")),
    (r"IncompleteBody|IncompleteMessage|UnexpectedEof|ConnectionReset", (f"{CUT}, the connection broke", LOOK)),
    (r"Header missing|Parse\(", ("the server does not answer as S3 does", "check AWS_ENDPOINT_URL")),
    (r"kind: Timeout|TimedOut", ("no answer in time", LOOK)),
    (r"kind: Connect", (NO_WAY, f"check AWS_ENDPOINT_URL; {LOOK}")),
    (r"[Pp]arsing Path|parse path", ("no file can have this name", "take empty and dotted folders out of url")),
)
UNKNOWN = ("can't be read", f"check url and the AWS_ variables; {LOOK}")


def fetch(download: Download) -> Named:
    import obstore

    key = download.url.path.removeprefix("/")
    try:
        store = _open_store(download)
        if is_pattern(name_in(key)):
            key = download.heard(lambda: _find_newest(store, key))
        return name_in(key), download.heard(lambda: _copy(store, key, download))
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        text = str(error)
        what, remedy = next((told for sign, told in SIGNS if re.search(sign, text)), UNKNOWN)
        raise IncompleteRead(name_in(key), what, remedy=remedy) from None


def _open_store(download: Download) -> "S3Store":
    """Raises Misconfigured where the environment names an endpoint, a proxy or certificates that won't do."""
    from obstore.store import S3Store

    open_http(timeout=TIMEOUT).close()
    user, secret = download.login
    given: dict[str, Any] = {}
    if user is not None:  # and no AWS_SESSION_TOKEN, which belongs to another login
        login = {"access_key_id": user, "secret_access_key": secret, "token": None, "expires_at": None}
        given["credential_provider"] = lambda: login
    return S3Store(
        download.url.netloc,
        client_options={
            "allow_http": _is_at_home(),
            "allow_invalid_certificates": False,
            "connect_timeout": timedelta(seconds=reach().connect),
            "read_timeout": timedelta(seconds=TIMEOUT),
            "timeout": AS_LONG_AS_IT_COMES,
        },
        retry_config={
            "max_retries": min(ATTEMPTS, reach().tries) - 1,
            "retry_timeout": timedelta(seconds=ATTEMPTS * TIMEOUT),
            "backoff": {"init_backoff": timedelta(seconds=1), "max_backoff": timedelta(seconds=4), "base": 2},
        },
        **given,
    )


def _is_at_home() -> bool:
    """Whether the endpoint is on this machine, where http will do."""
    for name in ENDPOINTS:
        if address := os.environ.get(name):
            url = urlsplit(address)
            if url.scheme == "http" and url.hostname in AT_HOME:
                return True
            if url.scheme != "https" or not url.hostname:
                problem = Problem(path=name, message="must begin with 'https://', and the name of a host")
                raise Misconfigured([problem], remedy="set it right where syncd is started")
    return False


def _find_newest(store: "S3Store", pattern: str) -> str:
    folder, _, wanted = pattern.rpartition("/")
    listed = {name_in(one["path"]): one for one in store.list_with_delimiter(folder or None)["objects"]}
    found = [listed[name] for name in choose(listed, wanted)]
    if not found:
        raise FileNotFoundError("<Code>NoSuchKey<")
    return max(found, key=lambda one: (one["last_modified"], one["path"]))["path"]


def _copy(store: "S3Store", key: str, download: Download) -> str:
    """Answer which state of the file it is."""
    got = store.get(key)
    for part in got.stream(min_chunk_size=AT_ONCE):
        download.keep(bytes(part))
    if _state_of(store.head(key)) != _state_of(got.meta):
        raise IncompleteRead(name_in(key), CHANGED, remedy=AGAIN)
    if download.file.tell() != got.meta["size"]:
        raise IncompleteRead(name_in(key), CUT, remedy=LOOK)
    return _state_of(got.meta)


def _state_of(meta: "ObjectMeta") -> str:
    return f"{meta['last_modified']} {meta['e_tag']}"
