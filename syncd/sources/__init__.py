"""Where customers come from, read-only: an adapter for each kind of source, found by the name of its type.

Built-in adapters and plug-ins are registered alike. `base` is the contract of an adapter; `files`, `rest`, `sql` and
`singer` are adapters.
"""

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from syncd.domain.nearest import suggest
from syncd.sources.base import Source

__all__ = ["available_sources", "base", "copying", "find_source"]
_FORMS = {  # what people call a source after its files or its server
    **dict.fromkeys(("xlsx", "xls", "ods", "xlsm", "workbook"), "excel"),
    **dict.fromkeys(("txt", "tsv", "file"), "csv"),
    **dict.fromkeys(("json", "api", "http", "https", "url"), "rest"),
    **dict.fromkeys(("database", "postgres", "postgresql", "sqlite", "mssql", "oracle", "odbc"), "sql"),
}
_GROUP = "syncd.sources"


def available_sources() -> tuple[str, ...]:
    return tuple(sorted(_registered(*sys.path)))


def find_source(type_name: str) -> type[Source]:
    """Raises LookupError where the name leads to no adapter, and ImportError where the adapter lacks a package."""
    registered = _registered(*sys.path)
    if type_name not in registered:
        listed = ", ".join(map(repr, sorted(registered))) or "none"
        meant = _FORMS.get(type_name.casefold().lstrip("."), type_name)
        near = suggest(meant, registered)
        raise LookupError(f"there is no source {type_name!r}{near} (available: {listed})")
    adapter = registered[type_name].load()
    if not (isinstance(adapter, type) and issubclass(adapter, Source)):
        value = registered[type_name].value
        raise LookupError(f"{value}, registered as the source {type_name!r}, is no adapter")  # noqa: TRY004 - it is a name that leads to the wrong thing
    return adapter


@cache
def _registered(*_path: str) -> Mapping[str, EntryPoint]:
    """What is installed on the path; to look is slow."""
    return {entry.name: entry for entry in entry_points(group=_GROUP)}
