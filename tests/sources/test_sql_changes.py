"""Changes over SQL: read after read against SQLite and PostgreSQL, and none of them may be missed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import ON_POSTGRES
from pydantic import ValidationError

from syncd.errors import IncompleteRead
from syncd.sources.base import ReadKind
from syncd.sources.sql import SqlOptions, SqlSource

QUERY = "select id, name, changed_at from members where changed_at >= :since order by id"
INCREMENTAL = {"param": "since", "cursor": "changed_at", "overlap": "5m", "full_every": "7d"}
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# A column's type for PostgreSQL (SQLite keeps text), three times in its spelling, and a later one
TYPES = {
    "timestamp": ["2026-11-20 10:00:00", "2026-11-21 10:00:00.123456", "2026-11-22 10:00:00", "2026-11-23 09:00:00"],
    "timestamp with time zone": [
        "2026-11-20 10:00:00+00",
        "2026-11-21 10:00:00.5+00",
        "2026-11-22 10:00:00+00",
        "2026-11-23 09:00:00+00",
    ],
    "text": ["2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z", "2026-11-23T09:00:00Z"],
    "date": ["2026-11-18", "2026-11-19", "2026-11-21", "2026-11-22"],
}


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'club.db'}"
    return str(request.getfixturevalue("postgres_url"))


class Club:
    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)

    def do(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def make(self, kind: str, times: list[Any]) -> None:
        self.do(f"create table members (id integer, name text, changed_at {kind}, gone {self.boolean})")
        for number, moment in enumerate(times, start=1):
            self.add(number, moment)

    @property
    def boolean(self) -> str:
        return "integer" if self.url.startswith("sqlite") else "boolean"

    def add(self, number: int, moment: object) -> None:
        self.do("insert into members (id, name, changed_at) values (:id, 'Zz', :at)", id=number, at=moment)

    def source(self, query: str = QUERY, **options: Any) -> SqlSource:
        table = {"type": "sql", "url": self.url, "query": query, "incremental": INCREMENTAL, **options}
        parsed = SqlOptions.model_validate(table)
        return SqlSource(parsed, base=Path(), sleep=lambda _: None, clock=lambda: NOW)


@pytest.fixture
def club(url: str) -> Iterator[Club]:
    club = Club(url)
    yield club
    club.engine.dispose()


def read_on(source: SqlSource, cursor: str | None) -> tuple[list[object], str | None, ReadKind]:
    with source.open(cursor) as reading:
        found = [record.values["id"] for record in reading]
    return found, reading.cursor, reading.kind


def refused(club: Club, **options: Any) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read_on(club.source(**options), None)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("kind", TYPES)
def test_the_first_read_is_a_snapshot_and_the_next_tells_changes(club: Club, kind: str) -> None:
    club.make(kind, TYPES[kind][:3])
    found, cursor, read_kind = read_on(club.source(), None)
    assert (found, read_kind) == ([1, 2, 3], ReadKind.SNAPSHOT)
    assert read_on(club.source(), cursor)[::2] == ([3], ReadKind.CHANGES)
    club.do("update members set changed_at = :at where id = 1", at=TYPES[kind][3])
    assert read_on(club.source(), cursor)[0] == [1, 3]


def test_no_change_is_no_error_and_keeps_the_cursor(club: Club) -> None:
    club.make("timestamp", TYPES["timestamp"][:3])
    cursor = '{"changed": "2026-11-23T10:00:00", "lag": 0.5}'
    assert read_on(club.source(), cursor) == ([], cursor, ReadKind.CHANGES)


def test_an_empty_whole_list_is_refused(club: Club) -> None:
    club.make("timestamp", [])
    assert "gives no rows" in refused(club).message


def test_what_is_committed_late_comes_with_the_next_read(club: Club) -> None:
    club.make("timestamp with time zone", ["2026-11-22 10:00:00+00"])
    cursor = read_on(club.source(), None)[1]
    club.add(2, "2026-11-22 09:56:00+00")
    club.add(3, "2026-11-22 09:50:00+00")
    assert read_on(club.source(), cursor)[0] == [1, 2]


def test_times_without_a_zone_are_asked_for_an_hour_earlier(club: Club) -> None:
    club.make("timestamp", ["2026-11-22 10:00:00"])
    cursor = read_on(club.source(), None)[1]
    club.add(2, "2026-11-22 08:56:00")
    assert read_on(club.source(), cursor)[0] == [1, 2]


def test_a_time_in_the_future_hides_no_change(club: Club) -> None:
    club.make("timestamp with time zone", ["2026-11-22 10:00:00+00", "2199-01-01 00:00:00+00"])
    cursor = read_on(club.source(), None)[1]
    club.add(3, "2026-11-22 11:00:00+00")
    assert read_on(club.source(), cursor)[0] == [1, 2, 3]


@pytest.mark.parametrize("changed", [[5, 3, 9], [1795341607, 1795341600, 1795341500]])
def test_numbers_are_followed_as_numbers_or_as_times(club: Club, changed: list[int]) -> None:
    club.make("bigint", changed)
    is_time = changed[0] > 1_000_000
    more = {"beginning": "0", "overlap": "1m"} if is_time else {"counts": True}
    source = club.source(incremental={**INCREMENTAL, **more})
    found, cursor, kind = read_on(source, None)
    assert (found, kind) == ([1, 2, 3], ReadKind.SNAPSHOT)
    assert read_on(source, cursor)[0] == ([1, 2] if is_time else [3])


def test_a_row_without_a_time_is_read_where_the_query_wants_it(club: Club) -> None:
    club.make("timestamp", ["2026-11-22 10:00:00", None])
    query = "select id, changed_at from members where changed_at >= :since or changed_at is null"
    cursor = read_on(club.source(query), None)[1]
    assert read_on(club.source(query), cursor)[0] == [1, 2]


def test_the_parameter_may_stand_twice_and_be_cast(club: Club) -> None:
    club.make("timestamp", TYPES["timestamp"][:3])
    query = "select id, changed_at from members where changed_at >= :since and cast(:since as text) <> ':since' -- :x"
    assert read_on(club.source(query), None)[0] == [1, 2, 3]


def test_a_column_tells_deletions(club: Club) -> None:
    club.make("timestamp", TYPES["timestamp"][:3])
    club.do("update members set gone = :gone where id = 2", gone=1 if club.boolean == "integer" else True)
    with club.source("select * from members where changed_at >= :since", deleted="gone").open() as reading:
        assert [record.values["id"] for record in reading if record.deleted] == [2]


def test_of_whom_is_gone_no_time_need_be_told(club: Club) -> None:
    club.make("timestamp", ["2026-11-22 10:00:00"])
    query = "select id, 1 as gone, null as changed_at from members where changed_at >= :since"
    cursor = '{"changed": "2026-11-21T10:00:00", "lag": 0.5}'
    assert read_on(club.source(query, deleted="gone"), cursor)[:2] == ([1], cursor)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"incremental": {**INCREMENTAL, "cursor": "changed"}}, "gives no column 'changed' (incremental.cursor)"),
        ({"incremental": {**INCREMENTAL, "cursor": "name"}}, "no record has a readable time"),
        ({"deleted": "is_gone"}, "gives no column 'is_gone' (deleted)"),
        ({"deleted": "name"}, "deleted is neither true nor false"),
    ],
)
def test_a_column_that_is_not_what_it_should_be_is_told(club: Club, options: dict[str, Any], words: str) -> None:
    club.make("timestamp", TYPES["timestamp"][:3])
    assert words in refused(club, **options).message


@pytest.mark.postgres
def test_a_column_of_another_kind_is_told_with_the_key_that_helps(postgres_url: str) -> None:
    club = Club(postgres_url)
    club.make("bigint", [1795341607])
    error = refused(club)
    club.engine.dispose()
    assert "something of another kind" in error.message
    assert "set beginning or counts" in str(error.remedy)


@pytest.mark.parametrize("query", [
    "select 1 as id",
    "select ':since' as id",
    "select 1 as id -- :since",
    "select 1 as id where now()::since > 1",
    "select :since_ever as id",
])  # fmt: skip
def test_a_query_without_the_parameter_is_refused_when_the_configuration_is_read(url: str, query: str) -> None:
    with pytest.raises(ValidationError, match="must hold the parameter of incremental"):
        Club(url).source(query)


def test_a_beginning_that_leaves_somebody_out_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="would seem to be gone"):
        Club(url).source(incremental={**INCREMENTAL, "beginning": "2020-01-01"})


def test_a_source_without_incremental_stays_the_same_source(url: str) -> None:
    made: Callable[..., SqlSource] = Club(url).source
    plain = made("select 1 as id", incremental=None)
    assert b"incremental" not in plain.fingerprint
    assert b"deleted" not in plain.fingerprint
    assert made().fingerprint != made(incremental={**INCREMENTAL, "cursor": "id"}).fingerprint


@pytest.mark.postgres
def test_no_row_is_missed_that_is_committed_within_the_overlap(postgres_url: str) -> None:
    """A transaction gives its rows the time at which it began, and is seen when it ends."""
    club = Club(postgres_url)
    club.make("timestamp with time zone", [])
    club.do("insert into members (id, changed_at) values (1, now())")
    slow = club.engine.connect()
    with slow.begin() as transaction:
        slow.execute(sa.text("insert into members (id, changed_at) values (2, now())"))
        time.sleep(0.01)
        club.do("insert into members (id, changed_at) values (3, now())")
        source = club.source()
        source.clock = lambda: datetime.now(UTC)
        found, cursor, _ = read_on(source, None)
        assert found == [1, 3]
        transaction.commit()
    slow.close()
    assert 2 in read_on(source, cursor)[0]
    club.engine.dispose()
