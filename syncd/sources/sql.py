"""The source `sql`: one query against any database that SQLAlchemy reaches, read-only and in one transaction."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import URL, Connection, CursorResult, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from syncd.domain.durations import Duration
from syncd.domain.records import Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.network import reach
from syncd.sources.base import Reading, ReadKind, Source, SourceOptions

PLACE = "query"
AT_ONCE = 1000  # rows fetched from the server in one go
_QUERY = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_EXPECTED = "must be a database URL such as 'postgresql://user@host/database'"
# Where a URL names no driver, the one that is installed with syncd or is the lightest
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"} | {
    "mariadb": "mariadb+pymysql"
}
_CHECK = "run the query by hand, as the same user"


def _check_url(url: str) -> str:
    """Never quotes the URL, which may hold a password."""
    try:
        _dialect(_parse(url))
    except (ArgumentError, ValueError, NoSuchModuleError):
        raise ValueError(_EXPECTED) from None
    except ImportError as error:
        raise ValueError(f"needs the Python package {error.name!r}: install it beside syncd") from None
    return url


def _parse(url: str) -> URL:
    parsed = make_url(url)
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def _dialect(url: URL) -> None:
    url.get_dialect().import_dbapi()


def _check_query(query: str) -> str:
    if not _QUERY.match(query):
        raise ValueError("must be a query that only reads: it begins with 'select' or 'with'")
    return query


class SqlOptions(SourceOptions):
    type: Literal["sql"] = "sql"
    url: Annotated[str, AfterValidator(_check_url)] = Field(repr=False)
    query: Annotated[str, AfterValidator(_check_query)]
    timeout: Duration = Field(default=timedelta(minutes=5), gt=timedelta())


class SqlSource(Source):
    """Always a snapshot: the rows of the query are all there is."""

    Options = SqlOptions
    options: SqlOptions

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - a query tells no changes
        url = _parse(self.options.url)
        engine = _make_engine(url, self.base, self.options.timeout)
        try:
            with _translated(url):
                connection = engine.connect()
            try:
                with _translated(url):
                    _begin_to_read(connection)
                    result = connection.execute(text(self.options.query))
                with closing(result):
                    yield SqlReading(result, url)
            finally:
                connection.invalidate()  # however far it has come, and whatever state it is in
                connection.close()
        finally:
            engine.dispose()


class SqlReading(Reading):
    kind = ReadKind.SNAPSHOT
    columns: tuple[str, ...]

    def __init__(self, result: CursorResult[Any], url: URL) -> None:
        self._result = result
        self._url = url
        self.columns = tuple(result.keys())
        self.description = f"{url.get_backend_name()} query"
        for number, name in enumerate(self.columns, start=1):
            if (first := self.columns.index(name) + 1) < number:
                what = f"the columns {first} and {number} have the same name"
                raise IncompleteRead(PLACE, what, remedy="give one of them another name with 'as'")

    def __iter__(self) -> Iterator[SourceRecord]:
        number = 0
        while rows := self._fetch(number):
            for number, row in enumerate(rows, start=number + 1):  # noqa: B020 - it counts on
                position = Position(source=PLACE, line=number, unit="row")
                values = [_plain(value, column, position) for column, value in enumerate(row, start=1)]
                yield SourceRecord(values=dict(zip(self.columns, values, strict=True)), position=position)
        if not number:
            raise IncompleteRead(PLACE, "gives no rows", remedy="an empty result deletes nobody; " + _CHECK)

    def _fetch(self, number: int) -> Sequence[Sequence[object]]:
        with _translated(self._url, f"{PLACE} row {number + 1}"):
            return self._result.fetchmany(AT_ONCE)


def _make_engine(url: URL, base: Path, timeout: timedelta) -> Engine:
    seconds = max(1, int(timeout.total_seconds()))
    first = min(seconds, int(reach().connect))
    connect: Mapping[str, Any] = {}
    match url.get_backend_name():
        case "sqlite":
            url, connect = _readonly_file(url, base), {"timeout": seconds}
        case "postgresql":
            connect = {"connect_timeout": first, "options": f"-c statement_timeout={seconds * 1000}"}
        case "mysql" | "mariadb":
            connect = {"connect_timeout": first, "read_timeout": seconds}
    return create_engine(url, poolclass=NullPool, connect_args=dict(connect), hide_parameters=True)


def _readonly_file(url: URL, base: Path) -> URL:
    path = base / (url.database or "")
    if not path.is_file():
        raise IncompleteRead(path.name or "sqlite", "there is no such file", remedy="check url")
    return url.set(database=f"file:{quote(str(path))}").update_query_dict({"mode": "ro", "uri": "true"})


def _begin_to_read(connection: Connection) -> None:
    """In a transaction that sees one state of the data, and can't write."""
    backend = connection.dialect.name
    connection.execution_options(stream_results=True, max_row_buffer=AT_ONCE)
    if backend == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    elif backend in ("mysql", "mariadb"):
        connection.exec_driver_sql("set session transaction read only")
        connection.commit()


# --- values ---

_SPELLED: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (bool, lambda value: value),
    (int, lambda value: value),
    (float, lambda value: int(value) if value.is_integer() else value),
    (str, lambda value: value),
    (Decimal, lambda value: format(value, "f")),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, str),
    (UUID, str),
    (list, lambda value: value),
    (dict, lambda value: value),
)


def _plain(value: object, column: int, position: Position) -> object:
    if value is None:
        return None
    for kind, spell in _SPELLED:
        if isinstance(value, kind):
            return spell(value)
    what = f"the column {column} holds {type(value).__name__}, which is no text, number or date"
    raise IncompleteRead(str(position), what, remedy="leave it out of the query, or cast it to text")


# --- what goes wrong ---

# SQLSTATE of PostgreSQL and others, error numbers of MySQL and MariaDB
_LOGIN = ("the database refuses the login", "check user and password in url")
_ABSENT = ("there is no such database", "check url")
_DENIED = ("the user may not read what the query asks for", "give it the right to select")
_NO_TABLE = ("the query names a table that is not there", _CHECK)
_NO_COLUMN = ("the query names a column that is not there", _CHECK)
_SYNTAX = ("the query is not valid SQL for this database", _CHECK)
_SLOW = ("the query takes too long", "raise timeout, or make the query faster")
_KNOWN: Mapping[object, tuple[str, str]] = {
    **dict.fromkeys(("28P01", "28000", 1045, 1698), _LOGIN),
    **dict.fromkeys(("3D000", 1049), _ABSENT),
    **dict.fromkeys(("42501", 1142, 1143, 1044), _DENIED),
    **dict.fromkeys(("42P01", 1146), _NO_TABLE),
    **dict.fromkeys(("42703", 1054), _NO_COLUMN),
    **dict.fromkeys(("42601", 1064), _SYNTAX),
    **dict.fromkeys(("57014", 3024, 1969), _SLOW),
    **dict.fromkeys(("25006", "0A000", 1792), ("the query would write", "let it only select")),
}
_SQLITE = {"no such table": _NO_TABLE, "no such column": _NO_COLUMN, "syntax error": _SYNTAX} | {
    "readonly": ("the query would write", "let it only select")
}
_LOST = ("the database can't be reached, or the connection broke", "see whether it is up; the next run reads anew")


@contextmanager
def _translated(url: URL, place: str = PLACE) -> Iterator[None]:
    """Turns errors into IncompleteRead by their codes, since a driver's words may hold addresses, users and values."""
    try:
        yield
    except SQLAlchemyError as error:
        what, remedy = _words(error, url)
        raise IncompleteRead(place, what, remedy=remedy) from None


def _words(error: SQLAlchemyError, url: URL) -> tuple[str, str]:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if url.get_backend_name() == "sqlite":
        found = next((words for part, words in _SQLITE.items() if part in str(cause)), None)
        return found or ("the database file can't be read", "see whether it is whole, and no other program locks it")
    number = cause.args[0] if cause is not None and cause.args and isinstance(cause.args[0], int) else None
    code = getattr(cause, "sqlstate", None) or number
    if code in _KNOWN:
        return _KNOWN[code]
    if code is None or str(code)[:2] in ("08", "57") or code in (2003, 2006, 2013):
        # psycopg gives no code where no connection was made; the reason is in its text only
        is_login = "password authentication failed" in str(cause)
        return (
            _LOGIN if is_login else _ABSENT if 'database "' in str(cause) and "does not exist" in str(cause) else _LOST
        )
    return f"the database refuses the query ({code})", _CHECK
