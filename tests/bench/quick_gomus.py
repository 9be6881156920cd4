"""A go~mus that is as quick as can be, in a process of its own: `python quick_gomus.py` prints its address.

It takes whatever is sent, judges nothing, and answers in the shapes that the sandbox has by default.
"""

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

from syncd.sandbox.answers import list_page
from syncd.sandbox.customers import BLANK
from syncd.sandbox.reference import COUNTRIES, LOCALES, SALUTATIONS, TITLES

API = "/api/v4/"
LISTS = {
    f"{API}customers/salutations": [{"id": number, "name": names["de"]} for number, names in SALUTATIONS.items()],
    f"{API}customers/titles": [{"id": number, "name": names["de"]} for number, names in TITLES.items()],
    f"{API}countries": [{"id": number, "name": name, "code": code} for number, (code, name) in COUNTRIES.items()],
}
CUSTOMERS = f"{API}customers"


class Customers:
    """Those who were created; each is shown with all of its fields."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1_000)
        self._by_id: dict[str, dict[str, object]] = {}

    def create(self, sent: object) -> object:
        with self._lock:
            return (
                {"customers": list(map(self._save, sent))} if isinstance(sent, list) else {"customer": self._save(sent)}
            )

    def _save(self, sent: dict[str, object]) -> dict[str, object]:
        now = datetime.now(UTC).isoformat()
        shown = {"id": next(self._numbers), **BLANK, **sent, "newsletter": False, "created_at": now, "updated_at": now}
        self._by_id[str(sent["foreign_id"])] = shown
        return shown

    def find(self, foreign_id: str) -> dict[str, object] | None:
        return self._by_id.get(foreign_id)


class Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    customers = Customers()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in LISTS:
            page = int(parse_qs(parts.query).get("page", ["1"])[0])
            self._answer(200, list_page(parts.path.rpartition("/")[2], LISTS[parts.path], page, 25))
        elif parts.path == f"{API}whoami":
            self._answer(200, {"access": "user", "museums": []})
        elif parts.path == f"{API}locales":
            self._answer(200, {"locales": list(LOCALES)})
        elif found := self.customers.find(unquote(parts.path.removeprefix(f"{CUSTOMERS}/"))):
            self._answer(200, {"customer": found})
        else:
            self._answer(404, {"error": "Customer not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(201, self.customers.create(body["customer"]))

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Calls)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
