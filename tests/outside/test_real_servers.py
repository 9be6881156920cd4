"""Sources served by programs that nobody here wrote: Datasette over a SQLite file, and json-server."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from museum import Museum, member, sqlite_url
from parts import leave_out, npm_install

from syncd.domain.runs import Status
from syncd.errors import IncompleteRead
from syncd.sources.base import ReadKind
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.source import RestSource

JSON_SERVER = "json-server@0.17.4"
# json-server on a port that is free, which it tells.
SERVE = """
const jsonServer = require('json-server');
const server = jsonServer.create();
server.use(jsonServer.defaults({ logger: false }));
server.use(jsonServer.router(process.argv[1]));
const listening = server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listening.address().port}`));
"""
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def running(*command: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address, once it has told it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options) as process:
        try:
            assert process.stdout
            lines = (line for line in process.stdout if "127.0.0.1:0" not in line)  # where it is asked to be
            yield process, next(found[0] for line in lines if (found := ADDRESS.search(line)))
        finally:
            process.kill()


def source_at(url: str, **options: Any) -> RestSource:
    parsed = RestOptions.model_validate({"type": "rest", "url": url, "attempts": 1, **options})
    return RestSource(parsed, base=Path(), sleep=stay_awake, clock=lambda: datetime.now(UTC))


def stay_awake(seconds: float) -> None:
    """No call is tried again; whether it is time to stop is asked while an answer is waited for."""
    assert seconds == 0


def ids(source: RestSource, cursor: str | None = None) -> list[object]:
    with source.open(cursor) as reading:
        return [record.values["id"] for record in reading]


def on_page(number: int, act: Callable[[], object], source: RestSource) -> None:
    """Read to the end; do something while this page is read."""
    with source.open() as reading:
        for record in reading:
            if str(record.position).endswith(f"page {number} record 1"):
                act()


# --- Datasette ---

ROWS = 5_000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("datasette") / "club.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table members (id integer primary key, surname text, updated_at text)")
        rows = ((number, f"Muster{number}", f"2026-03-01T{number // 250:02d}:00:00Z") for number in range(1, ROWS + 1))
        connection.executemany("insert into members values (?, ?, ?)", rows)
    return file


@pytest.fixture
def datasette(database: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = (sys.executable, "-u", "-m", "datasette", "serve", str(database), "-p", "0")
    with running(*command, env={**os.environ, "PYTHONWARNINGS": "ignore"}) as (process, url):
        yield process, f"{url}/club/members.json?_shape=objects&_size=500"


BY_URL = {"type": "next-url", "next": "next_url"}
BY_CURSOR = {"type": "cursor", "cursor_param": "_next", "cursor": "next"}


@pytest.mark.parametrize("pagination", [BY_URL, BY_CURSOR], ids=["next-url", "cursor"])
def test_datasette_is_read_whole(datasette: Any, pagination: Any) -> None:
    source = source_at(datasette[1], records="rows", pagination=pagination, total="filtered_table_rows_count")
    assert ids(source) == list(range(1, ROWS + 1))


def test_datasette_tells_what_has_changed_since(datasette: Any, database: Path) -> None:
    incremental = {"param": "updated_at__gte", "cursor": "updated_at", "overlap": "1h"}
    source = source_at(datasette[1], records="rows", pagination=BY_URL, incremental=incremental)
    with source.open() as reading:
        assert len(list(reading)) == ROWS
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update members set updated_at = '2026-03-02T00:00:00Z' where id = 7")
    with source.open(reading.cursor) as changes:
        assert changes.kind is ReadKind.CHANGES
        assert [record.values["id"] for record in changes] == [7, *range(4750, ROWS + 1)]
    assert changes.cursor
    assert json.loads(changes.cursor)["changed"] == "2026-03-02T00:00:00Z"


def test_datasette_killed_in_the_middle_is_no_complete_read(datasette: Any) -> None:
    process, url = datasette

    def kill() -> None:
        process.kill()
        process.wait()

    with pytest.raises(IncompleteRead, match=r"members\.json page 4: ") as broken:
        on_page(3, kill, source_at(url, records="rows", pagination=BY_URL))
    assert "_next" not in str(broken.value)


def test_a_table_that_datasette_does_not_have_is_told(datasette: Any) -> None:
    with pytest.raises(IncompleteRead, match="404"):
        ids(source_at(datasette[1].replace("members", "nobody"), records="rows", pagination=BY_URL))


def test_an_error_that_datasette_tells_is_no_list(datasette: Any) -> None:
    with pytest.raises(IncompleteRead, match="400"):
        ids(source_at(datasette[1].replace("500", "5000"), records="rows", pagination=BY_URL))


# --- json-server ---


@pytest.fixture(scope="session")
def json_server(request: pytest.FixtureRequest) -> Path:
    """Where json-server is installed; kept between runs, for npm takes its time."""
    folder = Path(request.config.cache.mkdir(JSON_SERVER.replace("@", "-")))
    is_there = (folder / "node_modules/json-server/package.json").exists()
    if not is_there and (reason := npm_install(folder, JSON_SERVER)):
        leave_out("NPM", f"no json-server: {reason}")
    if shutil.which("node") is None:
        leave_out("NPM", "no json-server: there is no node: apt-get install npm")
    return folder


class Contacts:
    """The list of a json-server that runs; it is edited as everybody edits it, over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/contacts"

    def add(self, contact: object) -> None:
        httpx.post(self.url, json=contact).raise_for_status()

    def change(self, id: object, **fields: object) -> None:
        httpx.patch(f"{self.url}/{id}", json=fields).raise_for_status()

    def remove(self, id: object) -> None:
        httpx.delete(f"{self.url}/{id}").raise_for_status()


@pytest.fixture
def contacts(json_server: Path, tmp_path: Path) -> Iterator[Contacts]:
    file = tmp_path / "db.json"
    file.write_text(json.dumps({"contacts": [member(number) for number in range(1, 96)]}))
    with running("node", "-e", SERVE, str(file), cwd=json_server) as (_, url):
        yield Contacts(url)


TEN = {"params": {"_page": 1, "_limit": 10}}
WAYS = {
    "link-header": {**TEN, "pagination": {"type": "link-header"}},
    "page": {"pagination": {"type": "page", "page_param": "_page", "size_param": "_limit", "size": 10}},
    "page without size": {"pagination": {"type": "page", "page_param": "_page", "size_param": ""}},
    "offset": {"pagination": {"type": "offset", "offset_param": "_start", "limit_param": "_limit", "limit": 10}},
    "all at once": {},
}
TOTAL = {"total": "header:X-Total-Count"}


@pytest.mark.parametrize("total", [{}, TOTAL], ids=["", "with total"])
@pytest.mark.parametrize("way", WAYS)
def test_json_server_is_read_whole(contacts: Contacts, way: str, total: Any) -> None:
    if way == "all at once":
        total = {}  # it tells none then
    assert ids(source_at(contacts.url, **WAYS[way], **total)) == [f"{number:04d}" for number in range(1, 96)]


def test_pages_that_are_not_asked_for_are_noticed(contacts: Contacts) -> None:
    with pytest.raises(IncompleteRead, match="more pages"):
        ids(source_at(contacts.url, **TEN))


@pytest.mark.parametrize("way", ["link-header", "page", "offset"])
def test_a_contact_removed_while_it_is_read_shifts_the_pages(contacts: Contacts, way: str) -> None:
    with pytest.raises(IncompleteRead, match="the total went from 95 to 94"):
        on_page(3, lambda: contacts.remove("0005"), source_at(contacts.url, **WAYS[way], **TOTAL))


@pytest.mark.parametrize("way", ["page", "offset"])
def test_a_contact_added_while_it_is_read_may_shift_the_pages(contacts: Contacts, way: str) -> None:
    with pytest.raises(IncompleteRead, match="the total went from 95 to 96"):
        on_page(3, lambda: contacts.add(member(96)), source_at(contacts.url, **WAYS[way], **TOTAL))


@pytest.mark.parametrize("way", ["link-header", "page"])
def test_customers_follow_what_is_edited_in_json_server(contacts: Contacts, tmp_path: Path, way: str) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.shelf = source_at(contacts.url, **WAYS[way], **TOTAL)  # type: ignore[assignment]
    with closing(museum):
        assert museum.run().counts["create"] == 95
        contacts.change("0003", phone="+493023125999")
        contacts.remove("0004")
        contacts.add(member(96))
        edited = museum.run()
        assert (edited.status, {name: edited.counts.get(name) for name in ("create", "update", "delete")}) == (
            Status.DONE,
            {"create": 1, "update": 1, "delete": 1},
        )
        names = {customer.foreign_id for customer in museum.sandbox.customers}
    assert names == {f"M-{number:04d}" for number in range(1, 97) if number != 4}
