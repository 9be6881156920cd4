"""Connecting within bounds: many addresses share one time, and a resolver that does not answer is not waited for."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rude import black_hole

from syncd.network import open_http, words_of

Ask = Callable[..., Any]
REAL: Ask = socket.getaddrinfo


def failing(url: str, timeout: float) -> tuple[str | None, float]:
    """The words for it, and how long it took."""
    began = time.monotonic()
    with open_http(timeout=timeout) as http, pytest.raises(httpx.ConnectError) as caught:
        http.get(url)
    return words_of(caught.value, "museum.example", "go~mus"), time.monotonic() - began


def resolving(monkeypatch: pytest.MonkeyPatch, answer: Ask) -> None:
    """Addresses themselves are not asked for."""

    def ask(host: str, *arguments: Any, **more: Any) -> Any:
        return REAL(host, *arguments, **more) if host[0].isdigit() else answer(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", ask)


def test_many_addresses_share_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [f"127.0.0.{number}" for number in range(1, 6)]
    resolving(monkeypatch, lambda *a, **m: [one for host in addresses for one in REAL(host, *a, **m)])
    with black_hole() as url:
        words, took = failing(url.replace("127.0.0.1", "museum.example"), timeout=1)
    assert (words, took < 1.5) == ("no connection to go~mus at museum.example: no answer in time", True)


def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        resolving(monkeypatch, lambda *a, **m: REAL("127.0.0.1", *a, **m) + REAL("127.0.0.2", *a, **m))
        with open_http(timeout=1) as http, pytest.raises(httpx.ReadTimeout):
            http.get(f"http://museum.example:{listening.getsockname()[1]}")


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(*_arguments: Any, **_more: Any) -> list[Any]:
        time.sleep(2)
        return []

    resolving(monkeypatch, sleep)
    words, took = failing("http://museum.example", timeout=1)
    expected = "no connection to go~mus at museum.example: its name can't be looked up, DNS does not answer"
    assert (words, took < 1.5) == (expected, True)
