"""One document, its templates filled in: a configuration, or every mistake in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from syncd.config.instances import find_wrong_instances
from syncd.config.likeness import find_wrong_lists
from syncd.config.model import Config, Document, SyncConfig, SyncTable
from syncd.config.overwriting import find_overwritten
from syncd.config.places import KeyPath, find_table, in_order_of_file
from syncd.config.schema import outline
from syncd.config.secrets import Resolved, find_plain_secrets, resolve
from syncd.config.templates import Filled
from syncd.errors import Misconfigured, Problem
from syncd.mapping.spec import ForeignIdSpec

NOT_ASKED = "-"  # in the place of a token, for whoever is offline


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a document is read in: values from elsewhere, and the folder where relative paths start.

    Whoever is offline needs no token of go~mus: one that can't be fetched is replaced.
    """

    env: Mapping[str, str] = field(repr=False)
    base: Path
    is_offline: bool = False


Point = Callable[[set[KeyPath]], Callable[[Problem, KeyPath], Problem]]
"""Gives a problem its place in a file; first it takes the places that are about a key, not about its value."""


def read_document(
    filled: Filled,
    around: Around,
    point: Point,
    *,
    found: Mapping[KeyPath, Problem] | None = None,
    judges_unused: bool = True,
) -> Config:
    """Raises Misconfigured with every mistake, those that were `found` before among them."""
    resolved, missing = _resolved(filled, around)
    missing |= found or {}
    error: ValidationError | None = None
    config: Config | None = None
    unused = filled.unused if judges_unused else {}
    try:
        tables = Document.model_validate(resolved.document)
    except ValidationError as mistakes:
        error = mistakes
    else:
        used = frozenset(sync.source.type for sync in tables.syncs.values())
        if not (missing or find_plain_secrets(resolved, outline(used)) or find_wrong_instances(resolved)):
            config = _assemble(tables, around.base)
            missing |= find_overwritten(config) | find_wrong_lists(config)
            if not (missing or unused):
                return config
    from syncd.config.mistakes import find_in_unused, find_mistakes

    spare, about_spare = find_in_unused(filled, around.env, around.base) if unused else ({}, set())
    if config and not (missing or spare):
        return config
    problems, about_keys = find_mistakes(resolved, missing, error)
    told = filled.placed(problems) | spare
    at = point({*map(filled.origin, about_keys), *about_spare})
    raise Misconfigured(at(told[place], place) for place in in_order_of_file(told, filled.given))


def _resolved(filled: Filled, around: Around) -> tuple[Resolved, dict[KeyPath, Problem]]:
    resolved = resolve(filled.document, around.env, around.base)
    lacking = [place for place in resolved.problems if around.is_offline and _is_token(place)]
    for place in lacking:
        find_table(resolved.document, *map(str, place[:-1]))["token"] = NOT_ASKED
    missing = {place: one for place, one in resolved.problems.items() if place not in lacking}
    return resolved, missing | dict(filled.problems)


def _is_token(place: KeyPath) -> bool:
    return (place[:1], place[2:]) == (("gomus",), ("token",))


def _assemble(document: Document, base: Path) -> Config:
    only_instance = next(iter(document.gomus))
    syncs = {
        name: SyncConfig.model_construct(
            **dict(table) | {"name": name, "gomus": table.gomus or only_instance, "twin": _twin(document, table)}
        )
        for name, table in document.syncs.items()
    }
    return Config.model_construct(
        **dict(document) | {"base": base, "state": document.state.anchored(base), "syncs": syncs}
    )


def _twin(document: Document, table: SyncTable) -> ForeignIdSpec | None:
    """How the list that `same_as` names has its ids."""
    same_as = table.foreign_id.same_as
    other = document.syncs.get(same_as.sync) if same_as else None
    return other.foreign_id if other else None
