"""What may stand in a query and in its rows, against SQLite and PostgreSQL: signs, values, encodings, failures."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import ON_POSTGRES
from pydantic import ValidationError
from source_contract import read

from syncd.errors import IncompleteRead
from syncd.sources.sql import SqlOptions, SqlSource
from syncd.sources.sql_query import has_parameter, is_one_statement


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        sqlite3.connect(tmp_path / "club.db").close()
        return f"sqlite:///{tmp_path / 'club.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def ask(url: str) -> Callable[..., list[Any]]:
    def ask(query: str, **options: Any) -> list[Any]:
        return [tuple(record.values.values()) for record in read(source(url, query, **options))]

    return ask


def source(url: str, query: str, **options: Any) -> SqlSource:
    parsed = SqlOptions.model_validate({"type": "sql", "url": url, "query": query, **options})
    return SqlSource(parsed, base=Path(), sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def refused(url: str, query: str = "select 1 as a", **options: Any) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read(source(url, query, **options))
    assert caught.value.remedy
    assert "Zz" not in str(caught.value)
    return caught.value


# --- signs ---

SIGNS = {
    "':x'": ":x",
    "'12:30:00'": "12:30:00",
    "'a::b'": "a::b",
    "':since'": ":since",
    "'100 %'": "100 %",
    "'%s %(a)s %%'": "%s %(a)s %%",
    "'what?'": "what?",
    r"'\:x'": r"\:x",
    r"'C:\dir'": r"C:\dir",
    "'it''s :x'": "it's :x",
    "'a;b'": "a;b",
    "'x' /* :x ; ' */": "x",
    "'x' -- :x ; '\n": "x",
}


@pytest.mark.parametrize("literal", SIGNS)
def test_signs_in_a_literal_or_a_comment_are_text(ask: Any, literal: str) -> None:
    assert ask(f"select {literal} as a") == [(SIGNS[literal],)]


@pytest.mark.parametrize("literal", SIGNS)
def test_so_they_are_beside_a_parameter(ask: Any, literal: str) -> None:
    incremental = {"param": "since", "cursor": "at"}
    query = f"select {literal} as a, '2026-11-20' as at where '2026-11-20' >= :since"
    assert ask(query, incremental=incremental) == [(SIGNS[literal], "2026-11-20")]


@pytest.mark.parametrize("ending", [";", " ; ", ";\n-- done\n", "; /* ; */"])
def test_a_query_may_end_with_a_semicolon(ask: Any, ending: str) -> None:
    assert ask(f"select 1 as a{ending}") == [(1,)]


@pytest.mark.parametrize("name", ['":x"', '"100 %"', '"a;b"', '"a?"'])
def test_signs_in_a_name_are_its_own(ask: Any, name: str) -> None:
    assert ask(f"select 1 as {name}") == [(1,)]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'7'::int", 7),
        ("cast('7' as int)::text || ':x'", "7:x"),
        ("""'{"a": 1}'::jsonb ? 'a'""", True),
        ("""'{"a": 1}'::jsonb ->> 'a'""", "1"),
        ("(array[1, 2, 3])[2:3]", [2, 3]),
        ("7 % 4", 3),
        ("$$:x ; '$$", ":x ; '"),
        ("$q$:x $$ $q$", ":x $$ "),
        (r"E'it\'s :x; '", "it's :x; "),
    ],
)
def test_what_postgresql_writes_with_such_signs_is_read(postgres_url: str, expression: str, value: object) -> None:
    (record,) = read(source(postgres_url, f"select {expression} as a"))
    assert record.values == {"a": value}


@pytest.mark.parametrize("backend", ["mysql", "mariadb"])
def test_a_backslash_hides_a_quote_where_the_database_says_so(backend: str) -> None:
    query = r"select 'it\'s; :since' from members"
    assert (is_one_statement(query, backend), has_parameter(query, "since", backend)) == (True, False)
    assert not is_one_statement("select '\\'; drop table members", "sqlite")


@pytest.mark.parametrize("query", ["select 1; drop table members", "select ';'; select 2", "select 1; -- x\nselect 2"])
def test_several_statements_are_refused_when_the_configuration_is_read(url: str, query: str) -> None:
    with pytest.raises(ValidationError, match="must be one statement"):
        source(url, query)


def test_a_parameter_that_nothing_gives_is_told(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "club.db").close()
    for sign in (":since", "?", "@since", "$since"):
        error = refused(f"sqlite:///{tmp_path / 'club.db'}", f"select 1 as a where 1 = {sign}")
        assert "has a parameter, and nothing gives it a value" in error.message
        assert "incremental" in str(error.remedy)


# --- values ---


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("date '1980-12-31'", "1980-12-31"),
        ("timestamp '1980-12-31 00:00'", "1980-12-31T00:00:00"),
        ("time '12:30'", "12:30:00"),
        ("interval '1 day'", "1 day, 0:00:00"),
        ("uuid '6d0b9d6e-0000-4000-8000-000000000001'", "6d0b9d6e-0000-4000-8000-000000000001"),
        ("12.50::numeric", "12.50"),
        ("5::float", 5),
        ("true", True),
        ("null::text", None),
        ("array['a', null]", ["a", None]),
        ("array[1.5::numeric]", ["1.5"]),
        ("array[date '1980-12-31']", ["1980-12-31"]),
        ("""'{"a": [1]}'::json""", {"a": [1]}),
        ("'a'::char(3)", "a  "),
    ],
)
def test_each_kind_of_value_has_its_spelling(postgres_url: str, expression: str, value: object) -> None:
    (record,) = read(source(postgres_url, f"select {expression} as a"))
    assert record.values == {"a": value}


@pytest.mark.postgres
@pytest.mark.parametrize("expression", ["'infinity'::date", "'-infinity'::timestamp", "date '0044-03-15 BC'"])
def test_a_date_that_is_none_of_the_calendar_is_told_as_such(postgres_url: str, expression: str) -> None:
    words = "such as a date before the year 1 or an infinite one"
    assert words in refused(postgres_url, f"select {expression} as a").message


def test_bytes_are_told_with_their_column(ask: Any, url: str) -> None:
    photo = "cast('Zz' as bytea)" if "postgresql" in url else "x'5a7a00'"
    error = refused(url, f"select 1 as a, {photo} as photo")
    assert "the column 2 holds bytes" in error.message
    assert "the column 'photo' holds bytes" in error.shown


# --- encodings ---

LOST = "\ufffd"


@pytest.fixture
def in_windows_1252(tmp_path: Path) -> str:
    database = sqlite3.connect(tmp_path / "old.db")
    database.execute("create table members (id text, name text)")
    database.execute("insert into members values ('1', 'Quandt'), ('2', cast(x'4dfc6c6c6572' as text))")
    database.execute("insert into members values ('3', 'Müller')")
    database.commit()
    database.close()
    return f"sqlite:///{tmp_path / 'old.db'}"


def test_a_letter_of_another_encoding_is_lost_in_its_own_record(in_windows_1252: str) -> None:
    names = [record.values["name"] for record in read(source(in_windows_1252, "select * from members"))]
    assert names == ["Quandt", f"M{LOST}ller", "Müller"]


def test_the_encoding_of_what_is_not_utf_8_may_be_named(in_windows_1252: str) -> None:
    made = source(in_windows_1252, "select * from members", encoding="windows-1252")
    assert [record.values["name"] for record in read(made)] == ["Quandt", "Müller", "Müller"]


@pytest.mark.postgres
@pytest.mark.parametrize(("encoding", "name"), [(None, f"M{LOST}ller"), ("cp1252", "Müller")])
def test_a_server_without_an_encoding_is_read_likewise(postgres_url: str, encoding: str | None, name: str) -> None:
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("drop database if exists ascii_club")
        create = "create database ascii_club template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'"
        connection.exec_driver_sql(create)
    url = sa.make_url(postgres_url).set(database="ascii_club").render_as_string(hide_password=False)
    query = r"select 'Quandt' as a, E'M\xfcller'::text as b, E'M\xc3\xbcller'::varchar as c"
    (record,) = read(source(url, query, encoding=encoding))
    with engine.connect() as connection:
        connection.exec_driver_sql("drop database ascii_club with (force)")
    engine.dispose()
    assert tuple(record.values.values()) == ("Quandt", name, "Müller")


def test_an_encoding_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="is no encoding such as"):
        source(f"sqlite:///{tmp_path / 'x.db'}", "select 1", encoding="zz-1252")


# --- failures ---


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select a.x from (select 1 as x) a, (select 2 as y) b where nix = 1", "a column that is not there"),
        ("select x from (select 1 as x) a, (select 2 as x) b", "a column that several tables have"),
        ("select no_such_function(1)", "calls a function that is not there"),
        ("select 'a", "not valid SQL"),
        ("select (1", "not valid SQL"),
    ],
)
def test_what_is_wrong_with_a_query_is_told_in_words(url: str, query: str, words: str) -> None:
    assert words in refused(url, query).message


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "club.db"
    database = sqlite3.connect(file)
    database.execute("create table members (name text)")
    database.executemany("insert into members values (?)", [("Zz" * 500,)] * 100)
    database.commit()
    database.close()
    return file


def test_a_file_that_is_locked_is_told_as_such(file: Path) -> None:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("begin exclusive")
    error = refused(f"sqlite:///{file}", "select * from members", timeout="1s")
    database.close()
    assert "another program has locked" in error.message


def test_a_file_that_is_no_database_is_told_as_such(file: Path) -> None:
    file.write_bytes(b"Nr;Name\r\n" * 1000)
    assert "is no SQLite database" in refused(f"sqlite:///{file}", "select * from members").message


def test_a_file_that_is_damaged_is_told_as_such(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert "damaged" in refused(f"sqlite:///{file}", "select * from members").message


@pytest.mark.postgres
def test_a_wrong_password_and_a_wrong_database_are_told(postgres_url: str) -> None:
    right = sa.make_url(postgres_url)
    wrong = [right.set(password="Zzsecret"), right.set(username="zz_nobody"), right.set(database="zz_none")]
    told = [refused(url.render_as_string(hide_password=False)).message for url in wrong]
    assert "no such database" in told[2]
    assert all("can't be reached" not in words for words in told)


@pytest.mark.postgres
def test_a_table_that_the_user_may_not_read_is_told(postgres_url: str) -> None:
    assert "may not read" in refused(_as_nobody(postgres_url), "select * from pg_authid").message


def _as_nobody(postgres_url: str) -> str:
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("drop role if exists zz_reader")
        connection.exec_driver_sql("create role zz_reader login password 'zz'")
    engine.dispose()
    return sa.make_url(postgres_url).set(username="zz_reader", password="zz").render_as_string(hide_password=False)


def test_a_host_that_is_not_there_is_told() -> None:
    pytest.importorskip("psycopg")
    for host in ("127.0.0.1:1", "zz.invalid"):
        assert "can't be reached" in refused(f"postgresql://zz@{host}/zz").message


@pytest.mark.parametrize("query", ["pragma table_info(members)", "explain select 1", "call members()", "selects"])
def test_what_is_no_query_is_refused_when_the_configuration_is_read(url: str, query: str) -> None:
    with pytest.raises(ValidationError, match="only reads"):
        source(url, query)


def test_the_columns_of_two_tables_may_not_share_a_name(url: str) -> None:
    query = "select a.*, b.* from (select 1 as id, 2 as x) a, (select 1 as id, 3 as y) b"
    error = refused(url, query)
    assert "the columns 1 and 3 have the same name" in error.message
    assert "'as'" in str(error.remedy)
