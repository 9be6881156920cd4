"""Parameters inside a JSON body."""

from typing import Any


def put(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of `body` with one value set.

    'paging.offset' leads into tables, which are made where there are none, 'filters.0.value' into lists that exist.
    Raises ValueError where the path leads nowhere.
    """
    changed: dict[str, Any] = _put(body, path.split("."), value, path)
    return changed


def _put(inner: object, parts: list[str], value: object, path: str) -> Any:  # noqa: ANN401 - a table stays one
    if not parts:
        return value
    part, *rest = parts
    if isinstance(inner, dict):
        return {**inner, part: _put(inner.get(part, {}), rest, value, path)}
    if isinstance(inner, list) and part.isascii() and part.isdigit() and int(part) < len(inner):
        changed = list(inner)
        changed[int(part)] = _put(inner[int(part)], rest, value, path)
        return changed
    raise ValueError(f"{path!r} leads nowhere in json")
