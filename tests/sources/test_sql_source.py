"""The source `sql` against real databases: SQLite and PostgreSQL."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import ON_POSTGRES
from pydantic import ValidationError
from source_contract import ROWS, SourceContract, read

from syncd.errors import IncompleteRead
from syncd.sources.sql import SqlOptions, SqlSource

QUERY = 'select "Nr", "Name", "Ort" from members order by "Nr"'


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'club.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def club(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text('create table members ("Nr" text, "Name" text, "Ort" text)'))
    yield engine
    engine.dispose()


def fill(club: sa.Engine, rows: list[dict[str, str]]) -> None:
    with club.begin() as connection:
        connection.execute(sa.text("delete from members"))
        if rows:
            connection.execute(sa.text("insert into members values (:Nr, :Name, :Ort)"), rows)


@pytest.fixture
def source_from(club: sa.Engine, url: str) -> Callable[..., SqlSource]:
    fill(club, ROWS)

    def source_from(query: str = QUERY, **options: Any) -> SqlSource:
        parsed = SqlOptions.model_validate({"type": "sql", "url": url, "query": query, **options})
        return SqlSource(parsed, base=Path(), sleep=lambda _: None, clock=lambda: datetime.now(UTC))

    return source_from


def refused(source: SqlSource) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read(source)
    assert caught.value.remedy
    return caught.value


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, club, source_from):
        def source_of(rows, columns=None):
            fill(club, rows)
            return source_from()

        return source_of

    @pytest.fixture
    def cut_short(self, source_of):
        def cut_short(rows):
            made = source_of(rows)
            made.options = made.options.model_copy(update={"query": "select * from gone"})
            return made

        return cut_short

    @pytest.fixture
    def nowhere(self, source_from):
        return source_from(url="postgresql://nobody@127.0.0.1:1/nothing")


def test_values_are_text_numbers_and_iso_dates(source_from: Any, url: str) -> None:
    moment = "timestamp '2026-11-23 12:30:00'" if "postgresql" in url else "'2026-11-23T12:30:00'"
    query = f"""select 17 as a, 1.0 as b, cast(null as text) as c, 'x' as d, {moment} as e, '00017' as f"""
    (record,) = read(source_from(query))
    b = "1.0" if "postgresql" in url else 1
    assert dict(record.values) == {"a": 17, "b": b, "c": None, "d": "x", "e": "2026-11-23T12:30:00", "f": "00017"}


def test_a_long_number_is_spelled_in_full(postgres_url: str) -> None:
    query = "select cast(123457000000000000000000 as numeric) as a, cast('1e-7' as numeric) as b"
    options = SqlOptions.model_validate({"type": "sql", "url": postgres_url, "query": query})
    (record,) = read(SqlSource(options, base=Path(), sleep=lambda _: None, clock=lambda: datetime.now(UTC)))
    assert dict(record.values) == {"a": "123457000000000000000000", "b": "0.0000001"}
    assert Decimal(str(record.values["b"]))


def test_binary_data_is_refused_with_its_column(source_from: Any, url: str) -> None:
    query = "select cast('x' as bytea) as photo" if "postgresql" in url else "select x'00' as photo"
    error = refused(source_from(query))
    assert "the column 1 holds" in error.message
    assert error.place == "query row 1"


def test_two_columns_of_one_name_are_refused(source_from: Any) -> None:
    assert "the columns 1 and 2 have the same name" in refused(source_from('select "Nr", "Nr" from members')).message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from memberz", "a table that is not there"),
        ("select nix from members", "a column that is not there"),
        ("select from from members", "not valid SQL"),
    ],
)
def test_what_is_wrong_with_a_query_is_told_in_words(source_from: Any, query: str, words: str) -> None:
    assert words in refused(source_from(query)).message


def test_a_query_can_write_nothing(source_from: Any, club: sa.Engine, url: str) -> None:
    if "postgresql" in url:
        query = "with gone as (delete from members returning *) select * from gone"
        assert "would write" in refused(source_from(query)).message
    with club.connect() as connection:
        assert connection.execute(sa.text("select count(*) from members")).scalar() == len(ROWS)


@pytest.mark.parametrize("query", ["delete from members", "update members set x = 1", "-- x\n drop table members", ""])
def test_what_does_not_only_read_is_refused_when_the_configuration_is_read(url: str, query: str) -> None:
    with pytest.raises(ValidationError, match="only reads"):
        SqlOptions.model_validate({"type": "sql", "url": url, "query": query})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "must be a database URL"),
        ("sparkle://x/y", "must be a database URL"),
        ("oracle://x/y", "oracledb"),
    ],
)
def test_a_url_that_cannot_be_used_is_told(url: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SqlOptions.model_validate({"type": "sql", "url": url, "query": "select 1"})


def test_neither_address_nor_password_is_in_a_message_or_a_repr(source_from: Any, postgres_url: str) -> None:
    wrong = sa.make_url(postgres_url).set(password="s3cret").render_as_string(hide_password=False)
    made = source_from("select 1", url=wrong.replace("syncd:", "nobody:"))
    error = refused(made)
    assert "s3cret" not in str(error) + repr(made.options)


def test_a_connection_that_is_cut_in_the_middle_is_an_incomplete_read(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    query = "select number as id, repeat('x', 500) as filling from generate_series(1, 200000) as number"
    options = SqlOptions.model_validate({"type": "sql", "url": postgres_url, "query": query})
    made = SqlSource(options, base=Path(), sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"

    def read_and_cut() -> None:
        with made.open() as reading:
            for number, _ in enumerate(reading):
                if number == 10:
                    with engine.begin() as connection:
                        connection.execute(sa.text(kill + " and pid <> pg_backend_pid()"))

    with pytest.raises(IncompleteRead) as caught:
        read_and_cut()
    assert caught.value.place.startswith("query row ")
    engine.dispose()


MEASURE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from syncd.sources.sql import SqlOptions, SqlSource
query = "select number as id, repeat('x', 500) as filling from generate_series(1, 100000) as number"
options = SqlOptions.model_validate({"type": "sql", "url": sys.argv[1], "query": query})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with SqlSource(options, base=Path(), sleep=print, clock=lambda: datetime.now(UTC)).open() as reading:
    assert sum(1 for _ in reading) == 100_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_result_is_streamed(postgres_url: str) -> None:
    ended = subprocess.run([sys.executable, "-c", MEASURE, postgres_url], check=True, capture_output=True, text=True)
    assert int(ended.stdout) < 30 * 1024  # KiB more than at the start; the whole result is 50 MB
