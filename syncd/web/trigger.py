"""A run on request over HTTP, for the webhook of a CRM: `syncd trigger` for whoever shows the token."""

from datetime import datetime
from hmac import compare_digest

from flask import Response
from pydantic import SecretStr

from syncd.assembly import opening_board
from syncd.config.model import Config
from syncd.errors import SyncdError
from syncd.report.pausing import span_of
from syncd.web.answers import plain

SCHEME = "bearer"
REFUSED = "401 Unauthorized: show the token of the configuration (web.trigger_token) as 'Authorization: Bearer TOKEN'"
ASKED = "202 Accepted: a run of {} begins at once, or as soon as the one under way has ended"
PAUSED = "409 Conflict: {} is paused {}; ask again once it is resumed"
WAITING = "202 Accepted: a run of {} was asked for before, and has not begun yet"


def is_shown(token: SecretStr, header: str) -> bool:
    """Whether a header of Authorization shows the token; it takes as long however much of it is right."""
    scheme, _, shown = header.partition(" ")
    is_right = compare_digest(shown.strip().encode("latin-1", "replace"), token.get_secret_value().encode())
    return scheme.casefold() == SCHEME and is_right


def answer_trigger(config: Config, token: SecretStr, header: str, name: str, at: datetime) -> Response:
    """Leave a request for the daemon, unless one waits. It stands until a daemon takes it, for 202 is a promise."""
    if not is_shown(token, header):
        return plain(REFUSED, 401, {"WWW-Authenticate": "Bearer"})
    if name not in config.syncs:
        return plain("404 Not Found: the configuration has no sync of this name", 404)
    try:
        with opening_board(config) as board:
            if pause := board.pauses.find(name, at):
                return plain(PAUSED.format(name, span_of(pause, config.syncs[name].timezone)), 409)
            if any(request.sync == name for request in board.open_requests()):
                return plain(WAITING.format(name), 202)
            board.ask(name, at=at, expires_at=None)
    except SyncdError as error:
        return plain(f"503 Service Unavailable: {error}", 503)
    return plain(ASKED.format(name), 202)
