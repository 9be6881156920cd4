"""Drafts as the text of a configuration."""

import re
from collections.abc import Iterator, Sequence

from syncd.config.drafting.draft import Draft
from syncd.config.drafting.lines import in_toml, quote

DEFAULT_MODE = "anonymize-then-delete"


def write_drafts(drafts: Sequence[Draft], *, url: str, mode: str) -> str:
    prefixes = choose_prefixes([draft.sync for draft in drafts])
    lines = [
        "# Written by `syncd init`. Read it through: above all the id, where, and which name is the family name.",
        "# Then: `syncd check`, `syncd plan`, and `syncd --once`.",
        "",
        "[state]",
        'url = "sqlite:///syncd.db"',
        "",
        "[gomus.main]",
        f"url = {quote(url)}",
        'token = { env = "GOMUS_TOKEN" }       # the token stands in this environment variable, never in this file',
        "requests_per_second = 10",
    ]
    for draft, prefix in zip(drafts, prefixes, strict=True):
        lines += ["", *_sync(draft, prefix, mode)]
    return "\n".join([*lines, ""])


def choose_prefixes(syncs: Sequence[str]) -> list[str]:
    """The first letters of each sync, as many as tell it from those before; with the dash none begins another."""
    chosen: list[str] = []
    for sync in syncs:
        letters = re.sub(r"[^A-Za-z0-9]", "", sync).upper() or "S"
        shortest = (letters[:end] for end in range(1, len(letters) + 1))
        numbered = (f"{letters}{number}" for number in range(2, len(syncs) + 2))
        free = (one for one in (*shortest, *numbered) if f"{one}-" not in chosen)
        chosen.append(f"{next(free)}-")
    return chosen


def _sync(draft: Draft, prefix: str, mode: str) -> Iterator[str]:
    name = f"sync.{draft.sync}"
    yield from (f"[{name}]", '# schedule = "*/15 * * * *"           # for the daemon, `syncd` without arguments')
    yield from _where(draft)
    yield from ("", f"[{name}.source]")
    yield from (f"{key} = {in_toml(value)}" for key, value in draft.source.items())
    yield from ("", f"[{name}.foreign_id]", f"from = {quote(draft.id.column.name)}", f"prefix = {quote(prefix)}")
    if draft.id.transform:
        yield f"transform = {in_toml(draft.id.transform)}"
    yield from ("", f"[{name}.fields]")
    yield from _fields(draft)
    yield from ("", f"[{name}.delete]")
    yield f'mode = {quote(mode).ljust(30)} # "anonymize-then-delete", "anonymize", "release" or "ignore"'
    yield 'grace = "30d"                         # absent this long before anything happens'


def _where(draft: Draft) -> Iterator[str]:
    if not draft.where:
        return
    is_off = all(condition.is_off for condition in draft.where)
    begin = "# " if is_off else ""
    yield f"{begin}where = [                             # left out are: take a line away to keep them"
    for condition in draft.where:
        yield f"  # {_one_line(condition.note)}"
        yield f"{'# ' if condition.is_off else ''}  {condition.value},"
    yield f"{begin}]"


def _fields(draft: Draft) -> Iterator[str]:
    width = max((len(one.key) for one in draft.fields if not one.is_off), default=0)
    for one in draft.fields:
        yield from (f"# {_one_line(note)}" for note in one.notes)
        yield f"# {one.key} = {one.value}" if one.is_off else f"{one.key.ljust(width)} = {one.value}"
    yield from (f"# {note}" for note in draft.missing)
    for looks, names in draft.left_out_by_looks.items():
        yield f"# left out: {', '.join(map(quote, names))}: {_one_line(looks)}"


def _one_line(text: str) -> str:
    """As a comment can hold it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
