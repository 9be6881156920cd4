"""What may become of one call on its way to go~mus and back: the columns of the fault table.

"before" is before go~mus acted, "after" is after it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TypeAlias

import httpx
from museum import Museum
from werkzeug.wrappers import Response

from syncd.sandbox.customers import Customer
from syncd.sandbox.proxy import Passing, cut, html, in_json

Fault: TypeAlias = Callable[[Museum, Passing], Response]
LATE = timedelta(minutes=4)  # longer than anybody looks, shorter than a create waits
STATUSES = (408, 425, 500, 502, 503, 504)  # none of them says whether go~mus acted


# --- the answer is lost ---


def no_connection(_museum: Museum, _call: Passing) -> Response:
    raise httpx.ConnectError("no connection (on purpose)")


def lost_before(_museum: Museum, _call: Passing) -> Response:
    raise httpx.ReadError("the connection broke (on purpose)")


def lost_after(_museum: Museum, call: Passing) -> Response:
    call.act()
    raise httpx.ReadTimeout("no answer in time (on purpose)")


def late(_museum: Museum, call: Passing) -> Response:
    call.act_later(LATE)
    raise httpx.ReadTimeout("no answer in time (on purpose)")


def late_behind_a_proxy(_museum: Museum, call: Passing) -> Response:
    call.act_later(LATE)
    return html(504)


def killed_before(museum: Museum, _call: Passing) -> Response:
    museum.transport.die()


def killed_after(museum: Museum, call: Passing) -> Response:
    call.act()
    museum.transport.die()


# --- the answer is another one ---


def before(answer: Callable[[], Response]) -> Fault:
    return lambda _museum, _call: answer()


def after(answer: Callable[[], Response]) -> Fault:
    def fault(_museum: Museum, call: Passing) -> Response:
        call.act()
        return answer()

    return fault


def half(_museum: Museum, call: Passing) -> Response:
    return cut(call.act())


def conflict(_museum: Museum, call: Passing) -> Response:
    """A DELETE is refused so because of orders, which is no fault."""
    return call.act() if call.method == "DELETE" else in_json(409, {"error": "Conflict"})


def accepted(_museum: Museum, call: Passing) -> Response:
    """A write is done a second later; a read is never answered so."""
    if call.method == "GET":
        return call.act()
    call.act_later(timedelta(seconds=1))
    return in_json(202, {"status": "accepted"})


def strangers(museum: Museum, call: Passing) -> Response:
    """A proxy mixes up two answers: this one shows a customer of another system."""
    call.act()
    return strangers_before(museum, call)


def strangers_before(museum: Museum, _call: Passing) -> Response:
    return _shown(museum.sandbox.strangers[0])


def mates(museum: Museum, call: Passing) -> Response:
    """As of a stranger, but it is one of our own: the oldest."""
    answer = call.act()
    return next(map(_shown, museum.sandbox.customers), answer)


def _shown(customer: Customer) -> Response:
    return in_json(200, {"customer": {"id": customer.id, **customer.fields}})


def lagging(reads: str, lag: int) -> Fault:
    """From this call on, reads show a write only so many seconds or calls later."""

    def fault(museum: Museum, call: Passing) -> Response:
        museum.sandbox.switches = replace(museum.sandbox.switches, reads=reads, lag=lag)  # type: ignore[arg-type]
        return call.act()

    return fault


def _pages() -> Iterator[tuple[str, Callable[[], Response]]]:
    for status in (*STATUSES, 200, 404):
        yield f"page {status}", lambda status=status: html(status)  # type: ignore[misc]
    yield "500 in json", lambda: in_json(500, {"error": "Internal server error"})
    yield "{}", lambda: in_json(200, {})
    yield "[]", lambda: in_json(200, [])


FAULTS: Mapping[str, Fault] = {
    "no connection": no_connection,
    "lost before": lost_before,
    "lost after": lost_after,
    "late": late,
    "late, page 504": late_behind_a_proxy,
    "killed before": killed_before,
    "killed after": killed_after,
    **{f"{name} before": before(answer) for name, answer in _pages()},
    **{f"{name} after": after(answer) for name, answer in _pages()},
    "429": before(lambda: in_json(429, {"error": "Too many requests"})),
    "page 429": before(lambda: html(429)),
    "409": conflict,
    "423": before(lambda: in_json(423, {"error": "Locked"})),
    "page 403": before(lambda: html(403)),
    "half an answer": half,
    "202": accepted,
    "a stranger's answer": strangers,
    "a stranger's answer before": strangers_before,
    "a mate's answer": mates,
    "lagging for 3 seconds": lagging("seconds-later", 3),
    "lagging for 4 seconds": lagging("seconds-later", 4),
    "lagging for 2 calls": lagging("calls-later", 2),
}
# Those that may go on for a while
OUTAGES = (
    *("no connection", "lost before", "lost after", "late", "page 503 before", "page 503 after", "429"),
    *("page 200 before", "page 404 before", "page 404 after", "{} before", "{} after", "a stranger's answer"),
)
COLUMNS: Mapping[str, tuple[Fault, bool]] = {
    **{name: (fault, False) for name, fault in FAULTS.items()},
    **{f"{name}, lasting": (FAULTS[name], True) for name in OUTAGES},
}


@contextmanager
def spoilt(museum: Museum, fault: Fault, number: int, *, lasts: bool = False) -> Iterator[None]:
    """The n-th call from now on, from 0, meets the fault; where it lasts, all that follow it do too."""
    numbers = count()

    def hook(call: Passing) -> Response:
        at = next(numbers)
        return fault(museum, call) if at == number or (lasts and at > number) else call.act()

    museum.sandbox.hook = hook
    try:
        yield
    finally:
        museum.sandbox.hook = None
