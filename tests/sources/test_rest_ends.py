"""Where a list over REST ends: what servers answer behind the last page, and what proves that it was the last."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crm import PAGINATIONS, Crm, open_crm, path_of
from extent import IS_WHOLE
from flask import Response
from source_contract import read

from syncd.errors import IncompleteRead
from syncd.sources.base import ReadKind
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.source import RestSource

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# What comes instead of the page behind the last one; `last` is the last page.
BEHIND: dict[str, Callable[[Response], Response]] = {
    **{str(status): lambda _, status=status: Response("{}", status) for status in (400, 404, 410, 416, 422)},  # type: ignore[misc]
    "no content": lambda _: Response("", 204),
    "an empty body": lambda _: Response(" \n"),
    "the last page again": lambda last: last,
    "no list": lambda _: Response('{"data": {"items": null}, "meta": {"total_count": 0}}'),
}
KINDS = ["pages", "offsets"]


@pytest.fixture
def crm() -> Crm:
    return Crm(records=[{"id": number, "updated_at": "2026-11-20T10:00:00Z"} for number in range(1, 9)])


@pytest.fixture
def source_at(crm: Crm) -> Iterator[Callable[..., RestSource]]:
    with open_crm(crm) as url:
        yield lambda kind, **options: made({"url": url + path_of(kind), **PAGINATIONS[kind], **options})


def made(options: dict[str, Any]) -> RestSource:
    parsed = RestOptions.model_validate({"type": "rest", "attempts": 1, **options})
    return RestSource(parsed, base=Path(), sleep=lambda _: None, clock=lambda: NOW)


def refuse_behind(crm: Crm, pages: int, answer: Callable[[Response], Response]) -> None:
    kept: list[Response] = []

    def misbehave(number: int, good: Response) -> Response:
        if number > pages:
            return answer(Response(kept[-1].get_data()))
        kept.append(good)
        return good

    crm.misbehave = misbehave


def refused(source: RestSource) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read(source)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("kind", ["pages-with-total", "offsets-with-total"])
def test_a_total_that_is_met_on_the_first_page_is_the_end(crm: Crm, source_at: Any, kind: str, behind: str) -> None:
    crm.cap = 8
    refuse_behind(crm, 1, BEHIND[behind])
    assert len(read(source_at(kind))) == 8


@pytest.mark.parametrize("behind", BEHIND)
def test_changes_that_meet_the_total_are_all_of_them(crm: Crm, source_at: Any, behind: str) -> None:
    crm.cap = 8
    refuse_behind(crm, 1, BEHIND[behind])
    source = source_at("pages-with-total", incremental={"param": "updated_since", "cursor": "updated_at"})
    with source.open('{"changed": "2026-11-20T09:00:00Z", "lag": 0}') as reading:
        assert (reading.kind, len(list(reading))) == (ReadKind.CHANGES, 8)
    assert reading.cursor


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_behind_a_short_one_may_be_missing(crm: Crm, source_at: Any, kind: str, behind: str) -> None:
    refuse_behind(crm, 3 if kind == "pages" else 4, BEHIND[behind])
    crm.records = crm.records[: 8 if kind == "pages" else 7]
    assert len(read(source_at(kind))) == len(crm.records)


@pytest.mark.parametrize("behind", [name for name in BEHIND if name != "no content"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_behind_a_full_one_must_not_be_missing(crm: Crm, source_at: Any, kind: str, behind: str) -> None:
    refuse_behind(crm, 2, BEHIND[behind])
    error = refused(source_at(kind))
    assert error.place == f"{kind} page 3"


@pytest.mark.parametrize("behind", [name for name in BEHIND if name != "no content"])
@pytest.mark.parametrize("size", [8, 100])
def test_one_page_alone_may_be_all_that_a_server_gives_at_once(
    crm: Crm, source_at: Any, size: int, behind: str
) -> None:
    crm.cap = 5
    refuse_behind(crm, 1, BEHIND[behind])
    refused(source_at("pages-with-size", pagination={"type": "page", "size": size}))


@pytest.mark.parametrize("behind", ["400", "404", "an empty body", "the last page again"])
def test_a_refusal_before_the_total_is_met_is_no_end(crm: Crm, source_at: Any, behind: str) -> None:
    crm.cap = 3
    refuse_behind(crm, 2, BEHIND[behind])
    error = refused(source_at("pages-with-total"))
    assert error.place == "pages page 3"
    assert "6 of 8 records" in error.message or "second time" in error.message


def test_a_refusal_behind_a_full_page_asks_for_a_proof(crm: Crm, source_at: Any) -> None:
    refuse_behind(crm, 2, BEHIND["422"])
    error = refused(source_at("pages"))
    assert "no such page (422), and the one before it need not be the last" in error.message
    assert "set total or pagination.more" in str(error.remedy)


def test_where_a_page_says_that_there_is_another_a_short_one_proves_nothing(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda number, good: (
        Response(json.dumps({**json.loads(good.get_data()), "more": True})) if number < 4 else Response("", 404)
    )
    refused(source_at("pages", pagination={"type": "page", "size_param": "", "more": "more"}))


@pytest.mark.parametrize("status", [404, 410])
def test_a_cursor_that_is_refused_is_the_end_only_with_a_total(crm: Crm, source_at: Any, status: int) -> None:
    def answer(number: int, _good: Response) -> Response:
        body = {"results": [{"id": number}], "paging": {"next": {"after": str(number)}}, "count": 2}
        return Response(json.dumps(body)) if number < 3 else Response("", status)

    crm.misbehave = answer
    assert len(read(source_at("cursors", total="count"))) == 2
    crm.asked.clear()
    error = refused(source_at("cursors"))
    assert f"({status}), although the one before it names it" in error.message
    assert "a cursor may expire" in str(error.remedy)


@pytest.mark.parametrize("total", ["8", 8, 8.0, " 8 "])
def test_a_total_may_be_spelt_in_any_way(crm: Crm, source_at: Any, total: object) -> None:
    body = json.dumps({"data": {"items": crm.records}, "meta": {"total_count": total}})
    crm.misbehave = lambda number, _good: Response(body) if number == 1 else Response("", 400)
    assert len(read(source_at("pages-with-total"))) == 8


def test_a_full_first_page_that_comes_again_may_be_a_server_that_counts_no_pages(crm: Crm, source_at: Any) -> None:
    refuse_behind(crm, 1, BEHIND["the last page again"])
    pagination = {"type": "page", "size": 3}
    assert "a second time" in refused(source_at("pages", total="length(data.items)", pagination=pagination)).message


@pytest.mark.parametrize("status", [401, 403, 500])
def test_other_failures_are_never_an_end(crm: Crm, source_at: Any, status: int) -> None:
    crm.cap = 8
    refuse_behind(crm, 1, lambda _: Response("", status))
    assert f"({status})" in refused(source_at("pages-with-total")).message


@pytest.mark.parametrize("behind", BEHIND)
def test_the_first_page_is_never_behind_the_end(crm: Crm, source_at: Any, behind: str) -> None:
    crm.misbehave = lambda _number, _good: BEHIND[behind](Response('{"data": {"items": []}}'))
    refused(source_at("pages"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"data": [], "meta": {}, "anna@example.org": 1}', "; the answer has the keys data, meta"),
        ('{"data": {"contacts": [{"id": 1}]}, "meta": {}}', "; there is one under data.contacts"),
        ('{"a": [{"x": 1}], "b": {"c": [{"id": 1}], "tags": ["Zz"]}}', "; there is one under a and one under b.c"),
        ('{"error": "Zz"}', "; the answer has the keys error"),
        ('"Zz"', ""),
        ("null", ""),
    ],
)
def test_a_list_that_is_not_there_is_told_with_what_is_there_instead(
    crm: Crm, source_at: Any, body: str, words: str
) -> None:
    crm.misbehave = lambda _number, _good: Response(body)
    error = refused(source_at("pages"))
    assert error.shown == f"pages page 1: there is no list under records{words}"
    assert str(error).startswith("pages page 1: there is no list under records: ")


@pytest.mark.parametrize(
    ("status", "auth", "remedy"),
    [
        (401, None, "set auth"),
        (403, None, "set auth"),
        (401, {"type": "bearer", "token": "t"}, "set a new one"),
        (403, {"type": "bearer", "token": "t"}, "the right to read"),
        (405, None, "set method"),
        (429, None, "requests_per_second"),
        (503, None, "is up"),
    ],
)
def test_a_refusal_is_told_with_the_key_that_helps(
    crm: Crm, source_at: Any, status: int, auth: object, remedy: str
) -> None:
    crm.misbehave = lambda _number, _good: Response("{}", status)
    error = refused(source_at("all", auth=auth))
    assert f"({status})" in error.message
    assert remedy in str(error.remedy)


# --- what is in the list and is no record ---


@pytest.mark.parametrize("thing", ["null", '"Zzname"', "7", "true", "[1]", "NaN"])
def test_what_is_no_object_is_one_doubtful_record(crm: Crm, source_at: Any, thing: str) -> None:
    crm.misbehave = lambda _number, _good: Response(f'[{{"id": 1}}, {thing}, {{"id": 3}}]')
    with source_at("all").open() as reading:
        doubts = [reading.doubt_about(record) for record in reading]
    assert [doubt is None for doubt in doubts] == [True, False, True]
    assert "Zzname" not in str(doubts[1])


def test_what_is_no_object_counts_for_the_total(crm: Crm, source_at: Any) -> None:
    body = json.dumps({"data": {"items": [{"id": 1}, None]}, "meta": {"total_count": 2}})
    crm.misbehave = lambda number, _good: Response(body) if number == 1 else Response("", 404)
    assert len(read(source_at("pages-with-total"))) == 2


def test_a_list_of_no_object_at_all_is_the_wrong_list(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, _good: Response('["a", "b"]')
    assert "none of the records is an object" in refused(source_at("all")).message


def test_a_number_without_end_spoils_its_own_record(crm: Crm, source_at: Any) -> None:
    crm.misbehave = lambda _number, _good: Response('[{"id": 1}, {"id": ' + "9" * 5000 + '}, {"id": 1e999}]')
    assert len(read(source_at("all"))) == 3


# --- an answer that is cut ---


@contextmanager
def cutting(head: bytes, body: bytes) -> Iterator[str]:
    """A server that sends this and hangs up."""

    class Cutting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                self.request.sendall(head + b"\r\n\r\n" + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cutting) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/list"
        finally:
            server.shutdown()


LIST = json.dumps({"items": [{"id": number, "name": f"Zz{number}"} for number in range(1, 6)]}).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HEADS = {
    "length": OK + b"Content-Length: %d" % len(LIST),
    "until it hangs up": OK + b"Connection: close",
    "chunks": OK + b"Transfer-Encoding: chunked",
}


@pytest.mark.parametrize("how", HEADS)
def test_a_body_that_is_cut_at_any_byte_gives_no_record(how: str) -> None:
    ends = LIST if how == "until it hangs up" else LIST + b"more"
    for cut in range(0, len(LIST), 1 if IS_WHOLE else 3):
        body = ends[:cut]
        if how == "chunks":
            body = b"%x\r\n%b" % (len(LIST), body)
        with cutting(HEADS[how], body) as url:
            came: list[object] = []
            with pytest.raises(IncompleteRead), made({"url": url, "records": "items"}).open() as reading:
                came.extend(reading)
            assert came == []


def test_a_whole_body_that_is_shorter_than_it_says_is_no_answer() -> None:
    with cutting(OK + b"Content-Length: %d" % (len(LIST) + 1), LIST) as url:
        refused(made({"url": url, "records": "items"}))


def test_chunks_without_their_end_are_no_answer() -> None:
    with cutting(HEADS["chunks"], b"%x\r\n%b\r\n" % (len(LIST), LIST)) as url:
        refused(made({"url": url, "records": "items"}))
