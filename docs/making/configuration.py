"""Every key of the configuration, from its JSON Schema: `syncd config schema` has the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from syncd.config import json_schema

Schema: TypeAlias = dict[str, Any]

REFERENCE = "#/$defs/Reference"
SECRET = "a secret: `{ env = ... }` or `{ file = ... }`"  # noqa: S105 - how one is written
DURATION = "^[0-9]{1,9}[smhd]$"
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "table",
}
# Where a table is explained at length, by the beginning of its place.
EXPLAINED = {
    "state": "configuration.md#state-what-syncd-remembers",
    "gomus": "configuration.md#gomusname-the-gomus-instance",
    "daemon": "configuration.md#daemon-how-syncd-goes-about-its-runs",
    "web": "web.md",
    "notify": "alarms.md",
    "sync.NAME.source.csv": "configuration.md#syncnamesource-the-csv-export",
    "sync.NAME.source.excel": "sources/excel.md",
    "sync.NAME.source.rest": "sources/rest.md",
    "sync.NAME.source.singer": "sources/singer.md",
    "sync.NAME.source.sql": "sources/sql.md",
    "sync.NAME.where": "configuration.md#where-which-records-count",
    "sync.NAME.worklist": "worklist.md",
    "sync.NAME.tell": "worklist.md#tell-what-the-source-wants-to-be-done-by-hand",
    "sync.NAME.foreign_id": "configuration.md#syncnameforeign_id-how-a-customer-is-recognized",
    "sync.NAME.fields": "configuration.md#syncnamefields-what-goes-where",
    "sync.NAME.delete": "configuration.md#syncnamedelete-customers-who-are-gone-from-the-source",
    "sync.NAME.guards": "configuration.md#syncnameguards-how-much-may-change-at-once",
    "sync.NAME.examples": "configuration.md#examples-of-the-mapping",
    "sync.NAME": "configuration.md#syncname-which-source-goes-to-which-instance",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file: where it stands, and of which kinds of tables it is one, from the outermost on."""

    place: tuple[str, ...]
    schema: Schema = field(repr=False)
    is_list: bool = False
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kinds of its tables are in it."""
        return ".".join((*self.place[:3], *self.kinds[:1], *self.place[3:], *self.kinds[1:]))

    @property
    def heading(self) -> str:
        place = ".".join(self.place)
        brackets = f"[[{place}]]" if self.is_list else f"[{place}]"
        if not self.kinds:
            return f"`{brackets}`"
        word = "with" if "type" in self.schema["properties"] else "beside"
        return f'`{brackets}` {word} `type = "{self.kinds[-1]}"`'


def as_markdown() -> str:
    return "\n".join(line for table in tables(json_schema()) for line in _section(table))


def tables(schema: Schema) -> Iterator[Table]:
    """Each table of the file, those within it behind it. The fields of go~mus share one."""
    spelt: Schema = _with_words(schema, schema["$defs"])
    for key, about in spelt["properties"].items():
        if key == "template":  # it has the keys of a sync
            continue
        yield from _tables_at((key,), (), about, spelt["$defs"])


def _with_words(part: Any, definitions: Schema) -> Any:  # noqa: ANN401 - JSON
    """With the words that a key takes beside the key, where the schema defines them elsewhere."""
    if isinstance(part, list):
        return [_with_words(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    found = definitions.get(str(part.get("$ref")).rpartition("/")[2], {"properties": {}})
    words = {} if "properties" in found else {"anyOf": found["anyOf"]}
    return {key: _with_words(one, definitions) for key, one in part.items() if not (words and key == "$ref")} | words


def _tables_at(
    place: tuple[str, ...], kinds: tuple[str, ...], about: Schema, definitions: Schema, *, is_list: bool = False
) -> Iterator[Table]:
    if about.get("$ref", REFERENCE) != REFERENCE:
        found = definitions[about["$ref"].rpartition("/")[2]]
        kind = found["properties"].get("type", {}).get("const")
        within = (*kinds, kind) if kind else kinds
        yield Table(place, found, is_list, within)
        for key, inner in found["properties"].items():
            yield from _tables_at((*place, key), within, inner, definitions)
    elif place[-1] == "fields":
        yield from _tables_at((*place, "FIELD"), kinds, next(iter(about["properties"].values())), definitions)
    else:
        for inner in (*about.get("anyOf", ()), *about.get("oneOf", ()), *filter(None, [about.get("else")])):
            yield from _tables_at(place, kinds, inner, definitions)
        if isinstance(inner := about.get("additionalProperties"), dict):
            yield from _tables_at((*place, "NAME"), kinds, inner, definitions)
        if isinstance(inner := about.get("items"), dict):
            yield from _tables_at(place, kinds, inner, definitions, is_list=True)


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.heading} {{ #{table.name.replace('.', '-')} }}\n"
    page = next((page for start, page in EXPLAINED.items() if table.name.startswith(start)), None)
    if page:
        yield f"[Explained here](../{page}), with examples.\n"
    yield "| key | takes | default | meaning |"
    yield "|---|---|---|---|"
    needed = table.schema.get("required", ())
    for key, about in table.schema["properties"].items():
        default = "needed" if key in needed else _default(about)
        yield f"| `{key}` | {_taken(about)} | {default} | {about['description']} |"
    yield ""


def _default(about: Schema) -> str:
    default = about.get("default")
    if default in (None, "", [], {}):
        return "none"
    return "see its table" if isinstance(default, dict) else f"`{json.dumps(default, ensure_ascii=False)}`"


def _taken(about: Schema) -> str:
    """What may stand behind the key. Any value may stand elsewhere; a secret must."""
    if about.get("$ref") == REFERENCE:
        return SECRET
    branches = [one for one in (*about.get("anyOf", ()), *about.get("oneOf", ())) if one.get("type") != "null"]
    if not branches:
        return _plain(about)
    found = dict.fromkeys(map(_taken, branches))
    return " or ".join(found if set(found) == {SECRET} else [one for one in found if one != SECRET])


def _plain(about: Schema) -> str:
    if "$ref" in about:
        return "table"
    if "const" in about or "enum" in about:
        return ", ".join(f"`{json.dumps(value)}`" for value in about.get("enum", [about.get("const")]))
    if about.get("pattern") == DURATION:
        return "duration"
    if about.get("type") == "array":
        return "list"
    least, most = about.get("minimum"), about.get("maximum")
    limits = (f" from {least:g}" if least is not None else "") + (f" to {most:g}" if most is not None else "")
    return WORDS.get(about.get("type", ""), "value") + limits


if __name__ == "__main__":
    print(as_markdown())
