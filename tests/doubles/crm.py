"""A CRM for tests: a working list behind every kind of pagination and authentication, over HTTP, that can misbehave."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, abort, request

from syncd.sandbox import serve

Misbehave = Callable[[int, Response], Response]


@dataclass
class Crm:
    """`records` may be changed between reads; `misbehave` gets the number of each request and its answer."""

    records: list[dict[str, Any]] = field(default_factory=list)
    cap: int = 3  # records a page, whatever is asked for
    token: str | None = None
    tokens_last: int = 1_000_000  # requests that one OAuth token is good for
    expires_in: object = 3600
    misbehave: Misbehave = lambda _number, response: response
    asked: list[Mapping[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    tokens_given: int = 0
    used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- what a server does ---

    def matching(self, since: str | None) -> list[dict[str, Any]]:
        return [record for record in self.records if since is None or record.get("updated_at", "") >= since]

    def check(self) -> None:
        if self.token is None:
            return
        given = request.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(f"u:{self.token}".encode()).decode()
        keys = (request.headers.get("api-key"), request.args.get("apikey"))
        if given not in (f"Bearer {self.token}", basic, self._oauth) and self.token not in keys:
            abort(Response(json.dumps({"error": "who are you?"}), 401))
        if given == self._oauth:
            self.used += 1
            if self.used > self.tokens_last:
                abort(Response(json.dumps({"error": "expired"}), 401))

    @property
    def _oauth(self) -> str:
        return f"Bearer oauth-{self.tokens_given}"


def make_app(crm: Crm) -> Flask:  # noqa: C901, PLR0915 - so many ways to give a list
    app = Flask(__name__)

    def note() -> int:
        with crm._lock:
            crm.asked.append(dict(request.args))
            crm.headers.append(dict(request.headers))
            crm.bodies.append(request.get_json(silent=True) or dict(request.form))
            return len(crm.asked)

    def answer(number: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
        response = Response(json.dumps(body, ensure_ascii=False), content_type="application/json")
        response.headers.update(headers or {})
        return crm.misbehave(number, response)

    def part(start: int, size: int | None = None) -> list[dict[str, Any]]:
        found = crm.matching(request.args.get("updated_since"))
        return found[start : start + min(size or crm.cap, crm.cap)]

    def meta() -> dict[str, Any]:
        return {"total_count": len(crm.matching(request.args.get("updated_since")))}

    @app.get("/api/pages")
    def pages() -> Response:
        number = note()
        crm.check()
        page = int(request.args.get("page", 1))
        return answer(number, {"data": {"items": part((page - 1) * crm.cap)}, "meta": meta()})

    @app.get("/api/offsets")
    def offsets() -> Response:
        number = note()
        crm.check()
        items = part(int(request.args.get("offset", 0)), int(request.args.get("limit", 100)))
        return answer(number, {"data": {"items": items}, "meta": meta()}, {"X-Total-Count": str(meta()["total_count"])})

    @app.get("/api/cursors")
    def cursors() -> Response:
        number = note()
        crm.check()
        start = int(request.args.get("after", 0))
        items, following = part(start), start + crm.cap
        paging = {"next": {"after": str(following)}} if following < meta()["total_count"] else {}
        return answer(number, {"results": items, "paging": paging})

    @app.get("/api/next")
    def next_urls() -> Response:
        number = note()
        crm.check()
        start = int(request.args.get("from", 0))
        following = start + crm.cap
        url = f"/api/next?from={following}" if following < meta()["total_count"] else None
        return answer(number, {"records": part(start), "nextRecordsUrl": url, "done": url is None})

    @app.get("/api/links")
    def links() -> Response:
        number = note()
        crm.check()
        start = int(request.args.get("from", 0))
        following, headers = start + crm.cap, {}
        if following < meta()["total_count"]:
            url = f"{request.host_url}api/links?from={following}"
            headers = {"Link": f'<{request.host_url}api/links>; rel="first", <{url}>; rel="next"', "Next-Page": url}
        return answer(number, part(start), headers)

    @app.post("/api/query")
    def query() -> Response:
        number = note()
        crm.check()
        body = request.get_json(silent=True) or json.loads(request.form["params"])
        since = body.get("where", {}).get("since")
        start = int(body.get("offset", 0))
        return answer(number, {"values": crm.matching(since)[start : start + crm.cap]})

    @app.get("/api/all")
    def everything() -> Response:
        number = note()
        crm.check()
        return answer(number, crm.matching(request.args.get("updated_since")))

    @app.post("/token")
    def token() -> Response:
        if request.form.get("client_secret") != crm.token or request.form["grant_type"] != "client_credentials":
            return Response(json.dumps({"error": "invalid_client"}), 401)
        crm.tokens_given += 1
        crm.used = 0
        return Response(json.dumps({"access_token": f"oauth-{crm.tokens_given}", "expires_in": crm.expires_in}))

    return app


@contextmanager
def open_crm(crm: Crm) -> Iterator[str]:
    with serve(make_app(crm)) as url:
        yield url


PAGINATIONS: Mapping[str, Mapping[str, Any]] = {
    "pages": {"records": "data.items", "pagination": {"type": "page", "size_param": ""}},
    "pages-with-size": {"records": "data.items", "pagination": {"type": "page"}},
    "pages-with-total": {"records": "data.items", "pagination": {"type": "page"}, "total": "meta.total_count"},
    "offsets": {"records": "data.items", "pagination": {"type": "offset", "limit": 2}},
    "offsets-with-total": {
        "records": "data.items",
        "pagination": {"type": "offset"},
        "total": "header:X-Total-Count",
    },
    "cursors": {
        "records": "results",
        "pagination": {"type": "cursor", "cursor_param": "after", "cursor": "paging.next.after"},
    },
    "next": {"records": "records", "pagination": {"type": "next-url", "next": "nextRecordsUrl"}},
    "links": {"pagination": {"type": "link-header"}},
    "links-in-a-header": {"pagination": {"type": "header", "header": "Next-Page"}},
    "query": {
        "method": "POST",
        "json": {"select": ["*"]},
        "records": "values",
        "pagination": {"type": "offset", "in": "body"},
    },
    "all": {},
}


def path_of(kind: str) -> str:
    return "/api/" + (re.match(r"[a-z]+", kind) or [""])[0]
