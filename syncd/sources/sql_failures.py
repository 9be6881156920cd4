"""What goes wrong with a database, in words. By codes, since a driver's words may hold addresses, users and values."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from syncd.errors import IncompleteRead

CHECK = "run the query by hand, as the same user"
# SQLSTATE of PostgreSQL and others, error numbers of MySQL and MariaDB
_LOGIN = ("the database refuses the login", "check user and password in url")
_ABSENT = ("there is no such database", "check url")
_DENIED = ("the user may not read what the query asks for", "give it the right to select")
_NO_TABLE = ("the query names a table that is not there", CHECK)
_NO_COLUMN = ("the query names a column that is not there", CHECK)
_TWO_COLUMNS = ("the query names a column that several tables have", "write its table before it, as in members.id")
_NO_FUNCTION = ("the query calls a function that is not there, or compares what can't be compared", CHECK)
_SYNTAX = ("the query is not valid SQL for this database", CHECK)
_SLOW = ("the query takes too long", "raise timeout, or make the query faster")
_WRITES = ("the query would write", "let it only select")
_BUSY = ("the database takes no more connections, or is only starting", "the next run reads anew")
_UNFIT = (
    "the query compares a column with something of another kind",
    f"with incremental, set beginning or counts as the column needs it; {CHECK}",
)
_UNREADABLE = (
    "a column holds what can't be read, such as a date before the year 1 or an infinite one",
    "cast the column to text in the query",
)
_ENCODING = ("a text is not in the encoding that the database says", "mend it in the database, or leave its column out")
_KNOWN: Mapping[object, tuple[str, str]] = {
    **dict.fromkeys(("28P01", "28000", 1045, 1698), _LOGIN),
    **dict.fromkeys(("3D000", 1049), _ABSENT),
    **dict.fromkeys(("42501", 1142, 1143, 1044), _DENIED),
    **dict.fromkeys(("42P01", "3F000", 1146), _NO_TABLE),
    **dict.fromkeys(("42703", 1054), _NO_COLUMN),
    **dict.fromkeys(("42702", 1052), _TWO_COLUMNS),
    **dict.fromkeys(("42883", 1305), _NO_FUNCTION),
    **dict.fromkeys(("42601", 1064), _SYNTAX),
    **dict.fromkeys(("57014", 3024, 1969), _SLOW),
    **dict.fromkeys(("53300", "57P03", 1040), _BUSY),
    **dict.fromkeys(("22P02", "22007", "22008", "42804", 1292, 1525), _UNFIT),
    **dict.fromkeys(("22021", "22P05"), _ENCODING),
    **dict.fromkeys(("25006", "0A000", 1792), _WRITES),
}
_LOST = ("the database can't be reached, or the connection broke", "see whether it is up; the next run reads anew")
_TURNED_AWAY = (
    "the database server refuses the connection",
    "check user, password and database in url, and whether the server lets this host in; its log tells why",
)

_NO_VALUE = (
    "the query has a parameter, and nothing gives it a value",
    "only incremental gives one, that of its param; what is no parameter, such as a time, stands in quotes",
)
_LOCKED = ("another program has locked the database file", "let it finish; the next run reads anew")
_DAMAGED = ("the database file is damaged, or was copied while it was written", "copy it anew, with its program closed")
_CLOSED = ("the database file can't be opened", "give syncd the right to read it, and its folder")
_SQLITE_CODES: Mapping[str, tuple[str, str]] = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_PROTOCOL": _LOCKED,
    "SQLITE_NOTADB": ("the file is no SQLite database, or is encrypted", "check url"),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_IOERR": ("the disk fails where the database file is", "see whether the disk or the network drive is there"),
    "SQLITE_CANTOPEN": _CLOSED,
    "SQLITE_PERM": _CLOSED,
    "SQLITE_READONLY": _WRITES,
}
_SQLITE_WORDS = {
    "no such table": _NO_TABLE,
    "no such column": _NO_COLUMN,
    "ambiguous column": _TWO_COLUMNS,
    "no such function": _NO_FUNCTION,
    "did not supply a value": _NO_VALUE,
    "number of bindings": _NO_VALUE,
}


@contextmanager
def translated(url: URL, place: str) -> Iterator[None]:
    """Turns whatever a database or its driver raises into IncompleteRead."""
    try:
        yield
    except SQLAlchemyError as error:
        what, remedy = _words(error, url)
        raise IncompleteRead(place, what, remedy=remedy) from None
    except UnicodeDecodeError:  # the driver's own, which quotes the text
        what, remedy = _ENCODING
        raise IncompleteRead(place, what, remedy=remedy) from None


def _words(error: SQLAlchemyError, url: URL) -> tuple[str, str]:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _words_of_sqlite(cause)
    number = cause.args[0] if cause is not None and cause.args and isinstance(cause.args[0], int) else None
    code = getattr(cause, "sqlstate", None) or number
    if code in _KNOWN:
        return _KNOWN[code]
    if code is None and isinstance(error, DataError):
        return _UNREADABLE
    if code is None or str(code)[:2] in ("08", "57") or code in (2003, 2006, 2013):
        return _words_without_code(str(cause)) if url.get_backend_name() == "postgresql" else _LOST
    return f"the database refuses the query ({code})", CHECK


def _words_without_code(text: str) -> tuple[str, str]:
    """Where no connection was made there is no code; the reason is in the text alone, in the server's language."""
    if "password authentication failed" in text:
        return _LOGIN
    if 'database "' in text and "does not exist" in text:
        return _ABSENT
    return _TURNED_AWAY if "FATAL:" in text and "terminating" not in text else _LOST


def _words_of_sqlite(error: sqlite3.Error) -> tuple[str, str]:
    text, name = str(error), getattr(error, "sqlite_errorname", None) or ""
    if found := next((words for code, words in _SQLITE_CODES.items() if name.startswith(code)), None):
        return found
    return next((words for part, words in _SQLITE_WORDS.items() if part in text), _SYNTAX)
