"""Connecting within bounds: many addresses share one time, and a resolver that does not answer is not waited for."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rude import black_hole

from syncd.network import Patience, in_haste, open_http, words_of

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
        time.sleep(4)
        return []

    resolving(monkeypatch, sleep)
    words, took = failing("http://museum.example", timeout=1)
    expected = "no connection to go~mus at museum.example: its name can't be looked up, DNS does not answer"
    assert (words, took < 3) == (expected, True)


# --- when a host is given up ---


class Watch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def fail(patience: Patience, watch: Watch, error: httpx.HTTPError, seconds: float) -> bool:
    """A try that lasted so long; whether it was the last."""
    began, watch.now = watch.now, watch.now + seconds
    patience.note_failure(error, began)
    return patience.is_over


@pytest.mark.parametrize("error", [httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.ProxyError("")])
def test_three_tries_without_a_connection_are_enough(watch: Watch, error: httpx.HTTPError) -> None:
    patience = Patience(30, watch)
    assert [fail(patience, watch, error, 0.1) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(("each", "tries"), [(30, 3), (57, 2), (10, 9), (1, 86)])
def test_the_time_of_three_tries_without_an_answer_is_enough(watch: Watch, each: float, tries: int) -> None:
    patience = Patience(30, watch)
    assert [fail(patience, watch, httpx.ReadTimeout(""), each) for _ in range(tries)] == (tries - 1) * [False] + [True]


@pytest.mark.parametrize(("timeout", "tries"), [(1, 15), (5, 15), (10, 15), (14, 20)])
def test_a_server_may_be_at_work_on_one_call_for_half_a_minute(watch: Watch, timeout: float, tries: int) -> None:
    patience = Patience(timeout, watch)
    assert [fail(patience, watch, httpx.ReadTimeout(""), 2) for _ in range(tries)] == (tries - 1) * [False] + [True]


def test_what_waits_between_two_tries_counts_as_silence(watch: Watch) -> None:
    patience = Patience(30, watch)
    fail(patience, watch, httpx.ReadTimeout(""), 30)
    watch.now += 30
    assert fail(patience, watch, httpx.ReadError(""), 27)


def test_an_answer_begins_the_count_anew(watch: Watch) -> None:
    patience = Patience(30, watch)
    for _ in range(5):
        assert not fail(patience, watch, httpx.ConnectError(""), 10)
        assert not fail(patience, watch, httpx.ConnectError(""), 10)
        patience.note_answer()


def test_a_connection_that_is_not_answered_does_not_count_as_none(watch: Watch) -> None:
    patience = Patience(30, watch)
    errors = [httpx.ConnectError(""), httpx.ConnectError(""), httpx.ReadError(""), httpx.ConnectError("")]
    assert not any(fail(patience, watch, error, 0.1) for error in errors)


def test_silence_begins_with_the_last_answer_and_not_with_a_try_of_before(watch: Watch) -> None:
    patience = Patience(30, watch)
    began = watch.now
    watch.now += 80
    patience.note_answer()
    watch.now += 10
    patience.note_failure(httpx.ReadTimeout(""), began)
    assert not patience.is_over


@pytest.mark.parametrize(("error", "seconds"), [(httpx.ConnectError(""), 0.1), (httpx.ReadTimeout(""), 30)])
def test_in_haste_one_try_is_enough(watch: Watch, error: httpx.HTTPError, seconds: float) -> None:
    with in_haste():
        patience = Patience(30, watch)
    assert fail(patience, watch, error, seconds)
