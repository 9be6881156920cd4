"""The pages over HTTP: to be read only, by anybody who may reach the address, without a script on them."""

from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException

from syncd.assembly import looking_at_state
from syncd.config.model import WebOptions
from syncd.errors import SyncdError
from syncd.report.html import STYLE_HASH
from syncd.web.metrics import Metrics, Standings
from syncd.web.page import draw_page
from syncd.web.view import DaemonView

log = structlog.get_logger()

READING = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(options: WebOptions, daemon: DaemonView, metrics: Metrics, clock: Callable[[], datetime]) -> Flask:
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # the redirect would name the host that the client named
    registry = CollectorRegistry()
    registry.register(metrics.registry)
    registry.register(Standings(daemon, clock))

    @app.before_request
    def read_only() -> Response | None:
        if request.method in READING:
            return None
        return _plain("405 Method Not Allowed", 405, {"Allow": ", ".join(READING)})

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    def status() -> Response:
        page, is_whole = draw_page(daemon, clock(), show_ids=options.show_ids)
        return Response(page, status=200 if is_whole else 503, mimetype="text/html")

    @app.get("/healthz")
    def alive() -> Response:
        return _plain("ok", 200)

    @app.get("/readyz")
    def ready() -> Response:
        problems = [*daemon.problems(), *_problems_of_state(daemon)]
        answer = jsonify(ready=not problems, problems=problems)
        answer.status_code = 503 if problems else 200
        return answer

    @app.get("/metrics")
    def scrape() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        return _plain(f"{error.code} {error.name}", error.code or 500)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        log.error("web.failed", exc_info=error)
        return _plain("500 Internal Server Error", 500)

    return app


def _plain(words: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(f"{words}\n", status=status, headers=headers, mimetype="text/plain")


def _problems_of_state(daemon: DaemonView) -> list[str]:
    try:
        with looking_at_state(daemon.config):
            return []
    except SyncdError as error:
        return [str(error)]
