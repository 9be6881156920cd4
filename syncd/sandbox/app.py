"""The sandbox on HTTP: the API under /api, behind a proxy, and beside it a page and a JSON state for who tests."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from .answers import Answer, refusal
from .calls import ROUTES, Asked, Route, answer
from .customers import Customer
from .proxy import Proxy
from .store import Call, Sandbox

_CUSTOMERS_SHOWN = 500
_CALLS_SHOWN = 50


def create_app(sandbox: Sandbox) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a bug in here must not look like a server's 500
    for route in ROUTES:
        rule = route.path.replace(":id", "<path:key>")
        app.add_url_rule(rule, f"{route.method} {route.path}", _view(sandbox, route), methods=[route.method])
    app.add_url_rule("/", "page", lambda: _page(sandbox))
    app.add_url_rule("/_sandbox/state", "state", lambda: _state(sandbox))
    app.register_error_handler(HTTPException, lambda error: _no_such_call(sandbox, error))
    app.wsgi_app = Proxy(app, choose=sandbox.hook_for, clock=sandbox.now)  # type: ignore[method-assign]  # as Flask's pages say
    return app


def _view(sandbox: Sandbox, route: Route) -> Callable[..., Response]:
    def view(key: str = "") -> Response:
        asked = Asked(query=request.args.to_dict(), key=key, body=request.get_json(force=True, silent=True))
        with sandbox.under_way(route.method, asked.body), sandbox.lock:
            given = answer(sandbox, route, asked, token=_bearer_token())
            _log(sandbox, route.path, given)
        return _response(given)

    return view


def _bearer_token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else None


def _log(sandbox: Sandbox, route: str, given: Answer) -> None:
    sandbox.calls.append(
        Call(
            method=request.method,
            path=request.path,
            route=route,
            query=request.args.to_dict(),
            body=request.get_json(force=True, silent=True),
            status=given.status,
        )
    )


def _response(given: Answer) -> Response:
    response = Response(status=given.status) if given.body is None else jsonify(given.body)
    response.status_code = given.status
    return response


def _no_such_call(sandbox: Sandbox, error: HTTPException) -> Response:
    """Rails knows no 405: a path without such a method is a route that does not exist."""
    status = 404 if error.code == 405 else error.code or 500
    given = refusal(status, "Not Found" if status == 404 else error.name)
    if request.path.startswith("/api/"):
        with sandbox.lock:
            _log(sandbox, "", given)
    return _response(given)


def _page(sandbox: Sandbox) -> Response:
    with sandbox.lock:
        page = render_template(
            "sandbox.html",
            customers=sandbox.customers[:_CUSTOMERS_SHOWN],
            customer_count=len(sandbox.customers),
            stranger_count=len(sandbox.strangers),
            deleted_count=len(sandbox.deleted),
            calls=list(sandbox.calls)[: -_CALLS_SHOWN - 1 : -1],
            call_count=len(sandbox.calls),
        )
    return Response(page.encode("utf-8", "replace"), content_type="text/html; charset=utf-8")


def _state(sandbox: Sandbox) -> Response:
    with sandbox.lock:
        return jsonify(
            customers=[_whole(customer) for customer in sandbox.customers],
            deleted=[_whole(customer) for customer in sandbox.deleted],
            strangers=[_whole(customer) for customer in sandbox.strangers],
            touched_strangers=sandbox.touched_strangers(),
            calls=len(sandbox.calls),
            by_call=Counter(str(call) for call in sandbox.calls),
        )


def _whole(customer: Customer) -> dict[str, object]:
    """In plain names, whatever shape the switches give the API's answers."""
    return {
        "id": customer.id,
        **customer.fields,
        "further_addresses": list(customer.further_addresses),
        "orders": customer.orders,
    }


def called_by_httpx(app: Callable[..., Any]) -> Callable[..., Any]:
    """In process: httpx hands a path over as text, where WSGI wants its bytes, each as a letter."""
    return lambda environ, start: app({**environ, "PATH_INFO": environ["PATH_INFO"].encode().decode("latin1")}, start)
