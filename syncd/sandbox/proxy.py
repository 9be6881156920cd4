"""What may stand before the instance: a proxy that answers in its place, whether the instance acted or not.

A hook decides about each call. It is given the call on its way and gives the answer: `lambda call: call.act()` lets it
pass, `lambda call: html(503)` turns it away, and who acts first and then answers something else loses the answer.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """A call on its way to the instance; `number` counts from 0, `route` is "" where there is no such call.

    `act` lets the instance act and gives its answer; `act_later` lets it act once so much time has passed.
    """

    method: str
    path: str
    route: str
    number: int
    body: object = field(repr=False)
    act: Callable[[], Response]
    act_later: Callable[[timedelta], None]

    @property
    def customers(self) -> list[dict[str, object]]:
        """Those in the body; a single one too."""
        sent = self.body.get("customer") if isinstance(self.body, dict) else None
        return [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, dict)]


Hook: TypeAlias = Callable[[Passing], Response]


class Proxy:
    """WSGI round a Flask app. `choose` names the hook of a call, None to let it pass; other paths than /api pass."""

    def __init__(self, app: Flask, *, choose: Callable[[Passing], Hook | None], clock: Callable[[], datetime]) -> None:
        self._app = app
        self._inner = app.wsgi_app
        self._choose = choose
        self._clock = clock
        self._numbers = count()
        self._late: list[tuple[datetime, Callable[[], object]]] = []
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/api/"):
            return self._inner(environ, start_response)
        self._act_what_is_due()
        call = self._passing(environ)
        hook = self._choose(call)
        answer = hook(call) if hook else call.act()
        return answer(environ, start_response)

    def _passing(self, environ: "WSGIEnvironment") -> Passing:
        request = Request(environ, populate_request=False)
        body = request.get_data()

        def act() -> Response:
            return Response.from_app(self._inner, {**environ, "wsgi.input": BytesIO(body)}, buffered=True)

        return Passing(
            method=request.method,
            path=request.path,
            route=self._route(environ),
            number=next(self._numbers),
            body=request.get_json(force=True, silent=True),
            act=act,
            act_later=lambda wait: self._put_off(wait, act),
        )

    def _route(self, environ: "WSGIEnvironment") -> str:
        with suppress(HTTPException):
            endpoint, _ = self._app.url_map.bind_to_environ(environ).match()
            return str(endpoint).partition(" ")[2]
        return ""

    def _put_off(self, wait: timedelta, act: Callable[[], object]) -> None:
        with self._lock:
            self._late.append((self._clock() + wait, act))

    def _act_what_is_due(self) -> None:
        with self._lock:
            if not self._late:
                return
            now, late = self._clock(), self._late
            self._late = [one for one in late if one[0] > now]
        for due_at, act in late:
            if due_at <= now:
                act()


# --- answers that are not the instance's ---


def html(status: int) -> Response:
    return Response(f"<!doctype html><h1>{status}</h1>", status, content_type="text/html; charset=utf-8")


def in_json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def cut(answer: Response) -> Response:
    """Half of it; one without a body passes whole."""
    whole = answer.get_data()
    return Response(whole[: len(whole) // 2], answer.status_code, content_type=answer.content_type)


def _after(answer: Callable[[Response], Response]) -> Hook:
    return lambda call: answer(call.act())


def _late(call: Passing) -> Response:
    call.act_later(LATE)
    return html(504)


def _busy(status: int, error: str) -> Hook:
    return lambda _call: in_json(status, {"error": error})


SPOILT: Mapping[str, Hook] = {
    "503": _after(lambda _answer: html(503)),
    "502": _after(lambda _answer: html(502)),
    "504": _after(lambda _answer: html(504)),
    "504-late": _late,
    "404-html": _after(lambda _answer: html(404)),
    "200-html": _after(lambda _answer: html(200)),
    "empty-object": _after(lambda _answer: in_json(200, {})),
    "cut": _after(cut),
    "408": _after(lambda _answer: html(408)),
    "425": _after(lambda _answer: html(425)),
    "409": _busy(409, "Conflict"),
    "423": _busy(423, "Locked"),
}
