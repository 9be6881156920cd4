"""The configuration as JSON Schema: for editors, and for naming the keys a person may have meant."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from syncd.config.model import Document, SyncTable
from syncd.config.places import TEMPLATE, USE, KeyPath, children
from syncd.config.worklist import WorklistOptions
from syncd.domain.durations import format_duration
from syncd.gomus.fields import FIELDS
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.mapping.transforms import PLAIN, WITH_ARGUMENT
from syncd.sources import available_sources, find_source
from syncd.sources.base import SourceOptions

Schema: TypeAlias = dict[str, Any]

_REFERENCE: Schema = {
    "title": "Reference",
    "description": "The value stands elsewhere: in an environment variable, or in a file.",
    "type": "object",
    "properties": {"env": {"type": "string", "minLength": 1}, "file": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
PART = "PartOf"
_TEMPLATES: Schema = {
    "description": "What several syncs have in common, by a name of yours; a sync takes it over with `use`.",
    "type": "object",
    "title": "Templates",
}
_CHOICES = ("then", "else")
_SCALARS = {"string", "integer", "number", "boolean"}


class _Generator(GenerateJsonSchema):
    """Spells durations as a person writes them."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - as pydantic has it
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema() -> Schema:
    """JSON Schema 2020-12 of the whole file. Any value may be a reference; a secret must be one."""
    schema = _with_references(plain_schema())
    schema["$defs"]["Reference"] = _REFERENCE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "syncd configuration",
        **schema,
    }


@cache
def plain_schema(types: frozenset[str] | None = None) -> Schema:
    """The schema of a document whose references are replaced by values; of one with these sources, or with any."""
    sources = dict(_source_options(available_sources() if types is None else sorted(types)))
    models: list[type[BaseModel]] = [Document, SyncTable, FieldSpec, ForeignIdSpec, WorklistOptions, *sources.values()]
    places, shared = models_json_schema([(model, "validation") for model in models], schema_generator=_Generator)
    definitions: Schema = shared["$defs"]

    def definition(model: type) -> Schema:
        found: Schema = definitions[places[model, "validation"]["$ref"].rpartition("/")[2]]
        return found

    for name, model in sources.items():
        options = definition(model)
        _place(options, "type", {"const": name, "type": "string", "title": "Type"})
        options["required"] = sorted({*options.get("required", ()), "type"})
    _place(definition(FieldSpec), "transform", _transform())
    sync = definition(SyncTable)
    _place(sync, "source", {"oneOf": [places[model, "validation"] for model in sources.values()]})
    _place(sync, "foreign_id", _or_shorthand(places[ForeignIdSpec, "validation"]))
    _place(sync, "worklist", _or_shorthand(places[WorklistOptions, "validation"]))
    fields = {
        "type": "object",
        "properties": dict.fromkeys(FIELDS, _or_shorthand(places[FieldSpec, "validation"])),
        "additionalProperties": False,
        "minProperties": 1,
    }
    _place(sync, "fields", fields)
    document, name = definition(Document), places[SyncTable, "validation"]["$ref"].rpartition("/")[2]
    definitions |= {f"{PART}{key}": _in_part(one) for key, one in definitions.items()}
    whole, part = ({"$ref": f"#/$defs/{kind}{name}"} for kind in ("", PART))
    _place(document, TEMPLATE, _TEMPLATES | {"additionalProperties": {**part, "not": {"required": [USE]}}})
    document["properties"]["sync"]["additionalProperties"] = {"if": {"required": [USE]}, "then": part, "else": whole}
    return {**document, "$defs": definitions}


def _in_part(schema: Any) -> Any:  # noqa: ANN401 - a keyword of JSON Schema may hold anything
    """The same without what is needed: a template has some of it, and the sync that uses it the rest."""
    if isinstance(schema, list):
        return [_in_part(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    left = {key: one for key, one in schema.items() if key not in ("required", "discriminator", "minProperties")}
    named = {"anyOf" if key == "oneOf" else key: _in_part(one) for key, one in left.items()}
    if isinstance(reference := schema.get("$ref"), str):
        named["$ref"] = reference.replace("#/$defs/", f"#/$defs/{PART}")
    return named


def _place(table: Schema, key: str, schema: Schema) -> None:
    """What is said of the key stays."""
    told = table["properties"].get(key, {})
    table["properties"][key] = schema | {about: told[about] for about in ("description",) if about in told}


def _source_options(names: Iterable[str]) -> Iterator[tuple[str, type[SourceOptions]]]:
    for name in names:
        try:
            yield name, find_source(name).Options
        except ImportError:
            continue  # an extra that is not installed here


def _or_shorthand(spec: Schema) -> Schema:
    return {"anyOf": [{"type": "string", "minLength": 1}, spec]}


def _transform() -> Schema:
    """What `compile_transform` takes: alone, or a list of them."""
    arguments: Schema = {"properties": {name: {} for name in WITH_ARGUMENT}, "additionalProperties": False}
    one = {"anyOf": [{"enum": [*PLAIN]}, {"type": "object", "minProperties": 1, "maxProperties": 1, **arguments}]}
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _with_references(schema: Schema) -> Schema:
    if _is_secret(schema):
        return {"$ref": "#/$defs/Reference"} | {key: schema[key] for key in ("description",) if key in schema}
    changed = {key: _inside(key, inner) for key, inner in schema.items()}
    # what tells the alternatives of a `oneOf` apart must be plain
    if "const" not in schema and (schema.get("type") in _SCALARS or "enum" in schema):
        about: Schema = {key: changed.pop(key) for key in ("title", "description", "default") if key in changed}
        return {**about, "anyOf": [changed, {"$ref": "#/$defs/Reference"}]}
    return changed


def _inside(key: str, inner: Any) -> Any:  # noqa: ANN401 - a keyword of JSON Schema may hold anything
    if key in ("properties", "patternProperties", "$defs"):
        return {name: _with_references(schema) for name, schema in inner.items()}
    if key in ("anyOf", "oneOf", "allOf"):
        return [_with_references(schema) for schema in inner]
    if key in ("items", "additionalProperties", *_CHOICES) and isinstance(inner, dict):
        return _with_references(inner)
    return inner


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("writeOnly") is True


@dataclass(frozen=True, slots=True)
class Outline:
    """Answers what the schema knows of a place in a document."""

    schema: Schema

    def keys(self, document: object, path: KeyPath) -> set[str]:
        """The keys that the table at `path` may have."""
        return {key for schema in self._at(document, path) for key in schema.get("properties", ())}

    def is_secret(self, document: object, path: KeyPath) -> bool:
        return any(map(_is_secret, self._at(document, path)))

    def tags(self, document: object, path: KeyPath) -> list[str]:
        """The words of the key that says which of several tables the one at `path` is; none if there is no such key."""
        places = [schema for place in self._at(document, path[:-1]) if (schema := _step(place, path[-1])) is not None]
        found = [branch for place in places for branch in self._branches(place)]
        return [tag for branch in found for tag in branch.get("discriminator", {}).get("mapping", ())]

    def _branches(self, schema: Schema) -> Iterator[Schema]:
        yield schema
        for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
            yield from self._branches(branch)

    def _at(self, document: object, path: KeyPath) -> list[Schema]:
        places = self._alternatives(self.schema, document)
        for part in path:
            document = children(document).get(part)
            steps = [schema for place in places if (schema := _step(place, part)) is not None]
            places = [schema for place in steps for schema in self._alternatives(place, document)]
        return places

    def _alternatives(self, schema: Schema, document: object) -> list[Schema]:
        if "$ref" in schema:
            return self._alternatives(self.schema["$defs"][schema["$ref"].rpartition("/")[2]], document)
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
        branches += [schema[key] for key in _CHOICES if key in schema]
        found = [schema, *(place for branch in branches for place in self._alternatives(branch, document))]
        chosen = [place for place in found if _names_type(place, document)]
        return chosen or found


@cache
def outline(types: frozenset[str] | None = None) -> Outline:
    """Imports every adapter, unless `types` says which sources the document has."""
    return Outline(plain_schema(types))


def _step(schema: Schema, part: str | int) -> Schema | None:
    if isinstance(part, int):
        inner = schema.get("items")
    else:
        named = (inner for pattern, inner in schema.get("patternProperties", {}).items() if re.search(pattern, part))
        inner = schema.get("properties", {}).get(part) or next(named, schema.get("additionalProperties"))
    return inner if isinstance(inner, dict) else None


def _names_type(schema: Schema, document: object) -> bool:
    """Whether the document's `type` is the one of this alternative."""
    constant = schema.get("properties", {}).get("type", {}).get("const")
    return constant is not None and isinstance(document, dict) and document.get("type") == constant
