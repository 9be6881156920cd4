"""What a stream's SCHEMA says of its records: which properties there are, and whether there may be others."""

from collections.abc import Mapping
from typing import Any

# What may bring in properties that stand elsewhere
_ELSEWHERE = {"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties", "unevaluatedProperties"}


def properties_of(schema: object) -> frozenset[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()


def find_columns(schema: object, first_record: object) -> tuple[str, ...] | None:
    """All that a record can have, 'address.city' included; None where the schema leaves it open.

    Most taps list every property and do not say that there are no others. There the first record may show what a
    careless schema leaves out.
    """
    properties = properties_of(schema)
    if not properties or not isinstance(schema, Mapping) or any(schema.get(key) for key in _ELSEWHERE):
        return None
    others: Any = schema.get("additionalProperties")
    if others not in (None, False):
        return None
    shown = first_record if isinstance(first_record, Mapping) else {}
    names = properties if others is False else properties.union(shown)
    inner = {name: find_columns(schema["properties"].get(name), shown.get(name)) or () for name in names}
    return tuple(sorted({*names, *(f"{name}.{part}" for name, parts in inner.items() for part in parts)}))
