"""Where something stands in the configuration: key paths, what they lead to, and their order in the file."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
TEMPLATE, USE = "template", "use"  # what syncs have in common, and the key by which one takes it over


def spell(path: KeyPath) -> str:
    """As the key would be written in TOML: `sync.members.fields.email.transform[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[\w-]+", part) else f'"{part}"')
    return text


def children(document: object) -> Mapping[str | int, object]:
    """What stands in a table under each key, or in a list under each number, in order; nothing in anything else."""
    if isinstance(document, dict):
        return document
    return dict(enumerate(document)) if isinstance(document, list) else {}


def find(document: object, path: KeyPath) -> object:
    """What the path leads to; None where it leads nowhere, for TOML has no null."""
    for part in path:
        document = children(document).get(part)
    return document


def find_table(document: object, *path: str) -> dict[str, object]:
    """The table that the path leads to; an empty one where it leads to none."""
    found = find(document, path)
    return found if isinstance(found, dict) else {}


def in_order_of_file(paths: Iterable[KeyPath], document: object) -> list[KeyPath]:
    """A key that is missing comes last in its table."""

    def rank(path: KeyPath) -> list[int]:
        table, ranks = document, []
        for part in path:
            keys = [*children(table)]
            ranks.append(keys.index(part) if part in keys else len(keys))
            table = children(table).get(part)
        return ranks

    return sorted(paths, key=rank)
