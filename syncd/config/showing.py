"""The configuration as it holds: templates filled in, values fetched from elsewhere, defaults written out.

What is or may be a secret is `***`, by the same rule as in messages about the file.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, time, timedelta
from enum import Enum
from typing import Any

from pydantic import SecretStr

from syncd.config.discretion import DISCREET, HIDDEN, known_keys, may_hold_login, secret_keys, shown_keys
from syncd.config.drafting.lines import as_key, in_toml
from syncd.config.model import Config
from syncd.config.places import USE, KeyPath
from syncd.domain.durations import format_duration

_ADDRESS = re.compile(
    r"(?P<kind>[a-z][a-z0-9+.-]*)://((?P<login>[^/?#@\s]*)@)?(?P<rest>[\w.*-]*(:\d{1,5})?(/[^@?#:]*)?)(?P<query>\?.*)?"
)
HEADINGS = 3  # so deep a table has a heading of its own; deeper ones stand in a line
_SAMPLES = {"given", "expect"}  # records, perhaps of somebody
_FIXED = "value"  # of a field; a number there is shown


def resolved(config: Config, syncs: Collection[str] | None = None) -> dict[str, Any]:
    """The whole document, or these syncs and their instances. Keys without a value are left out."""
    whole: dict[str, Any] = config.model_dump(by_alias=True, serialize_as_any=True, exclude_none=True)
    tables = {
        name: {key: one for key, one in table.items() if key not in ("name", USE)}
        for name, table in whole["syncs"].items()
        if syncs is None or name in syncs
    }
    used = {table["gomus"] for table in tables.values()}
    instances = {name: one for name, one in whole["gomus"].items() if syncs is None or name in used}
    rest: dict[str, Any] = {
        key: whole[key] for key in ("state", "daemon", "web", "notify") if key in whole and syncs is None
    }
    document = {**rest, "gomus": instances, "sync": tables}
    return {key: _veiled(one, (key,)) for key, one in document.items()}


def _veiled(value: object, path: KeyPath) -> object:
    """What may be shown of it, in types that TOML and JSON have."""
    match value:
        case Mapping():
            return {key: _veiled(one, (*path, key)) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_veiled(one, (*path, number)) for number, one in enumerate(value)]
        case SecretStr():
            return HIDDEN
        case bool():
            return value
        case timedelta():
            return format_duration(value)
        case Enum():
            return value.value
        case int() | float() | date() | time():
            return HIDDEN if _is_discreet(path, but=_FIXED) else value
        case _:
            return _shown(path, str(value))


def _is_discreet(path: KeyPath, *, but: str | None = None) -> bool:
    return bool(((DISCREET | _SAMPLES | secret_keys()) - {but}) & {*path})


def _shown(path: KeyPath, text: str) -> str:
    """By the innermost key that is one of ours: a table such as `map` has keys of its own."""
    ours = next((part for part in reversed(path) if part in known_keys()), None)
    if ours not in shown_keys() or _is_discreet(path):
        return HIDDEN
    return _without_login(text) if may_hold_login(text) else text


def _without_login(text: str) -> str:
    """An address without user, password and query; nothing of what is none, or may be another one than it seems."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return HIDDEN
    login, query = (HIDDEN if found[part] else "" for part in ("login", "query"))
    return f"{found['kind']}://{login}{'@' if login else ''}{found['rest']}{'?' if query else ''}{query}"


def as_toml(document: Mapping[str, Any]) -> str:
    return "\n".join(_lines(document, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    within = {key: one for key, one in table.items() if isinstance(one, dict) and len(path) < HEADINGS}
    plain = {key: one for key, one in table.items() if key not in within}
    if plain and path:
        yield f"\n[{'.'.join(map(as_key, path))}]"
    for key, one in plain.items():
        yield f"{as_key(key)} = {in_toml(one)}"
    for key, one in within.items():
        yield from _lines(one, (*path, key))
