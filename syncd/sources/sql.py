"""The source `sql`: one query against any database that SQLAlchemy reaches, read-only and in one transaction."""

import codecs
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import URL, Connection, CursorResult, Engine, NullPool, TextClause, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from syncd.domain.durations import Duration
from syncd.domain.records import Position, SourceRecord
from syncd.errors import IncompleteRead, lacks_extra
from syncd.network import reach
from syncd.sources.base import Reading, ReadKind, Source, SourceOptions, error_at
from syncd.sources.cursors.bounds import Beginning, Latest, Since, read_bounds
from syncd.sources.deletions import parse_deletion
from syncd.sources.sql_failures import CHECK, translated
from syncd.sources.sql_query import escape, has_parameter, is_one_statement

PLACE = "query"
AT_ONCE = 1000  # rows fetched from the server in one go
_QUERY = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_EXPECTED = "must be a database URL such as 'postgresql://user@host/database'"
# Where a URL names no driver, the one that is installed with syncd or is the lightest
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"} | {
    "mariadb": "mariadb+pymysql"
}
# Sent where all is read: earlier than any change, and in the bounds of every database
FIRST_TIME, FIRST_NUMBER = "1900-01-01 00:00:00", 0


def _check_url(url: str) -> str:
    """Never quotes the URL, which may hold a password."""
    try:
        _dialect(_parse(url))
    except (ArgumentError, ValueError, NoSuchModuleError):
        raise ValueError(_EXPECTED) from None
    except ImportError as error:
        if error.name == "psycopg":
            raise ValueError(lacks_extra("postgres")) from None
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


def _check_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"{encoding!r} is no encoding such as 'windows-1252'") from None


class SqlIncremental(BaseModel):
    """`param` in the query is the time, or with `counts` the number, since when changes are wanted.

    `cursor` is the column that shows when a row was last changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    param: str = Field(
        pattern=r"^[A-Za-z_]\w*$", description="The parameter of the query: the time since when changes are wanted."
    )
    cursor: str = Field(min_length=1, description="The column that tells when a row was last changed.")
    overlap: Duration = Field(default=timedelta(minutes=5), description="How much further back is asked.")
    full_every: Duration = Field(default=timedelta(days=7), description="How often all is read anyway.")
    counts: bool = Field(
        default=False, description="The column holds no times, but a number that goes up with every change."
    )
    beginning: Beginning | None = Field(
        default=None,
        description="What the parameter is where all is read; else the first day of 1900, or 0 with `counts`.",
    )

    @property
    def first(self) -> str | int:
        """What stands for the time where all is read."""
        if self.counts or self.beginning == "0":
            return FIRST_NUMBER
        return self.beginning or FIRST_TIME


class SqlOptions(SourceOptions):
    type: Literal["sql"] = Field(default="sql", description="A database.")
    url: Annotated[str, AfterValidator(_check_url)] = Field(repr=False, description="Where the database is.")
    query: Annotated[str, AfterValidator(_check_query)] = Field(description="What to read: one statement.")
    timeout: Duration = Field(
        default=timedelta(minutes=5), gt=timedelta(), description="How long the database may take for one answer."
    )
    incremental: SqlIncremental | None = Field(default=None, description="Only what has changed.")
    deleted: str | None = Field(
        default=None, min_length=1, description="A column that is true where the customer is deleted."
    )
    encoding: Annotated[str, AfterValidator(_check_encoding)] | None = Field(
        default=None, description="How text is read that is not UTF-8."
    )

    @model_validator(mode="after")
    def _fits_the_query(self) -> Self:
        backend = _parse(self.url).get_backend_name()
        if not is_one_statement(self.query, backend):
            raise error_at("query", "must be one statement: what stands behind the ';' is another")
        if self.incremental and not has_parameter(self.query, self.incremental.param, backend):
            name = self.incremental.param
            raise error_at("query", f"must hold the parameter of incremental, as in: where changed_at >= :{name}")
        return self


class SqlSource(Source):
    """Without `incremental` always a snapshot: the rows of the query are all there is."""

    Options = SqlOptions
    options: SqlOptions

    @property
    def full_every(self) -> timedelta | None:  # type: ignore[override]  # it depends on the options
        return self.options.incremental.full_every if self.options.incremental else None

    @property
    def fingerprint(self) -> bytes:
        """What is not set does not count, so that a new key makes no source another one."""
        return self.options.model_dump_json(exclude_none=True).encode()

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        url, incremental = _parse(self.options.url), self.options.incremental
        cursor = cursor if incremental else None
        since, latest = read_bounds(cursor, self.clock(), counts=bool(incremental and incremental.counts))
        engine = _make_engine(url, self.base, self.options)
        try:
            with translated(url, PLACE):
                connection = engine.connect()
            try:
                with translated(url, PLACE):
                    _begin_to_read(connection)
                    result = connection.execute(*_question(self.options, url, since))
                with closing(result):
                    yield SqlReading(result, url, self.options, since, latest)
            finally:
                connection.invalidate()  # however far it has come, and whatever state it is in
                connection.close()
        finally:
            engine.dispose()


def _question(options: SqlOptions, url: URL, since: Since | None) -> tuple[TextClause, dict[str, object]]:
    backend, incremental = url.get_backend_name(), options.incremental
    if incremental is None:
        return text(escape(options.query, backend)), {}
    bound = incremental.first if since is None else since.since(incremental.overlap)
    return text(escape(options.query, backend, incremental.param)), {incremental.param: bound}


class SqlReading(Reading):
    columns: tuple[str, ...]

    def __init__(
        self, result: CursorResult[Any], url: URL, options: SqlOptions, since: Since | None, latest: Latest
    ) -> None:
        self._result = result
        self._url = url
        self._options = options
        self._since: Any = since  # of the same make as `latest`
        self._latest = latest
        self._began = time.monotonic()
        self.columns = tuple(result.keys())
        self.kind = ReadKind.SNAPSHOT if since is None else ReadKind.CHANGES
        self.description = f"{url.get_backend_name()} query" + (" (changes)" if since else "")
        for number, name in enumerate(self.columns, start=1):
            if (first := self.columns.index(name) + 1) < number:
                what = f"the columns {first} and {number} have the same name"
                raise IncompleteRead(PLACE, what, remedy="give one of them another name with 'as'")
        self._require_column("incremental.cursor", options.incremental.cursor if options.incremental else None)
        self._require_column("deleted", options.deleted)

    def _require_column(self, key: str, name: str | None) -> None:
        if name is not None and name not in self.columns:
            raise IncompleteRead(PLACE, f"gives no column {name!r} ({key})", remedy="let the query select it")

    def __iter__(self) -> Iterator[SourceRecord]:
        number = 0
        while rows := self._fetch(number):
            for number, row in enumerate(rows, start=number + 1):  # noqa: B020 - it counts on
                position = Position(source=PLACE, line=number, unit="row")
                yield self._record(row, position)
        if not number and self.kind is ReadKind.SNAPSHOT:
            raise IncompleteRead(PLACE, "gives no rows", remedy="an empty result deletes nobody; " + CHECK)
        if self._options.incremental:
            if doubt := self._latest.find_doubt("as-read"):
                raise IncompleteRead(PLACE, doubt[0], remedy=doubt[1])
            cursor = self._latest.cursor(self._since, timedelta(seconds=time.monotonic() - self._began))
            self.cursor = str(cursor) if cursor else None

    def _record(self, row: Sequence[object], position: Position) -> SourceRecord:
        values = {
            name: value if type(value) is str else _plain(value, name, number, position)
            for number, (name, value) in enumerate(zip(self.columns, row, strict=True), start=1)
        }
        is_deleted = self._is_deleted(values, position)
        if self._options.incremental:
            changed = values[self._options.incremental.cursor]
            if changed is not None or not is_deleted:
                self._latest.take(changed, 1)
        return SourceRecord(values=values, position=position, deleted=is_deleted)

    def _is_deleted(self, values: Mapping[str, object], position: Position) -> bool:
        if self._options.deleted is None:
            return False
        told = parse_deletion(values[self._options.deleted])
        if told is None:
            remedy = "compare in the query, as in: deleted_at is not null as deleted"
            raise IncompleteRead(str(position), "deleted is neither true nor false", remedy=remedy)
        return told

    def _fetch(self, number: int) -> Sequence[Sequence[object]]:
        with translated(self._url, f"{PLACE} row {number + 1}"):
            return self._result.fetchmany(AT_ONCE)


def _make_engine(url: URL, base: Path, options: SqlOptions) -> Engine:
    seconds = max(1, int(options.timeout.total_seconds()))
    first = min(seconds, int(reach().connect))
    connect: Mapping[str, Any] = {}
    match url.get_backend_name():
        case "sqlite":
            url, connect = _readonly_file(url, base), {"timeout": seconds}
        case "postgresql":
            connect = {"connect_timeout": first, "options": f"-c statement_timeout={seconds * 1000}"}
            connect |= {} if "client_encoding" in url.query else {"client_encoding": "utf8"}
        case "mysql" | "mariadb":
            connect = {"connect_timeout": first, "read_timeout": seconds}
    engine = create_engine(url, poolclass=NullPool, connect_args=dict(connect), hide_parameters=True)
    event.listen(engine, "connect", lambda connection, _: _read_any_text(connection, options.encoding))
    return engine


def _read_any_text(connection: Any, encoding: str | None) -> None:  # noqa: ANN401 - a driver's own
    """Text is UTF-8, otherwise in `encoding`; a letter that can't be read is a sign that no field takes."""

    def decode_either(raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode(encoding or "utf-8", "replace")

    # every cell of SQLite comes here, and a partial of `str` is called without Python's own code
    decode = decode_either if encoding else partial(str, encoding="utf-8", errors="replace")
    if isinstance(connection, sqlite3.Connection):
        connection.text_factory = decode
    elif type(connection).__module__.partition(".")[0] == "psycopg" and _is_without_encoding(connection):
        from psycopg.adapt import Loader  # noqa: PLC0415 - of the extra `postgres`

        class AnyText(Loader):
            def load(self, data: bytes | bytearray | memoryview) -> str:
                return decode(bytes(data))

        for name in ("text", "varchar", "bpchar", "name"):
            connection.adapters.register_loader(name, AnyText)
        connection.execute("set client_encoding to 'SQL_ASCII'")  # otherwise the server refuses what is no UTF-8
        connection.commit()


def _is_without_encoding(connection: Any) -> bool:  # noqa: ANN401 - of psycopg
    return str(connection.info.parameter_status("server_encoding")) == "SQL_ASCII"


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

EXACT = 2.0**53  # a larger float stands for several whole numbers

_SPELLED: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (bool, lambda value: value),
    (int, lambda value: value),
    (float, lambda value: int(value) if value.is_integer() and abs(value) < EXACT else value),
    (str, lambda value: value),
    (Decimal, lambda value: format(value, "f") if value.is_finite() else float(value)),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (clock_time, clock_time.isoformat),
    (timedelta, str),
    (UUID, str),
    (dict, lambda value: value),
)


def _plain(value: object, name: str, number: int, position: Position) -> object:
    if value is None:
        return None
    if isinstance(value, list):
        return [_plain(one, name, number, position) for one in value]
    for kind, spell in _SPELLED:
        if isinstance(value, kind):
            return spell(value)
    kind_name = "bytes" if isinstance(value, bytes | bytearray | memoryview) else type(value).__name__
    what = f"the column {{}} holds {kind_name}, which is no text, number or date"
    remedy = "leave it out of the query, or cast it to text"
    raise IncompleteRead(str(position), what.format(number), remedy=remedy, shown=what.format(repr(name)))
