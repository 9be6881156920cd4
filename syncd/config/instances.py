"""Which instance a sync is for, looked at in the raw document."""

from syncd.config.places import KeyPath, find_table, spell
from syncd.config.secrets import Reference, Resolved
from syncd.domain.nearest import suggest
from syncd.errors import Problem


def find_wrong_instances(resolved: Resolved) -> dict[KeyPath, Problem]:
    """Looked for in the raw document, so that they are found whatever else is wrong."""
    instances = [name for name, table in find_table(resolved.document, "gomus").items() if isinstance(table, dict)]
    found: dict[KeyPath, Problem] = {}
    for name, sync in find_table(resolved.document, "sync").items() if instances else ():
        path: KeyPath = ("sync", name, "gomus")
        if message := _wrong_instance(find_table(sync).get("gomus"), instances, resolved.references.get(path)):
            found[path] = Problem(path=spell(path), message=message)
    return found


def _wrong_instance(chosen: object, instances: list[str], reference: Reference | None) -> str | None:
    if chosen is None:
        listed = ", ".join(map(repr, instances))
        return f"is needed where there are several instances: one of {listed}" if len(instances) > 1 else None
    if chosen in instances or not isinstance(chosen, str):
        return None
    if reference:
        return f"{reference.content} names no instance of this file"
    there_is = "; there is " + " and ".join(f"[gomus.{name}]" for name in instances)
    return f"there is no [gomus.{chosen}]{suggest(chosen, instances) or there_is}"
