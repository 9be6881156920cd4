"""What comes back of a call: an answer of bounded size, or words for why there is none."""

import json
from contextlib import suppress

import httpx

from syncd.gomus.judging import NOTHING
from syncd.network import words_of

LARGEST_ANSWER = 16 * 2**20
LARGEST_ERROR = 2**18  # more of an error than this tells nothing more


def read_body(response: httpx.Response) -> bytes:
    """An error is said by its status: where its body is long, or does not come to its end, the rest is let go."""
    read = bytearray()
    try:
        for part in response.iter_bytes():
            read += part
            if response.is_error and len(read) > LARGEST_ERROR:
                break
            if len(read) > LARGEST_ANSWER:
                raise httpx.ReadError("the answer is too large")
    except httpx.TransportError:
        if not response.is_error:
            raise
    return bytes(read)


def parse(text: bytes, *, is_error: bool) -> object:
    """None where it is no JSON; of an error that was cut nothing is known but that it was JSON."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text.strip() else NOTHING
    return {} if is_error and text.lstrip().startswith(b"{") else None


WORDS: tuple[tuple[type[httpx.HTTPError], str], ...] = (
    (httpx.ConnectTimeout, "no connection to go~mus in time"),
    (httpx.ConnectError, "no connection to go~mus"),
    (httpx.ProxyError, "no connection to go~mus through the proxy"),
    (httpx.PoolTimeout, "no free connection to go~mus in time"),
    (httpx.TimeoutException, "no answer from go~mus in time"),
    (httpx.TransportError, "the connection to go~mus broke"),
)


def words_for(error: httpx.HTTPError, host: str) -> str:
    """By class: the text of an httpx error may hold an address."""
    by_class = next((words for kind, words in WORDS if isinstance(error, kind)), "the call to go~mus failed")
    return words_of(error, host, "go~mus") or by_class
