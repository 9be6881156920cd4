"""A go~mus that answers each call after the same time, whatever is asked, and counts the calls by kind.

One process of its own with one thread, for what it uses must not slow down whoever is measured. It keeps customers as
they are sent, with unique foreign_ids; `GET /counted` answers what was counted since it was last asked, and how many
customers there are; `GET /shown` answers all of them, and the foreign_ids that were ever given to two. `python
timed_gomus.py MILLISECONDS INSTANCES` serves so many, each at a port of its own; with `twice` behind it a foreign_id
that is taken is given again, as a go~mus without a unique index would.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from syncd.sandbox.answers import list_page
from syncd.sandbox.customers import BLANK
from syncd.sandbox.reference import COUNTRIES, LOCALES, SALUTATIONS, TITLES

API = "/api/v4"
LISTS = {
    f"{API}/customers/salutations": [{"id": number, "name": names["de"]} for number, names in SALUTATIONS.items()],
    f"{API}/customers/titles": [{"id": number, "name": names["de"]} for number, names in TITLES.items()],
    f"{API}/countries": [{"id": number, "name": name, "code": code} for number, (code, name) in COUNTRIES.items()],
}
CUSTOMERS = f"{API}/customers"
KINDS = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
Answer = tuple[HTTPStatus, Any]
MISSING: Answer = (HTTPStatus.NOT_FOUND, {"error": "Not found"})
TAKEN: Answer = (HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {"foreign_id": ["has already been taken"]}})


@dataclass(slots=True)
class Customers:
    is_unique: bool = True
    ever: Counter[str] = field(default_factory=Counter)  # how many were created with a foreign_id, also the deleted
    by_number: dict[int, dict[str, Any]] = field(default_factory=dict)
    by_foreign_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1_000_001))

    def answer(self, method: str, name: str, body: Any) -> Answer:
        if method == "POST":
            return self._create(body["customer"])
        if method == "PUT" and not name:
            sent = body["customer"]
            changed = [self._change(self.by_foreign_id.get(one["foreign_id"]), one) for one in sent]
            return (HTTPStatus.OK, {"customers": changed}) if None not in changed else MISSING
        customer = self.by_number.get(int(name)) if name.isdecimal() else None
        customer = customer or self.by_foreign_id.get(name)
        if customer is None:
            return MISSING
        if method == "PUT":
            self._change(customer, body["customer"])
        if method == "DELETE":
            del self.by_number[customer["id"]]
            self.by_foreign_id.pop(customer["foreign_id"] or "", None)
            return HTTPStatus.NO_CONTENT, None
        return HTTPStatus.OK, {"customer": customer}

    def shown(self) -> dict[str, Any]:
        twice = [name for name, times in self.ever.items() if times > 1]
        return {"customers": list(self.by_number.values()), "twice": twice}

    def _create(self, sent: Any) -> Answer:
        entries = sent if isinstance(sent, list) else [sent]
        if self.is_unique and any(one["foreign_id"] in self.by_foreign_id for one in entries):
            return TAKEN
        for one in entries:
            customer = {"id": next(self.numbers), **BLANK, **one}
            self.ever[one["foreign_id"]] += 1
            self.by_number[customer["id"]] = self.by_foreign_id[one["foreign_id"]] = customer
        made = [self.by_foreign_id[one["foreign_id"]] for one in entries]
        return HTTPStatus.CREATED, {"customers": made} if isinstance(sent, list) else {"customer": made[0]}

    def _change(self, customer: dict[str, Any] | None, fields: dict[str, Any]) -> dict[str, Any] | None:
        if customer is not None:
            self.by_foreign_id.pop(customer["foreign_id"] or "", None)
            customer.update(fields)
            self.by_foreign_id[customer["foreign_id"]] = customer
        return customer


@dataclass(slots=True)
class Counted:
    calls: Counter[str] = field(default_factory=Counter)
    began: float | None = None
    ended: float = 0.0
    now: int = 0
    most: int = 0


class Server:
    def __init__(self, seconds: float, *, is_unique: bool) -> None:
        self._seconds = seconds
        self._customers: dict[str, Customers] = defaultdict(lambda: Customers(is_unique=is_unique))
        self._counted: dict[str, Counted] = defaultdict(Counted)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head_of(reader):
            method, path, _ = head[0].split(" ")
            lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
            body = json.loads(await reader.readexactly(int(lengths[0]))) if lengths and int(lengths[0]) else None
            host = next(line for line in head if line.lower().startswith("host:"))
            if path == "/counted":
                answer = self._take_counted(host)
            elif path == "/shown":
                answer = HTTPStatus.OK, self._customers[host].shown()
            elif urlsplit(path).path in LISTS:
                answer = HTTPStatus.OK, _page_of_list(path)
            elif path.startswith(CUSTOMERS):
                answer = await self._count(host, method, path.removeprefix(CUSTOMERS).lstrip("/"), body)
            else:
                answer = HTTPStatus.OK, {"access": "user", "museums": [], "locales": list(LOCALES)}
            said = b"" if answer[1] is None else json.dumps(answer[1]).encode()
            lines = (f"HTTP/1.1 {answer[0].value} x", "Content-Type: application/json", f"Content-Length: {len(said)}")
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + said)
        writer.close()

    async def _count(self, host: str, method: str, name: str, body: object) -> Answer:
        counted, arrived = self._counted[host], monotonic()
        counted.began = counted.began or arrived
        counted.now += 1
        counted.most = max(counted.most, counted.now)
        answer = self._customers[host].answer(method, unquote(name), body)
        await asyncio.sleep(arrived + self._seconds - monotonic())
        counted.now -= 1
        counted.ended = monotonic()
        counted.calls[KINDS[method]] += 1
        return answer

    def _take_counted(self, host: str) -> Answer:
        counted, self._counted[host] = self._counted[host], Counted()
        span = counted.ended - (counted.began or counted.ended)
        customers = len(self._customers[host].by_number)
        return HTTPStatus.OK, {"calls": counted.calls, "span": span, "most": counted.most, "customers": customers}


def _page_of_list(path: str) -> object:
    parts = urlsplit(path)
    page = int(parse_qs(parts.query).get("page", ["1"])[0])
    return list_page(parts.path.rpartition("/")[2], LISTS[parts.path], page, 25)


async def _head_of(reader: asyncio.StreamReader) -> list[str]:
    """Empty where the connection has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return []
    return head.decode("latin-1").split("\r\n")


async def main(milliseconds: int, instances: int, *, is_unique: bool) -> None:
    serve = Server(milliseconds / 1000, is_unique=is_unique).serve
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20) for _ in range(instances)]
    print(*(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 1, is_unique="twice" not in sys.argv))
