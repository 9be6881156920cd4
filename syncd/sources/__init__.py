"""Finds the adapter of a source by the name of its type; built-in ones and plug-ins are registered alike."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from syncd.sources.base import Source

_GROUP = "syncd.sources"


def available_sources() -> tuple[str, ...]:
    return tuple(sorted(_registered()))


def find_source(type_name: str) -> type[Source]:
    """LookupError where nothing of this name is registered, ImportError where it lacks a package."""
    registered = _registered()
    if type_name not in registered:
        raise LookupError(_unknown(type_name, sorted(registered)))
    adapter = registered[type_name].load()
    if not (isinstance(adapter, type) and issubclass(adapter, Source)):
        value = registered[type_name].value
        raise LookupError(f"{value}, registered as the source {type_name!r}, is no adapter")  # noqa: TRY004 - it is a name that leads to the wrong thing
    return adapter


def _registered() -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


def _unknown(type_name: str, available: list[str]) -> str:
    near = get_close_matches(type_name, available, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no source {type_name!r}{meant} (available: {', '.join(map(repr, available)) or 'none'})"
