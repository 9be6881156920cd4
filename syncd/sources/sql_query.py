"""What stands in a query: where a statement ends, and where a parameter is one.

A colon in a literal, in a name, in a comment, in `::text` or in a slice is none.
"""

import re

_COMMENTS = r"--[^\n]*|/\*.*?\*/"
_STANDARD = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`"""
_BACKSLASHED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`"""
_OF_BACKEND = {
    "postgresql": rf"\b[eE]'(?:[^'\\]|\\.|'')*'|\$((?:[A-Za-z_]\w*)?)\$.*?\$\1\$|{_COMMENTS}|{_STANDARD}",
    **dict.fromkeys(("mysql", "mariadb"), rf"{_COMMENTS}|\#[^\n]*|{_BACKSLASHED}"),
    **dict.fromkeys(("sqlite", "mssql"), rf"{_COMMENTS}|{_STANDARD}|\[[^\]]*\]"),
}


def _finding(backend: str, code: str) -> re.Pattern[str]:
    """Finds what the database does not read as code, or `code`; the latter has a group of its own, `code`."""
    closed = _OF_BACKEND.get(backend, f"{_COMMENTS}|{_STANDARD}")
    return re.compile(f"(?:{closed})|(?P<code>{code})", re.DOTALL)


def is_one_statement(query: str, backend: str) -> bool:
    ends = [found for found in _finding(backend, ";").finditer(query) if found["code"]]
    comments = re.compile(rf"(?:\s|;|{_COMMENTS})*", re.DOTALL)
    return not ends or comments.fullmatch(query, ends[0].start()) is not None


def has_parameter(query: str, name: str, backend: str) -> bool:
    return any(found["code"] for found in _finding(backend, _parameter(name)).finditer(query))


def escape(query: str, backend: str, parameter: str | None = None) -> str:
    """As SQLAlchemy's `text` takes it: every colon that does not begin the parameter is one of the query's own."""
    code = f"{_parameter(parameter)}|:" if parameter else ":"

    def spell(found: re.Match[str]) -> str:
        is_parameter = found["code"] not in (None, ":")
        return found[0] if is_parameter else found[0].replace(":", r"\:")

    return _finding(backend, code).sub(spell, query)


def _parameter(name: str) -> str:
    return rf"(?<![:\w]):{re.escape(name)}(?![:\w])"
