"""Every mistake of a configuration, in words. Imported where there is one, for it imports all adapters."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from syncd.config.instances import find_wrong_instances
from syncd.config.model import Document
from syncd.config.places import TEMPLATE, KeyPath, find, find_table, spell
from syncd.config.schema import outline
from syncd.config.secrets import Resolved, find_plain_secrets, resolve
from syncd.config.templates import Filled
from syncd.config.words import translate
from syncd.errors import Problem


def find_mistakes(
    resolved: Resolved, missing: Mapping[KeyPath, Problem], error: ValidationError | None
) -> tuple[dict[KeyPath, Problem], set[KeyPath]]:
    """All of them by place, and the places of which the key is to be shown, not the value.

    `missing` leads nowhere, `error` is what pydantic has found.
    """
    nameless = _nameless(resolved.document)
    problems = {**missing, **find_plain_secrets(resolved, outline())}
    problems = {place: problem for place, problem in problems.items() if place[:1] not in nameless} | nameless
    moved = {place[-1] for place in nameless}  # which is not missing elsewhere
    about_keys: set[KeyPath] = set()
    for place, message, is_key in translate(error, resolved, set(problems)) if error else ():
        if moved & {*place[-1:]} and find(resolved.document, place) is None:
            continue
        problems.setdefault(place, Problem(path=spell(place), message=message))
        about_keys |= {place} if is_key else set()
    problems = problems if nameless else find_wrong_instances(resolved) | problems
    about_keys |= {place for place in problems if outline().is_secret(resolved.document, place)}
    return problems, about_keys


def find_in_unused(filled: Filled, env: Mapping[str, str], base: Path) -> tuple[dict[KeyPath, Problem], set[KeyPath]]:
    """Mistakes of templates that no sync uses, as far as they can be told of a part of a sync; as `find_mistakes`."""
    if not filled.unused:
        return {}, set()
    trial = resolve({**filled.document, "sync": filled.unused}, env, base)
    error: ValidationError | None = None
    try:
        Document.model_validate(trial.document)
    except ValidationError as found:
        error = found
    problems, about_keys = find_mistakes(trial, {}, error)
    judged = [place for place in problems if place[:1] == ("sync",) and _is_told_alone(trial, place, about_keys)]
    moved = {place: (TEMPLATE, *place[1:]) for place in judged}
    told = {
        moved[place]: Problem(
            path=spell(moved[place]), message=problems[place].message.replace("[sync.", f"[{TEMPLATE}.")
        )
        for place in judged
    }
    return told, {moved[place] for place in about_keys & moved.keys()}


def _is_told_alone(trial: Resolved, place: KeyPath, about_keys: set[KeyPath]) -> bool:
    """Not what is missing, or does not go together: the sync may have more to it."""
    value = find(trial.document, place)
    is_of_all = place[2:3] in (("examples",), ("use",)) or any(place[: len(one)] == one for one in trial.problems)
    return value is not None and not is_of_all and (place in about_keys or not isinstance(value, dict))


def _nameless(document: object) -> dict[KeyPath, Problem]:
    """What stands in `[gomus]` or `[sync]` and belongs to one instance or one sync: `url`, or `[sync.source]`."""
    found: dict[KeyPath, Problem] = {}
    for kind, usual in (("gomus", "main"), ("sync", "members")):
        given = find_table(document, kind)
        known = outline().keys(document, (kind, usual)) & given.keys()
        name = next((key for key in given if key not in known), usual)
        tables = {key for key in known if isinstance(given[key], dict)}
        if known - tables:
            message = f"lacks a name: write [{kind}.{name}] in place of [{kind}]"
            found[kind,] = Problem(path=kind, message=message)
        for key in tables:
            if not {"token", "foreign_id", "fields"} & find_table(given, key).keys():
                message = f"lacks a name before it: write [{kind}.{name}.{key}]"
                found[kind, key] = Problem(path=f"{kind}.{key}", message=message)
    return found
