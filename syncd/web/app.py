"""The pages over HTTP, without scripts, for anybody who can reach the address; and the trigger, for a token."""

from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from threading import BoundedSemaphore
from typing import ParamSpec

import structlog
from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import SecretStr
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from syncd.assembly import looking_at_state
from syncd.config.model import WebOptions
from syncd.domain.languages import Language
from syncd.errors import SyncdError
from syncd.report.html import STYLE_HASH
from syncd.report.run import report_as_html, report_run
from syncd.web.answers import plain
from syncd.web.metrics import Metrics, Serving, Standings
from syncd.web.page import REFRESH, Look, draw_page
from syncd.web.trigger import answer_trigger
from syncd.web.view import DaemonView

P = ParamSpec("P")
log = structlog.get_logger()

READING = ("GET", "HEAD")
POST, TRIGGER = "POST", "trigger"
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    """The answer to each path."""

    def __init__(
        self, options: WebOptions, daemon: DaemonView, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._options = options
        self._daemon = daemon
        self._clock = clock
        self._registry = CollectorRegistry()
        self._registry.register(metrics.registry)
        self._registry.register(Serving(daemon))
        self._registry.register(Standings(lambda: daemon.config, clock))

    def status(self) -> Response:
        look = Look(language=self._language, show_ids=self._options.show_ids, is_still="still" in request.args)
        page, is_whole = draw_page(self._daemon, self._clock(), look)
        answer = _page(page, 200 if is_whole else 503)
        if not look.is_still:
            answer.headers["Refresh"] = f"{REFRESH.total_seconds():.0f}"
        return answer

    def run(self, run_id: str) -> Response:
        config = self._daemon.config
        try:
            with looking_at_state(config) as state:
                if (row := state.store.runs.find(run_id)) is None:
                    return plain("404 Not Found: there is no such run, or it is no longer remembered", 404)
                report = report_run(state.store, row, with_ids=self._options.show_ids)
        except SyncdError as error:
            return plain(f"503 Service Unavailable: {error}", 503)
        return _page(report_as_html(report, config.zone_of(row.sync), self._language, home=".."), 200)

    def trigger(self, name: str, token: SecretStr) -> Response:
        header = request.headers.get("Authorization", "")
        return answer_trigger(self._daemon.config, token, header, name, self._clock())

    @property
    def _language(self) -> Language:
        """That of the configuration, or else what the browser prefers."""
        found = self._options.lang or request.accept_languages.best_match([one.value for one in Language])
        return Language(found or Language.ENGLISH)

    def ready(self) -> Response:
        problems = [*self._daemon.problems(), *_problems_of_state(self._daemon)]
        broken = self._daemon.config.broken  # the others run: who restarts a daemon for it mends nothing
        answer = jsonify(ready=not problems, problems=problems, **({"broken": list(broken)} if broken else {}))
        answer.status_code = 503 if problems else 200
        return answer

    def metrics(self) -> Response:
        return _exposed(self._registry)


def create_app(
    options: WebOptions, daemon: DaemonView, metrics: Metrics, clock: Callable[[], datetime], *, places: int = 3
) -> Flask:
    """At most `places` answers wait for the database at once, so that a thread is left for /healthz."""
    pages = Pages(options, daemon, metrics, clock)
    free = BoundedSemaphore(places)
    app = _hardened_app()
    app.add_url_rule("/", view_func=_in_turn(pages.status, free))
    app.add_url_rule("/runs/<run_id>", view_func=_in_turn(pages.run, free))
    if options.trigger_token:
        trigger = partial(pages.trigger, token=options.trigger_token)
        app.add_url_rule("/syncs/<path:name>/trigger", TRIGGER, _in_turn(trigger, free), methods=[POST])
    app.add_url_rule("/readyz", view_func=_in_turn(pages.ready, free))
    app.add_url_rule("/metrics", view_func=_in_turn(pages.metrics, free))
    return app


def create_bare_app(registry: CollectorRegistry) -> Flask:
    """Health and metrics, which ask no database."""
    app = _hardened_app()
    app.add_url_rule("/metrics", "metrics", lambda: _exposed(registry))
    return app


def _hardened_app() -> Flask:
    """With /healthz alone."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # or a redirect would answer with the name of the host
    app.add_url_rule("/healthz", "alive", lambda: plain("ok", 200))
    app.before_request(_refuse_writing)
    app.after_request(_protect)
    app.register_error_handler(HTTPException, _refuse)
    app.register_error_handler(Exception, _fail)
    return app


def _in_turn(view: Callable[P, Response], free: BoundedSemaphore) -> Callable[P, Response]:
    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        if not free.acquire(blocking=False):
            return plain("503 Service Unavailable: others are waiting for the state database", 503)
        try:
            return view(*args, **kwargs)
        finally:
            free.release()

    return answer


def _refuse_writing() -> Response | None:
    if request.method in READING or request.endpoint == TRIGGER:
        return None
    refused = request.routing_exception
    return _refuse(refused if isinstance(refused, MethodNotAllowed) else MethodNotAllowed(READING))


def _protect(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _refuse(error: HTTPException) -> Response:
    allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    return plain(f"{error.code} {error.name}", error.code or 500, headers)


def _fail(error: Exception) -> Response:
    log.error("web.failed", exc_info=error)
    return plain("500 Internal Server Error", 500)


def _exposed(registry: CollectorRegistry) -> Response:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


def _page(page: str, status: int) -> Response:
    return Response(page, status=status, headers={"Vary": "Accept-Language"}, mimetype="text/html")


def _problems_of_state(daemon: DaemonView) -> list[str]:
    try:
        with looking_at_state(daemon.config):
            return []
    except SyncdError as error:
        return [str(error)]
