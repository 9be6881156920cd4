"""An answer over REST that says itself that it is a part of the list, and one that only looks so."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crm import Crm, open_crm
from flask import Response
from source_contract import read

from syncd.errors import IncompleteRead
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.source import RestSource

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PEOPLE = [{"id": number, "updated_at": "2026-11-20T10:00:00Z"} for number in range(1, 11)]
NEXT = "https://crm.example.org/api?page=2"
CURSOR = 'type = "cursor", cursor_param = the API\'s name for it, cursor = '


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def url(crm: Crm) -> Iterator[str]:
    with open_crm(crm) as url:
        yield url + "/api/all"


def made(url: str, **options: Any) -> RestSource:
    parsed = RestOptions.model_validate({"type": "rest", "url": url, "attempts": 1, **options})
    return RestSource(parsed, base=Path(), sleep=lambda _: None, clock=lambda: NOW)


def answer(crm: Crm, *documents: object, status: int = 200, **headers: str) -> None:
    """Give these pages one after the other, the last of them again and again."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def misbehave(number: int, _: Response) -> Response:
        return Response(json.dumps(documents[min(number, len(documents)) - 1]), status, named)

    crm.misbehave = misbehave


def refused(source: RestSource, cursor: str | None = None) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught, source.open(cursor) as reading:
        list(reading)
    assert reading.cursor is None
    return caught.value


BESIDE = [
    ({"has_more": True}, "has_more is true", 'more = "has_more"'),
    ({"meta": {"hasMore": True}}, "meta.hasMore is true", 'more = "meta.hasMore"'),
    ({"pageInfo": {"hasNextPage": True}}, "pageInfo.hasNextPage is true", 'more = "pageInfo.hasNextPage"'),
    ({"paging": {"more": True}}, "paging.more is true", 'more = "paging.more"'),
    (
        {"additional_data": {"pagination": {"more_items_in_collection": True}}},
        "more_items_in_collection is true",
        'more = "additional_data.pagination.more_items_in_collection"',
    ),
    ({"done": False}, "done is false", 'more = "done == `false`"'),
    ({"next": NEXT}, "next names another page", 'type = "next-url", next = "next"'),
    ({"@odata.nextLink": NEXT}, "nextLink names", 'type = "next-url", next = \'"@odata.nextLink"\''),
    ({"_links": {"next": {"href": "/api?page=2"}}}, "_links.next names", 'next = "_links.next.href"'),
    (
        {"links": [{"rel": "self", "href": "/"}, {"rel": "next", "href": NEXT}]},
        "names another",
        "next = \"links[?rel=='next'].href | [0]\"",
    ),
    ({"paging": {"next_cursor": "zzcursor"}}, "paging.next_cursor names", f'{CURSOR}"paging.next_cursor"'),
    ({"nextPageToken": "zztoken"}, "nextPageToken names", f'{CURSOR}"nextPageToken"'),
    ({"paging": {"next": {"after": "zz"}}}, "paging.next names", f'{CURSOR}"paging.next.after"'),
    ({"meta": {"next_page": 2}}, "meta.next_page names", 'type = "page"'),
    ({"total": 12}, "total is 12, and 10 records came", 'total = "total"'),
    ({"meta": {"total_count": 12}}, "meta.total_count is 12, and 10 records", 'total = "meta.total_count"'),
    ({"@odata.count": 12}, "count is 12, and 10 records", "total = '\"@odata.count\"'"),
    ({"page": {"totalElements": 12, "size": 10}}, "page.totalElements is 12", 'total = "page.totalElements"'),
    ({"meta": {"pages": 2}}, "meta.pages is 2, and 1 came", "set pagination"),
]


@pytest.mark.parametrize(("beside", "told", "remedy"), BESIDE, ids=lambda value: json.dumps(value)[:40])
def test_a_key_that_tells_of_more_than_came_makes_the_list_incomplete(
    crm: Crm, url: str, beside: dict[str, Any], told: str, remedy: str
) -> None:
    answer(crm, {"items": PEOPLE, **beside})
    error = refused(made(url, records="items"))
    assert told in str(error)
    assert remedy in str(error.remedy)
    assert 'set total = "length(items)"' in str(error.remedy)
    assert "zz" not in f"{error}{error.remedy}"


@pytest.mark.parametrize(("beside", "told", "remedy"), BESIDE, ids=lambda value: json.dumps(value)[:40])
def test_the_total_that_the_configuration_names_outweighs_keys(
    crm: Crm, url: str, beside: dict[str, Any], told: str, remedy: str
) -> None:
    del told, remedy
    answer(crm, {"items": PEOPLE, **beside})
    assert len(read(made(url, records="items", total="length(items)"))) == 10


def test_keys_beside_a_list_within_the_answer_count_too(crm: Crm, url: str) -> None:
    edges = [{"node": person} for person in PEOPLE]
    answer(crm, {"data": {"members": {"edges": edges, "pageInfo": {"hasNextPage": True}}}})
    assert "data.members.pageInfo.hasNextPage is true" in str(refused(made(url, records="data.members.edges[].node")))


@pytest.mark.parametrize(
    "beside",
    [
        {"has_more": False, "next": None, "total": 10},
        {"next": "", "next_cursor": "0", "links": {"next": None}},
        {"next": {"href": None}, "_links": {"self": {"href": "/api"}, "next": {}}},
        {"total": 1234.5, "sum": {"total": 99}},
        {"total": "12", "count": 12, "size": 25},
        {"total": True, "total_amount": 4000},
        {"total": 3, "total_pages": 1, "page": 1, "done": True, "last": True},
        {"statistics": {"total": 5000, "has_more": True, "errors": 3}},
        {"last": {"id": 3}, "more": "about us", "pages": "2"},
    ],
    ids=json.dumps,
)
def test_keys_that_do_not_tell_of_more_do_no_harm(crm: Crm, url: str, beside: dict[str, Any]) -> None:
    answer(crm, {"items": PEOPLE, **beside})
    assert len(read(made(url, records="items"))) == 10


def test_a_total_does_not_count_those_whom_records_leaves_out(crm: Crm, url: str) -> None:
    answer(crm, {"items": [*PEOPLE, {"id": None}], "total": 11})
    assert len(read(made(url, records="items[?id]"))) == 10


@pytest.mark.parametrize(
    ("status", "headers", "told", "remedy"),
    [
        (206, {}, "206", 'set total = "length(@)"'),
        (206, {"Content_Range": "items 0-9/12"}, "Content-Range tells 12", 'total = "header:Content-Range"'),
        (200, {"Content_Range": "items 0-9/12"}, "Content-Range tells 12", 'total = "header:Content-Range"'),
        (200, {"Content_Range": "1-10/12"}, "Content-Range tells 12", 'total = "header:Content-Range"'),
        (200, {"X_Total_Count": "12"}, "x-total-count is 12", 'total = "header:x-total-count"'),
        (200, {"X_WP_Total": "12"}, "x-wp-total is 12", 'total = "header:x-wp-total"'),
        (200, {"X_Total_Pages": "2"}, "x-total-pages is 2", "set pagination"),
        (200, {"X_Next_Page": "2"}, "x-next-page names another page", "set pagination"),
        (200, {"X_Next_Page": NEXT}, "x-next-page names", 'type = "header", header = "x-next-page"'),
    ],
)
def test_a_status_or_header_that_tells_of_more_makes_the_list_incomplete(  # noqa: PLR0917 - one case
    crm: Crm, url: str, status: int, headers: dict[str, str], told: str, remedy: str
) -> None:
    answer(crm, PEOPLE, status=status, **headers)
    error = refused(made(url))
    assert told in str(error)
    assert remedy in str(error.remedy)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Range": "items 0-9/10"},
        {"Content_Range": "items 0-9/*"},
        {"Content_Range": "bytes 0-999/1000"},
        {"X_Total_Count": "10", "X_Next_Page": "", "X_Total_Pages": "1"},
    ],
)
def test_headers_that_tell_of_no_more_do_no_harm(crm: Crm, url: str, headers: dict[str, str]) -> None:
    answer(crm, PEOPLE, **headers)
    assert len(read(made(url))) == 10


def test_no_configured_total_outweighs_a_content_range(crm: Crm, url: str) -> None:
    answer(crm, PEOPLE, status=206, Content_Range="items 0-9/12")
    assert "Content-Range" in str(refused(made(url, total="length(@)")))


@pytest.mark.parametrize(
    "errors",
    [
        {"errors": [{"message": "Zztimeout"}]},
        {"error": "Zztimeout"},
        {"error": {"code": 7}},
        {"error": True},
        {"meta": {"errors": ["Zz"]}},
        {"success": False},
    ],
    ids=json.dumps,
)
def test_errors_beside_the_list_make_it_incomplete_whatever_total_says(
    crm: Crm, url: str, errors: dict[str, Any]
) -> None:
    answer(crm, {"data": {"items": PEOPLE}, **errors})
    error = refused(made(url, records="data.items", total="length(data.items)"))
    assert "errors beside the list" in str(error)
    assert "Zz" not in str(error)


@pytest.mark.parametrize(
    "fine",
    [
        {"errors": [], "error": None},
        {"error": ""},
        {"error": False, "errors": 0},
        {"error": {"code": 0, "message": ""}},
    ],
    ids=json.dumps,
)
def test_a_key_for_errors_without_any_does_no_harm(crm: Crm, url: str, fine: dict[str, Any]) -> None:
    answer(crm, {"data": {"items": PEOPLE}, "success": True, **fine})
    assert len(read(made(url, records="data.items"))) == 10


def test_changes_that_are_a_part_leave_the_cursor(crm: Crm, url: str) -> None:
    incremental = {"param": "updated_since", "cursor": "updated_at"}
    source = made(url, records="items", incremental=incremental)
    answer(crm, {"items": PEOPLE, "has_more": False})
    with source.open() as reading:
        list(reading)
    assert reading.cursor is not None
    answer(crm, {"items": PEOPLE, "has_more": True})
    assert "has_more is true" in str(refused(source, reading.cursor))


# --- with pagination ---


def test_a_cursor_that_is_looked_for_in_the_wrong_place_is_told(crm: Crm, url: str) -> None:
    answer(crm, {"items": PEOPLE, "meta": {"next_cursor": "zz"}})
    pagination = {"type": "cursor", "cursor_param": "after", "cursor": "next_cursor"}
    error = refused(made(url, records="items", pagination=pagination))
    assert "meta.next_cursor names another page" in str(error)
    assert f'{CURSOR}"meta.next_cursor"' in str(error.remedy)


@pytest.mark.parametrize("pagination", [{"type": "link-header"}, {"type": "next-url", "next": "nxt"}])
def test_a_list_that_ends_after_one_page_must_meet_the_total(crm: Crm, url: str, pagination: dict[str, str]) -> None:
    answer(crm, {"items": PEOPLE, "total": 12})
    error = refused(made(url, records="items", pagination=pagination))
    assert "total is 12" in str(error)
    assert 'check pagination against a real answer, and set total = "total"' in str(error.remedy)


def test_a_link_that_the_pagination_does_not_follow_is_told(crm: Crm, url: str) -> None:
    answer(crm, {"items": PEOPLE}, Link=f'<{NEXT}>; rel="next"')
    error = refused(made(url, records="items", pagination={"type": "next-url", "next": "nxt"}))
    assert "more pages" in str(error)
    assert '{ type = "link-header" }' in str(error.remedy)


def test_numbered_pages_that_end_before_the_total_are_incomplete(crm: Crm, url: str) -> None:
    answer(crm, {"items": PEOPLE, "total": 12}, {"items": [], "total": 12})
    error = refused(made(url, records="items", pagination={"type": "page"}))
    assert "total is 12, and 10 records came" in str(error)
    assert 'set total = "total"; if it counts something else, set pagination.more' in str(error.remedy)


def test_more_outweighs_keys(crm: Crm, url: str) -> None:
    answer(crm, {"items": PEOPLE, "total": 12, "next": NEXT})
    pagination = {"type": "page", "more": "next == 'x'"}
    assert len(read(made(url, records="items", pagination=pagination))) == 10


def test_an_empty_page_outweighs_the_number_of_a_next_one(crm: Crm, url: str) -> None:
    answer(crm, {"items": PEOPLE, "next_page": 2}, {"items": [], "next_page": 3})
    assert len(read(made(url, records="items", pagination={"type": "page"}))) == 10


def test_a_page_that_is_a_part_does_no_harm_where_the_pages_are_followed(crm: Crm, url: str) -> None:
    answer(crm, PEOPLE, [], status=206)
    assert len(read(made(url, pagination={"type": "offset"}))) == 10
