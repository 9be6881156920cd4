"""What pydantic finds wrong with a configuration, in our words; no secret and no value from elsewhere is quoted."""

import re
from collections.abc import Iterator
from datetime import date, time

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from syncd.config.places import KeyPath, children, find, spell
from syncd.config.schema import outline
from syncd.config.secrets import Reference, Resolved
from syncd.domain.nearest import suggest

_PASSWORD = re.compile(r"://\S*@")
_ADVICE = {
    "gomus": 'add a table [gomus.main] with url and token = { env = "GOMUS_TOKEN" }',
    "sync": "add a table [sync.NAME] with source, foreign_id and fields",
}
_WORDS = {
    "missing": "is missing",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "{shown} must be text, in quotes",
    "string_too_short": "must not be empty",
    "string_too_long": "{shown} is longer than {max_length} characters",
    "string_pattern_mismatch": "{shown} does not have the form {pattern}",
    "int_type": "{shown} is not a whole number",
    "int_parsing": "{shown} is not a whole number",
    "int_parsing_size": "{shown} is not a whole number",
    "int_from_float": "{shown} is not a whole number",
    "float_type": "{shown} is not a number",
    "float_parsing": "{shown} is not a number",
    "finite_number": "{shown} is not a number",
    "bool_type": "{shown} is neither true nor false",
    "bool_parsing": "{shown} is neither true nor false",
    "enum": "{shown} is not one of {expected}",
    "literal_error": "{shown} is not one of {expected}",
    "greater_than": "{shown} must be more than {gt}",
    "greater_than_equal": "{shown} must be at least {ge}",
    "less_than": "{shown} must be less than {lt}",
    "less_than_equal": "{shown} must be at most {le}",
    "too_short": "must have at least {min_length}",
}
_OF_SECRETS = {
    "weak_key": "is too short, or too simple, to keep digests from being guessed: make one with `openssl rand -hex 32`,"
    " or with `python3 -c 'import secrets; print(secrets.token_hex())'`",
}
_TAG_MISTAKES = {"union_tag_invalid", "union_tag_not_found"}


def translate(error: ValidationError, resolved: Resolved, noted: set[KeyPath]) -> Iterator[tuple[KeyPath, str, bool]]:
    """Each mistake with its place, and whether it is about the key there.

    Not those that only follow from one at a place that is `noted` already.
    """
    for details in error.errors(include_url=False):
        place = _place(details, resolved.document)
        if not any(place[: len(known)] == known for known in noted):
            is_key = details["type"] == "extra_forbidden" or details["loc"][-1:] == ("[key]",)
            yield place, _describe(details, place, resolved), is_key


def _place(details: ErrorDetails, root: object) -> KeyPath:
    """The location that pydantic gives, without what is no key: `[key]`, and the names of a union's branches."""
    place: KeyPath = ()
    document, is_branch = root, False
    for part in details["loc"]:
        if is_branch:  # a branch may be called as a key is: pagination = { type = "header", header = ... }
            is_branch = False
        elif (found := children(document).get(part)) is not None:
            document, place = found, (*place, part)
            is_branch = isinstance(document, dict) and bool(outline().tags(root, place))
    if details["type"] in _TAG_MISTAKES:
        return (*place, str(details["ctx"]["discriminator"]).strip("'"))  # the key that says which branch is meant
    last = details["loc"][-1] if details["loc"] else None
    if isinstance(last, str) and last not in place[-1:] and last in outline().keys(root, place):
        return (*place, last)  # a key that is missing
    return place


def _describe(details: ErrorDetails, place: KeyPath, resolved: Resolved) -> str:
    reference = resolved.references.get(place)
    shown = reference.content if reference else _show(details["input"])
    if find(resolved.document, place) is not None and outline().is_secret(resolved.document, place):
        return f"{shown if reference else 'this'} {_OF_SECRETS.get(details['type'], 'is not valid here')}"
    if details["type"] in _TAG_MISTAKES:
        return _wrong_tag(place, resolved)
    if details["type"] == "extra_forbidden":
        return _unknown_key(place, resolved.document)
    if details["type"] in ("missing", "too_short") and (advice := _ADVICE.get(spell(place))):
        return f"is missing: {advice}"
    if words := _WORDS.get(details["type"]):
        return words.format(shown=shown, **details.get("ctx", {}))
    return _free_words(details, place, resolved)


def _show(value: object) -> str:
    """A scalar as TOML has it; nothing of anything else, since secrets may be inside."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    return _PASSWORD.sub("://...@", repr(value)) if isinstance(value, str | int | float) else "this"


def _wrong_tag(place: KeyPath, resolved: Resolved) -> str:
    known = outline().tags(resolved.document, place[:-1])
    listed = ", ".join(map(repr, known))
    given = find(resolved.document, place)
    if given is None:
        return f"is missing: one of {listed}"
    if reference := resolved.references.get(place):
        return f"{reference.content} is not one of {listed}"
    return f"{_show(given)} is not one of {listed}{suggest(given, known) if isinstance(given, str) else ''}"


def _unknown_key(place: KeyPath, document: object) -> str:
    known = sorted(outline().keys(document, place[:-1]))
    if near := suggest(str(place[-1]), known):
        return f"unknown key{near}"
    return f"unknown key; there are {', '.join(known)}" if known else "unknown key"


def _free_words(details: ErrorDetails, place: KeyPath, resolved: Resolved) -> str:
    """A validator's own words, without what an environment variable or a file holds."""
    error = details.get("ctx", {}).get("error")
    message = str(error) if error else details["msg"]
    for path, reference in resolved.references.items():
        if path[: len(place)] == place:
            message = shield(message, str(find(resolved.document, path)), reference)
    return _PASSWORD.sub("://...@", message)


def shield(message: str, value: str, reference: Reference) -> str:
    """The message, with the reference in place of the value; another message where a word of the value would remain."""
    before, quoted, after = message.partition(repr(value))
    if _split(value) & _split(before + " " + after):
        return f"{reference.content} is not valid here"
    return before + reference.content + after if quoted else message


def _split(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
