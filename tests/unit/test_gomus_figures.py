"""What of an answer is taken where there is more than one, how long a call may act, and what is told of each."""

from datetime import timedelta
from itertools import count

import httpx
import pytest

from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.gomus.wire import read_customers


def options(**more: object) -> GomusOptions:
    return GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": "token-of-nobody", **more})


def test_of_several_addresses_the_first_is_the_one_that_updates_reach() -> None:
    places = [{"city": "Köln", "zip": "50667"}, {"city": "Bonn", "zip": "53111"}]
    (customer,) = read_customers({"id": 7, "addresses": places}, is_whole=True)
    assert (customer.fields["addr_city"], customer.fields["addr_zip"]) == ("Köln", "50667")


def test_each_call_is_told_with_its_status_and_its_time() -> None:
    told: list[tuple[str, int | None, float]] = []
    ticks = count(step=2.5)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"access": "user"}))
    with Client(
        options(), transport=transport, clock=lambda: next(ticks), observe=lambda *call: told.append(call)
    ) as client:
        client.whoami()
    [(method, status, seconds)] = told
    assert (method, status, seconds > 0) == ("GET", 200, True)


@pytest.mark.parametrize(("rate", "more"), [(None, 0), (2, 2.2), (0.5, 8.8)])
def test_a_create_may_act_as_long_as_it_may_have_waited_for_its_turn(rate: float | None, more: float) -> None:
    patience = options(settle="10m", concurrency=4, requests_per_second=rate).patience
    assert patience == timedelta(minutes=10, seconds=more)
