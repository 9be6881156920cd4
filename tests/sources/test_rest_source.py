"""The source `rest`, over HTTP, against a CRM that pages in every way and breaks in every way."""

import http.server
import json
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from crm import PAGINATIONS, Crm, open_crm, path_of
from flask import Response, request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rude import black_hole
from source_contract import SourceContract, read
from stop import interrupted

from syncd.domain.records import SourceRecord
from syncd.errors import IncompleteRead, Stopped
from syncd.sources.base import ReadKind
from syncd.sources.cursors.numbers import LatestNumber, NumberCursor, parse_number_cursor
from syncd.sources.rest.auth import Token
from syncd.sources.rest.links import next_link
from syncd.sources.rest.options import ApiKey, Bearer, OAuth2, RestOptions
from syncd.sources.rest.source import RestSource

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def crm() -> Crm:
    return Crm(records=[{"id": number, "name": f"Zzname{number}"} for number in range(1, 26)])


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def source_at(crm: Crm, waits: list[float]) -> Iterator[Callable[..., RestSource]]:
    with open_crm(crm) as url:

        def source_at(kind: str = "pages", **options: Any) -> RestSource:
            table = {"url": url + path_of(kind), "attempts": 2, **PAGINATIONS[kind], **options}
            if "auth" in table and table["auth"]["type"] == "oauth2":
                table["auth"] = {"token_url": url + "/token", "client_id": "syncd", **table["auth"]}
            parsed = RestOptions.model_validate({"type": "rest", **table})
            return RestSource(parsed, base=Path(), sleep=waits.append, clock=lambda: NOW)

        yield source_at


def ids(records: list[SourceRecord]) -> list[object]:
    return [record.values["id"] for record in records]


def refused(source: RestSource, cursor: str | None = None) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught, source.open(cursor) as reading:
        list(reading)
    assert caught.value.remedy
    assert "Zzname" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert "?" not in str(caught.value).split(":")[0]
    return caught.value


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, crm, source_at):
        def source_of(rows, columns=None):
            crm.records = rows
            return source_at("pages")

        return source_of

    @pytest.fixture
    def cut_short(self, crm, source_at):
        def cut_short(rows):
            crm.records, crm.misbehave = rows, lambda number, good: good if number == 1 else Response("{", 200)
            return source_at("pages")

        return cut_short

    @pytest.fixture
    def nowhere(self, source_at):
        return source_at("pages", url="http://127.0.0.1:1/api/pages")


# --- pages ---


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_every_pagination_reads_everything_once_and_in_order(crm: Crm, source_at: Any, kind: str) -> None:
    assert ids(read(source_at(kind))) == list(range(1, 26))


def test_a_record_is_found_again_by_its_page_and_number(source_at: Any) -> None:
    assert str(read(source_at())[7].position) == "pages page 3 record 2"


def test_a_server_that_gives_less_than_it_is_asked_for_is_read_to_its_end(crm: Crm, source_at: Any) -> None:
    read(source_at("pages-with-size"))
    assert crm.asked[0] == {"page": "1", "per_page": "100"}
    assert len(crm.asked) == 10


def test_a_total_spares_the_question_for_the_empty_page(crm: Crm, source_at: Any) -> None:
    read(source_at("pages-with-total"))
    assert len(crm.asked) == 9


def test_a_page_behind_the_last_may_be_missing(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda number, good: good if number < 10 else Response("{}", 404)
    assert len(read(source_at())) == 25


def test_params_and_headers_go_along(crm: Crm, source_at: Any) -> None:
    read(source_at("all", params={"fields": "id,name", "active": True}, headers={"X-Tenant": "museum"}))
    assert crm.asked[0] == {"fields": "id,name", "active": "true"}
    assert crm.headers[0]["X-Tenant"] == "museum"


def test_parameters_reach_places_deep_in_the_body(crm: Crm, source_at: Any) -> None:
    pagination = {"type": "cursor", "cursor_param": "page.0.after", "cursor": "none", "in": "body"}
    incremental = {"param": "where.since", "cursor": "updated_at", "in": "body"}
    crm.records = [{"id": 1, "updated_at": "2026-11-23T10:00:00Z"}]
    source = source_at("query", json={"page": [{}]}, pagination=pagination, incremental=incremental)
    with source.open('{"changed": "2026-11-23T10:00:00Z", "lag": 0}') as reading:
        assert ids(list(reading)) == [1]
    assert crm.bodies[0] == {"page": [{}], "where": {"since": "2026-11-23T09:55:00Z"}}


def test_a_body_can_go_as_a_form(crm: Crm, source_at: Any) -> None:
    pagination = {"type": "offset", "in": "body", "offset_param": "params.offset"}
    assert len(read(source_at("query", form=True, json={"params": {"x": [1]}}, pagination=pagination))) == 25
    assert json.loads(crm.bodies[1]["params"]) == {"x": [1], "offset": 3}


# --- who asks ---


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "s3cret"},
        {"type": "basic", "username": "u", "password": "s3cret"},
        {"type": "api-key", "header": "api-key", "value": "s3cret"},
        {"type": "api-key", "query": "apikey", "value": "s3cret"},
        {"type": "oauth2", "client_secret": "s3cret"},
    ],
    ids=lambda auth: "-".join(list(auth)[:2]) + auth["type"],
)
def test_every_kind_of_credentials(crm: Crm, source_at: Any, auth: dict[str, str]) -> None:
    crm.token = "s3cret"
    assert len(read(source_at(auth=auth))) == 25
    wrong = {name: "wr0ng" if value == "s3cret" else value for name, value in auth.items()}
    error = refused(source_at(auth=wrong))
    assert "wr0ng" not in str(error)
    assert "401" in error.message


def test_no_option_shows_a_secret(source_at: Any) -> None:
    source = source_at(auth={"type": "bearer", "token": "s3cret"}, params={"key": "s3cret"}, headers={"K": "s3cret"})
    assert "s3cret" not in repr(source.options)


def test_an_expired_token_is_renewed_in_the_middle_of_a_read(crm: Crm, source_at: Any) -> None:
    crm.token, crm.tokens_last = "s3cret", 4
    assert len(read(source_at(auth={"type": "oauth2", "client_secret": "s3cret"}))) == 25
    assert crm.tokens_given == 3


def test_a_token_is_renewed_before_it_expires(crm: Crm, source_at: Any) -> None:
    crm.token, crm.expires_in = "s3cret", 0
    assert len(read(source_at(auth={"type": "oauth2", "client_secret": "s3cret"}))) == 25
    assert crm.tokens_given == 10


@pytest.mark.parametrize("place", ["next", "redirect"])
@pytest.mark.parametrize("elsewhere", ["another name", "another port", "another scheme"])
def test_credentials_go_to_no_other_host(crm: Crm, source_at: Any, place: str, elsewhere: str) -> None:
    crm.token = "s3cret"
    other = Crm(records=[{"id": 99}])
    with open_crm(other) as url:
        home = source_at("next").options.url.rsplit("/", 1)[0]
        target = {
            "another name": home.replace("127.0.0.1", "localhost"),
            "another port": url,
            "another scheme": home.replace("http:", "https:"),
        }[elsewhere] + "/next"
        body = json.dumps({"records": [{"id": 1}], "nextRecordsUrl": target})
        answer = Response(body) if place == "next" else Response(status=302, headers={"Location": target})
        crm.misbehave = lambda _number, _good: answer
        error = refused(source_at("next", auth={"type": "bearer", "token": "s3cret"}))
    assert "another host" in error.message
    assert other.asked == []


def test_a_redirect_at_home_is_followed(crm: Crm, source_at: Any) -> None:
    def move(number: int, good: Response) -> Response:
        return Response(status=307, headers={"Location": "/api/all?moved=1"}) if number == 1 else good

    crm.misbehave = move
    assert len(read(source_at("all"))) == 25
    assert crm.asked[1] == {"moved": "1"}


def test_a_redirect_without_end_is_given_up(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, _good: Response(status=307, headers={"Location": "/api/all"})
    assert "without end" in refused(source_at("all")).message


# --- what breaks ---


def at_page_7(answer: Callable[[Response], Response]) -> Callable[[int, Response], Response]:
    return lambda number, good: answer(good) if number >= 7 else good


FAILURES = {
    "server error": (at_page_7(lambda _good: Response("boom", 500)), "the source failed (500)"),
    "cut short": (at_page_7(lambda good: Response(good.get_data()[:-9])), "no JSON, or is cut short"),
    "login page": (at_page_7(lambda _good: Response("<!doctype html><h1>Login</h1>", 200)), "a web page or XML"),
    "nothing": (at_page_7(lambda _good: Response("")), "answers nothing"),
    "an error with status 200": (at_page_7(lambda _good: Response('{"error": "x"}')), "no list under records"),
    "forbidden": (at_page_7(lambda _good: Response("{}", 403)), "(403)"),
    "throttled": (at_page_7(lambda _good: Response("{}", 429, {"Retry-After": "3"})), "(429)"),
    "no such page": (at_page_7(lambda _good: Response("{}", 400)), "(400)"),
}


@pytest.mark.parametrize(("misbehave", "words"), FAILURES.values(), ids=FAILURES)
def test_a_failure_on_page_7_is_an_incomplete_read_that_says_where(
    crm: Crm, source_at: Any, misbehave: Any, words: str
) -> None:
    crm.misbehave = misbehave
    error = refused(source_at())
    assert error.place.startswith("pages page 7")
    assert words in error.message


def test_what_was_read_before_a_failure_has_come(crm: Crm, source_at: Any) -> None:
    crm.misbehave = at_page_7(lambda _good: Response("boom", 500))
    came = []
    with source_at().open() as reading, pytest.raises(IncompleteRead):
        came.extend(record for record in reading)
    assert ids(came) == list(range(1, 19))


def test_a_passing_trouble_is_tried_again(crm: Crm, source_at: Any, waits: list[float]) -> None:
    crm.misbehave = lambda number, good: Response("", 503, {"Retry-After": "7"}) if number == 3 else good
    assert len(read(source_at())) == 25
    assert [round(wait) for wait in waits] == [7]


def test_a_cut_connection_is_tried_again(crm: Crm, source_at: Any, waits: list[float]) -> None:
    def cut(number: int, good: Response) -> Response:
        if number == 3:
            good.headers["Content-Length"] = str(len(good.get_data()) + 10)
        return good

    crm.misbehave = cut
    assert len(read(source_at(timeout="2s"))) == 25
    assert len(waits) == 1


def test_whoever_asks_for_a_day_of_patience_is_left_in_peace(crm: Crm, source_at: Any, waits: list[float]) -> None:
    crm.misbehave = lambda _number, _good: Response("", 429, {"Retry-After": "86400"})
    assert "(429)" in refused(source_at()).message
    assert waits == []


def test_a_page_that_comes_again_is_a_list_that_goes_round(crm: Crm, source_at: Any) -> None:
    source = source_at(pagination={"type": "page", "page_param": "seite"})
    error = refused(source)
    assert (error.place, error.message) == ("pages page 2", "pages page 2: comes a second time")


def test_a_cursor_that_comes_again_is_a_list_that_goes_round(crm: Crm, source_at: Any) -> None:
    body = json.dumps({"results": [], "paging": {"next": {"after": "1"}}})
    crm.misbehave = lambda number, good: good if number == 1 else Response(body)
    assert "a second time" in refused(source_at("cursors")).message


@pytest.mark.parametrize("kind", ["pages-with-total", "offsets-with-total"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_total_that_changes_while_a_list_is_read_is_a_shift(crm: Crm, source_at: Any, kind: str, by: int) -> None:
    def shift(number: int, good: Response) -> Response:
        if number == 3:
            crm.records = crm.records[1:] if by < 0 else [{"id": 0}, *crm.records]
        return good

    crm.misbehave = shift
    assert "the total went from 25 to" in refused(source_at(kind)).message


def test_fewer_records_than_the_total_are_not_all(crm: Crm, source_at: Any) -> None:
    body = {"data": {"items": []}, "meta": {"total_count": 25}}
    crm.misbehave = at_page_7(lambda _good: Response(json.dumps(body)))
    assert "18 of 25 records came" in refused(source_at("pages-with-total")).message


def test_a_total_that_is_not_told_is_an_error(source_at: Any) -> None:
    assert "tells no total" in refused(source_at("pages", total="meta.count")).message


def test_an_answer_that_is_too_large_is_not_taken_in(crm: Crm, source_at: Any) -> None:
    crm.records[4]["notes"] = "x" * 10_000_000
    error = refused(source_at(max_response=5))
    assert "larger than 5 MB" in error.message
    assert error.place == "pages page 2"


def test_more_pages_than_are_asked_for_are_noticed(source_at: Any) -> None:
    assert "more pages" in refused(source_at("links", pagination=None)).message


def test_it_asks_no_faster_than_it_may(source_at: Any, waits: list[float]) -> None:
    read(source_at(requests_per_second=10))
    assert len(waits) == 9
    assert max(waits) > 0.5


@pytest.mark.parametrize("kind", ["pages-with-total", "offsets-with-total"])
def test_a_total_that_counts_something_else_ends_no_list(crm: Crm, source_at: Any, kind: str) -> None:
    crm.cap = 4
    assert "8 records came, and the total is 4" in refused(source_at(kind, total="length(data.items)")).message
    crm.misbehave = lambda _number, good: Response(good.get_data(), headers={"Pages": "7"})
    assert "8 records came, and the total is 7" in refused(source_at(kind, total="header:Pages")).message


def test_where_the_source_leads_a_small_total_ends_no_list(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, good: (good.headers.add("Total", "3"), good)[1]
    assert len(read(source_at("links", total="header:Total"))) == 25


def test_a_page_that_is_missing_after_a_full_one_may_be_a_server_that_is_away(crm: Crm, source_at: Any) -> None:
    crm.misbehave = at_page_7(lambda _good: Response("{}", 404))
    assert "need not be the last" in refused(source_at()).message


def test_the_source_may_say_whether_there_is_more(crm: Crm, source_at: Any) -> None:
    def tell(number: int, good: Response) -> Response:
        return Response(json.dumps({**json.loads(good.get_data()), "page": number, "pages": 9}))

    crm.misbehave = tell
    pagination = {"type": "page", "size_param": "", "more": "page < pages"}
    assert len(read(source_at(pagination=pagination))) == 25
    assert len(crm.asked) == 9
    assert "neither true nor false" in refused(source_at(pagination={**pagination, "more": "has_more"})).message


@pytest.mark.parametrize(("pages", "asked"), [(9, 9), (1, 1)])
def test_beside_a_cursor_too_the_source_may_say_whether_there_is_more(
    crm: Crm, source_at: Any, pages: int, asked: int
) -> None:
    def tell(number: int, good: Response) -> Response:
        told = {**json.loads(good.get_data()), "more": number < pages}
        return Response(json.dumps({**told, "paging": {"next": {"after": str(3 * number)}}}))

    crm.misbehave = tell
    pagination = {"type": "cursor", "cursor_param": "after", "cursor": "paging.next.after", "more": "more"}
    read(source_at("cursors", pagination=pagination))
    assert len(crm.asked) == asked


@pytest.mark.parametrize("options", [
    {"records": "length(data.nothing)"},
    {"total": "length(meta.nothing)"},
    {"deleted": "contains(nothing, name)"},
    {"pagination": {"type": "cursor", "cursor_param": "x", "cursor": "length(nothing)"}},
    {"pagination": {"type": "next-url", "next": "abs(data)"}},
    {"incremental": {"param": "since", "cursor": "abs(name)"}},
])  # fmt: skip
def test_an_expression_that_does_not_fit_is_told_by_its_key(source_at: Any, options: dict[str, Any]) -> None:
    assert "can't be applied to what came" in refused(source_at(**options)).message


@pytest.mark.parametrize("address", ["http://[::1", "//\x00", 7, ["/api/next"], "http://127.0.0.1:1e9/"])
def test_a_next_page_without_an_address_is_not_the_last(crm: Crm, source_at: Any, address: object) -> None:
    body = json.dumps({"records": [{"id": 1}], "nextRecordsUrl": address})
    crm.misbehave = lambda _number, _good: Response(body)
    assert "address is none" in refused(source_at("next")).message


@pytest.mark.parametrize("cursor", [{"id": 1}, [1], True])
def test_a_cursor_that_is_none_is_not_the_end(crm: Crm, source_at: Any, cursor: object) -> None:
    body = json.dumps({"results": [{"id": 1}], "paging": {"next": {"after": cursor}}})
    crm.misbehave = lambda _number, _good: Response(body)
    assert "no cursor" in refused(source_at("cursors")).message


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</a>; rel="next"', "/a"),
        ("</a>; rel=next", "/a"),
        ('</a?x=1,2;3>; title="a, b; c=d"; REL="last Next"', "/a?x=1,2;3"),
        ('</a>; rel="prev", </b>; rel="next"; rel="last"', "/b"),
        ('</a>; rel="next"; anchor="#x"', None),
        ('</a>; rel="prev"; rel="next"', None),
        ("</a>; rel=nextish", None),
        ("", None),
        ("no link", None),
    ],
)
def test_links_are_read_as_they_are_written(header: str, target: str | None) -> None:
    assert next_link(httpx.Headers({"Link": header})) == target


@pytest.mark.parametrize("token", ["two\nlines", "nul\0"])
@pytest.mark.parametrize("type_name", ["bearer", "api-key"])
def test_a_credential_that_cannot_be_sent_is_not_quoted(source_at: Any, type_name: str, token: str) -> None:
    auth = {"type": "bearer", "token": token}
    if type_name == "api-key":
        auth = {"type": type_name, "header": "api-key", "value": token}
    error = refused(source_at(auth=auth))
    assert "letters that can't be sent" in error.message
    assert token not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize("cursor", ["Zzname\ud800", "Zzname" * 20_000])
def test_a_cursor_that_cannot_be_sent_is_not_quoted(crm: Crm, source_at: Any, cursor: str) -> None:
    body = json.dumps({"results": [{"id": 1}], "paging": {"next": {"after": cursor}}})
    crm.misbehave = lambda _number, _good: Response(body)
    assert "can't be asked for" in refused(source_at("cursors")).message


def test_a_gateway_that_fails_in_its_own_way_is_tried_again(crm: Crm, source_at: Any, waits: list[float]) -> None:
    crm.misbehave = lambda number, good: Response("", 522) if number == 3 else good
    assert len(read(source_at())) == 25
    assert len(waits) == 1


def test_waiting_for_one_answer_is_bounded_as_a_whole(crm: Crm, source_at: Any, waits: list[float]) -> None:
    crm.misbehave = lambda _number, _good: Response("", 429, {"Retry-After": "120"})
    refused(source_at(attempts=10))
    assert [round(wait / 10) for wait in waits] == [12, 12]


@pytest.mark.parametrize("options", [{}, {"requests_per_second": 0.01}])
def test_a_wait_that_is_cut_short_is_followed_by_no_question(
    crm: Crm, source_at: Any, options: dict[str, float]
) -> None:
    crm.misbehave = lambda _number, good: good if options else Response("", 429, {"Retry-After": "120"})
    source = source_at(**options)
    source.sleep = interrupted
    with pytest.raises(Stopped):
        read(source)
    assert len(crm.asked) == 1


def test_an_answer_that_is_not_compressed_as_it_says_is_told(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, _good: Response("plain", headers={"Content-Encoding": "gzip"})
    assert "not compressed" in refused(source_at()).message


@pytest.mark.parametrize(
    ("body", "content_type", "name"),
    [
        ("[{'id': 'Jörg'}]".replace("'", '"').encode(), "application/json; charset=iso-8859-1", "Jörg"),
        ("[{'id': 'Jörg'}]".replace("'", '"').encode("latin-1"), "application/json; charset=iso-8859-1", "Jörg"),
        ("\ufeff[{'id': 'Jörg'}]".replace("'", '"').encode(), "application/json", "Jörg"),
    ],
)
def test_letters_are_utf_8_and_only_else_what_the_server_calls_them(
    crm: Crm, source_at: Any, body: bytes, content_type: str, name: str
) -> None:
    crm.misbehave = lambda _number, _good: Response(body, content_type=content_type)
    assert ids(read(source_at("all"))) == [name]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[{'id': 'Jörg'}]".replace("'", '"').encode("latin-1"), "not UTF-8"),
        (b'[{"id": nan}]', "no JSON"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_json_is_told(crm: Crm, source_at: Any, body: bytes, words: str) -> None:
    crm.misbehave = lambda _number, _good: Response(body, content_type="application/json")
    assert words in refused(source_at("all")).message


def test_a_source_whose_packets_vanish_is_tried_three_times(source_at: Any) -> None:
    began = time.monotonic()
    with black_hole() as url:
        source = source_at(url=f"{url}/list", timeout="1s", attempts=5)
        with pytest.raises(IncompleteRead) as caught, source.open(None) as reading:
            list(reading)
    words = "no connection to the source at 127.0.0.1: no answer in time"
    assert (words in caught.value.message, time.monotonic() - began < 5) == (True, True)


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n["])
def test_an_answer_that_drips_is_given_up(source_at: Any, monkeypatch: Any, beginning: bytes) -> None:
    monkeypatch.setattr("syncd.sources.rest.web.LONGEST_TRY", 0.3)
    stopped = threading.Event()

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                self.request.sendall(beginning)
                while not stopped.wait(0.05):
                    self.request.sendall(b" ")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            error = refused(source_at(url=f"http://127.0.0.1:{server.server_address[1]}/list", timeout="1s"))
        finally:
            stopped.set()
            server.shutdown()
    assert "in time" in error.message


def test_a_token_that_is_not_given_is_told_in_the_words_of_the_standard(crm: Crm, source_at: Any) -> None:
    crm.token = "s3cret"
    error = refused(source_at(auth={"type": "oauth2", "client_secret": "wr0ng"}))
    assert (error.place, "(401, invalid_client)" in error.message) == ("auth.token_url", True)


def test_who_signs_shows_nothing() -> None:
    options = [
        Bearer(type="bearer", token="s3cret"),
        ApiKey(type="api-key", query="k", value="s3cret"),
        OAuth2(type="oauth2", token_url="https://x.example.org", client_id="c", client_secret="s3cret"),
    ]
    token = Token(options[-1], lambda: 0.0)
    token.take({"access_token": "s3cret"})
    assert "s3cret" not in repr([token, *options])


def test_a_redirected_question_with_a_body_keeps_it(crm: Crm, source_at: Any) -> None:
    def move(number: int, good: Response) -> Response:
        return Response(status=307, headers={"Location": "/api/query"}) if number == 1 else good

    crm.misbehave = move
    assert len(read(source_at("query", form=True, json={"params": {}}, pagination=None))) == 3
    assert crm.bodies[0] == crm.bodies[1] == {"params": "{}"}
    crm.misbehave = lambda _number, _good: Response(status=302, headers={"Location": "/api/query"})
    assert "is redirected" in refused(source_at("query")).message


def test_a_list_of_values_goes_as_the_same_parameter_again(crm: Crm, source_at: Any) -> None:
    sent: list[str] = []
    crm.misbehave = lambda _number, good: (sent.append(request.query_string.decode()), good)[1]
    read(source_at("all", params={"field": ["id", "name"], "x": 1}))
    assert sent == ["field=id&field=name&x=1"]


def test_pages_may_have_shifted_wherever_there_are_several(source_at: Any) -> None:
    with source_at("links").open() as linked, source_at("all").open() as single:
        assert (linked.shifts, single.shifts) == (True, False)


# --- deletions and changes ---


def test_a_flag_tells_deletions(crm: Crm, source_at: Any) -> None:
    for record in crm.records:
        record["gone"] = record["id"] == 3
    assert [record.values["id"] for record in read(source_at(deleted="gone")) if record.deleted] == [3]


def test_a_flag_that_is_none_is_an_error(crm: Crm, source_at: Any) -> None:
    crm.records[3]["gone"] = "2026-01-01"
    assert "neither true nor false" in refused(source_at(deleted="gone")).message
    assert [record.deleted for record in read(source_at(deleted="gone != null"))].count(True) == 1


INCREMENTAL = {"param": "updated_since", "cursor": "updated_at", "overlap": "5m", "full_every": "7d"}


def changed(crm: Crm, *times: str) -> None:
    crm.records = [{"id": number, "updated_at": time} for number, time in enumerate(times, start=1)]


def read_on(source: RestSource, cursor: str | None) -> tuple[list[object], str | None, ReadKind]:
    with source.open(cursor) as reading:
        return ids(list(reading)), reading.cursor, reading.kind


def test_the_first_read_is_a_snapshot_and_the_next_tells_changes(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z")
    source = source_at("pages", incremental=INCREMENTAL)
    found, cursor, kind = read_on(source, None)
    assert (found, kind) == ([1, 2, 3], ReadKind.SNAPSHOT)
    assert "updated_since" not in crm.asked[0]
    found, again, kind = read_on(source, cursor)
    assert (found, kind) == ([3], ReadKind.CHANGES)
    assert crm.asked[-1]["updated_since"].startswith("2026-11-22T09:5")
    assert json.loads(again or "")["changed"] == "2026-11-22T10:00:00Z"


def test_no_change_is_no_error_and_keeps_the_cursor(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z")
    cursor = '{"changed": "2026-11-21T10:00:00Z", "lag": 0.5}'
    assert read_on(source_at("pages", incremental=INCREMENTAL), cursor)[:2] == ([], cursor)


def test_a_cursor_of_another_make_reads_everything(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z")
    assert read_on(source_at("pages", incremental=INCREMENTAL), "17")[2] is ReadKind.SNAPSHOT


def test_the_bound_can_stand_within_a_larger_text(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z")
    incremental = {**INCREMENTAL, "param": "filter", "template": "modified ge {since}"}
    read_on(source_at("all", incremental=incremental), '{"changed": "2026-11-20T10:00:00Z", "lag": 0}')
    assert crm.asked[0] == {"filter": "modified ge 2026-11-20T09:55:00Z"}


@pytest.mark.parametrize(
    ("format_", "asked"),
    [
        ("as-read", "2026-11-20T10:55:00.123+01:00"),
        ("iso", "2026-11-20T09:55:00Z"),
        ("epoch", "1795168500"),
        ("epoch-ms", "1795168500123"),
    ],
)
def test_the_bound_can_be_spelled_otherwise_than_it_was_read(
    crm: Crm, source_at: Any, format_: str, asked: str
) -> None:
    changed(crm, "2026-11-20T11:00:00.123+01:00")
    source = source_at("all", incremental={**INCREMENTAL, "format": format_})
    read_on(source, '{"changed": "2026-11-20T11:00:00.123+01:00", "lag": 0}')
    assert crm.asked[0] == {"updated_since": asked}


def test_a_whole_read_can_ask_from_the_beginning(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z")
    incremental = {**INCREMENTAL, "template": "since:{since}", "beginning": "1970-01-01T00:00:00Z", "param": "q"}
    assert read_on(source_at("all", incremental=incremental), None)[2] is ReadKind.SNAPSHOT
    assert crm.asked[0] == {"q": "since:1970-01-01T00:00:00Z"}


def test_a_time_without_a_zone_cannot_be_spelled_otherwise(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00")
    source = source_at("pages", incremental={**INCREMENTAL, "format": "iso"})
    assert "have no zone" in refused(source).message


def test_a_wrong_path_to_the_time_of_change_is_an_error(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z")
    error = refused(source_at("pages", incremental={**INCREMENTAL, "cursor": "changed"}))
    assert "no record has a readable time" in error.message


def test_times_with_and_without_a_zone_cannot_be_ordered(crm: Crm, source_at: Any) -> None:
    changed(crm, "2026-11-20T10:00:00Z", "2026-11-20T10:00:00")
    assert "zone" in refused(source_at("pages", incremental=INCREMENTAL)).message


def test_no_content_is_no_change_but_no_list_either(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, _good: Response("", 204)
    source = source_at("pages", incremental=INCREMENTAL)
    cursor = '{"changed": "2026-11-21T10:00:00Z", "lag": 0.5}'
    assert read_on(source, cursor)[:2] == ([], cursor)
    assert "no list" in refused(source).message


def test_of_whom_is_gone_no_time_need_be_told(crm: Crm, source_at: Any) -> None:
    crm.records = [{"id": 1, "gone": True}]
    cursor = '{"changed": "2026-11-21T10:00:00Z", "lag": 0.5}'
    source = source_at("all", incremental={**INCREMENTAL, "param": "x"}, deleted="gone")
    assert read_on(source, cursor)[:2] == ([1], cursor)


def test_a_number_of_json_goes_back_as_one(crm: Crm, source_at: Any) -> None:
    crm.records = [{"id": 1, "changed": 1795341607}]
    incremental = {"param": "where.at", "in": "body", "cursor": "changed", "overlap": "1m"}
    source = source_at("query", incremental=incremental)
    cursor = read_on(source, None)[1]
    read_on(source, cursor)
    assert crm.bodies[-1]["where"] == {"at": 1795341607 - 60 - 1}  # a moment of reading counts as a second


def test_numbers_that_count_changes_are_followed(crm: Crm, source_at: Any) -> None:
    crm.records = [{"id": number, "revision": revision} for number, revision in ((1, 5), (2, 3), (3, 4), (4, 9))]
    source = source_at("pages", incremental={"param": "since", "cursor": "revision", "counts": True})
    cursor = read_on(source, None)[1]
    assert json.loads(cursor or "") == {"certain": 5, "latest": 9}
    cursor = read_on(source, cursor)[1]
    assert crm.asked[-1]["since"] == "4"
    assert json.loads(cursor or "") == {"certain": 9, "latest": 9}
    assert (
        "no record has a readable time"
        in refused(source_at("pages", incremental={**INCREMENTAL, "cursor": "revision"})).message
    )


@given(data=st.data())
def test_no_counted_change_is_missed_between_two_reads(data: st.DataObject) -> None:
    """Pages are answered one after the other, and records change in between; whoever changed comes in the next read."""
    revision = {record: record for record in range(6)}
    seen: dict[int, int] = {}
    cursor: NumberCursor | None = None
    for _ in range(4):
        since, latest = cursor.since(timedelta()) if cursor else 0, LatestNumber()
        for page in ((0, 1), (2, 3), (4, 5)):
            for record in page:
                if cursor is None or revision[record] >= since:
                    seen[record] = revision[record]
                    latest.take(revision[record], page[0] // 2 + 1)
            for record in data.draw(st.lists(st.integers(0, 5), max_size=2)):
                revision[record] = max(revision.values()) + 1
        before = cursor
        cursor = latest.cursor(cursor, timedelta())
        assert parse_number_cursor(str(cursor)) == cursor
        assert before is None or (cursor is not None and cursor.certain >= before.certain)
        missed = [record for record in revision if seen[record] != revision[record]]
        assert all(cursor is not None and revision[record] >= cursor.since(timedelta()) for record in missed)


# --- the configuration ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://crm.example.org/"}, "must begin with 'https://'"),
        ({"url": "https://u:p@crm.example.org/"}, "must not hold a user"),
        ({"url": "crm.example.org"}, "must be an address"),
        ({"records": "data..items"}, "not a JMESPath expression"),
        ({"headers": {"Authorization": "Bearer x"}}, "is a secret"),
        ({"json": {}}, 'needs method = "POST"'),
        ({"pagination": {"type": "offset", "in": "body"}}, 'needs method = "POST"'),
        ({"auth": {"type": "api-key", "value": "x"}}, "needs the header or the query parameter"),
        ({"incremental": {**INCREMENTAL, "template": "since"}}, "must hold {since}"),
        ({"incremental": {**INCREMENTAL, "beginning": "2020-01-01"}}, "would seem to be gone"),
        ({"incremental": {**INCREMENTAL, "format": "rfc"}}, "'as-read', 'iso', 'epoch' or 'epoch-ms'"),
        ({"headers": {"X-A": "a\nb"}}, "can't be sent"),
        ({"headers": {"X A": "a"}}, "no name of a header"),
        ({"total": "header:"}, "names no header"),
        (
            {"method": "POST", "json": {"x": 1}, "pagination": {"type": "page", "in": "body", "page_param": "x.y"}},
            "'x.y' leads nowhere in json",
        ),
    ],
)
def test_a_mistake_is_told_when_the_configuration_is_read(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RestOptions.model_validate({"type": "rest", "url": "https://crm.example.org/api", **options})
    assert words in str(caught.value)


# --- memory ---

READ_ALL = """
import re, sys, time
from datetime import UTC, datetime
from pathlib import Path
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.source import RestSource

options = RestOptions.model_validate({
    "type": "rest", "url": sys.argv[1], "records": "items", "total": "total",
    "pagination": {"type": "page", "size": 500},
    "incremental": {"param": "since", "cursor": "changed"},
})
source = RestSource(options, base=Path(), sleep=time.sleep, clock=lambda: datetime.now(UTC))
with source.open() as reading:
    count = sum(1 for _ in reading)
# Not getrusage(), whose figure begins with that of the process that started this one.
print(count, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


class _Many(http.server.BaseHTTPRequestHandler):
    """A list of 100,000 contacts of some 600 bytes, page by page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        size = int(asked["per_page"][0])
        start = (int(asked["page"][0]) - 1) * size
        items = [
            {"id": number, "changed": f"2026-11-20T{number % 24:02d}:00:00Z", "notes": f"{number} " + "x" * 520}
            for number in range(start, start + size)
        ]
        body = json.dumps({"total": 100_000, "items": items}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_a_hundred_thousand_records_are_read_in_little_memory() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Many) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/contacts"
            read_all = [sys.executable, "-c", READ_ALL, url]
            told = subprocess.run(read_all, check=True, capture_output=True, text=True).stdout
        finally:
            server.shutdown()
    count, mebibytes = map(int, told.split())
    assert count == 100_000
    assert mebibytes < 100
