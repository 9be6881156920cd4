"""What pydantic finds wrong with a configuration, in our words; no secret and no value from elsewhere is quoted."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from syncd.config.discretion import shown_keys
from syncd.config.keys import explain_field, explain_missing, explain_unknown, is_stray, meant
from syncd.config.places import KeyPath, children, find, spell
from syncd.config.schema import outline
from syncd.config.secrets import Reference, Resolved
from syncd.config.syntax import TRUTH
from syncd.domain.durations import format_duration
from syncd.domain.nearest import find_nearest, suggest

_HINT = re.compile(r"; |: (?:write|it has) ")  # begins what is made of the value, and would tell it
_PASSWORD = re.compile(r"://\S*@")
_ADVICE = {
    "gomus": 'add a table [gomus.main] with url and token = { env = "GOMUS_TOKEN" }',
    "sync": "add a table [sync.NAME] with source, foreign_id and fields",
    r"gomus\.[^.]+\.url": 'url = "https://demo.gomus.de", the address of your instance',
    r"gomus\.[^.]+\.token": 'token = { env = "GOMUS_TOKEN" }',
    r"sync\.[^.]+\.source": 'add a table below it, such as source = { type = "csv", path = "members.csv" }',
    r"sync\.[^.]+\.foreign_id": 'foreign_id = { from = "Column", prefix = "M-" }, with the column of the id',
    r"sync\.[^.]+\.foreign_id\.from": 'from = "Column", with the column of the id',
    r"sync\.[^.]+\.fields": 'fields = { surname = "Column" }, with your columns on the right',
    r"sync\.[^.]+\.where\[\d+\]\.from": 'from = "Column"',
    r"sync\.[^.]+\.source\.query": 'query = "select * from members"',
    r"sync\.[^.]+\.source\.command": 'command = ["tap-hubspot", "--config", "hubspot.json"]',
    r"sync\.[^.]+\.source\.auth\.(token|password|value|client_secret)": '{ env = "CRM_TOKEN" }',
}
_TABLE_TYPES = {"model_type", "model_attributes_type", "dict_type"}
_LIST_TYPES = {"list_type", "tuple_type"}
_TABLES = {
    r"gomus\.[^.]+": '[gomus.main] with url = "https://demo.gomus.de"',
    r"sync\.[^.]+\.fields\.\w+": '"Column", or { from = "Column" }; of several columns { from = ["A", "B"] }',
    r"sync\.[^.]+\.foreign_id": '{ from = "Column", prefix = "M-" }',
    r"sync\.[^.]+\.where\[\d+\]": '{ from = "Status", is = "aktiv" }',
    r"sync\.[^.]+\.source\.auth": '{ type = "bearer", token = { env = "CRM_TOKEN" } }',
    r"sync\.[^.]+\.source\.pagination": '{ type = "page" }',
    r".*\.map": '{ "Herr" = "1", "Frau" = "2" }',
    r".*\.complete": '{ end = "newline" }',
    r".*\.(params|headers|json)": '{ name = "value" }',
}
_TEXTS = {
    r"web\.listen": '"127.0.0.1:8080"',
    r"sync\.[^.]+\.schedule": '"every 15m"',
}
_LISTS = {
    r"sync\.[^.]+\.where": '{ from = "Status", is = "aktiv" }',
    r".*\.command": '"tap-hubspot", "--config", "hubspot.json"',
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
    "no_token": "is no token: leave out quotes, 'Bearer', blanks around it, line ends and letters beyond ASCII",
    "no_address": "must begin with 'https://' or 'http://'",
    "weak_key": "is too short, or too simple, and could be guessed: make one with `openssl rand -hex 32`,"
    " or with `python3 -c 'import secrets; print(secrets.token_hex())'`",
}
_TAG_MISTAKES = {"union_tag_invalid", "union_tag_not_found"}


def translate(error: ValidationError, resolved: Resolved, noted: set[KeyPath]) -> Iterator[tuple[KeyPath, str, bool]]:
    """Each mistake with its place, and whether it is about the key there.

    Not those that only follow from one at a place that is `noted` already.
    """
    found = [(details, _place(details, resolved.document)) for details in error.errors(include_url=False)]
    unknown = [place for details, place in found if details["type"] == "extra_forbidden"]
    # one mistake, not two: foreignid is there, and foreign_id is missing
    misspelt = {(*place[:-1], meant(place, resolved.document)) for place in unknown}
    noted = noted | {place for details, place in found if details["loc"][-1:] == ("[key]",)}
    for details, place in found:
        is_missing = find(resolved.document, place) is None
        if is_missing and (place in misspelt or is_stray(place, resolved.document)):
            continue
        is_key = details["type"] == "extra_forbidden" or details["loc"][-1:] == ("[key]",)
        if details["loc"][-1:] == ("[key]",) or not any(place[: len(known)] == known for known in noted):
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
        return explain_unknown(place, resolved.document)
    if place[2:3] == ("fields",) and details["loc"][-1:] == ("[key]",):
        return explain_field(place, resolved.document)
    if details["type"] in ("missing", "too_short"):
        advice = explain_missing(place, resolved.document) or _advise(_ADVICE, place)
        if advice:
            return f"is missing: {advice}"
    if words := _WORDS.get(details["type"]):
        return words.format(shown=shown, **details.get("ctx", {})) + _remedy(details, place, is_shown=not reference)
    return _free_words(details, place, resolved)


def _advise(advices: Mapping[str, str], place: KeyPath) -> str | None:
    spelt = spell(place)
    return next((advice for pattern, advice in advices.items() if re.fullmatch(pattern, spelt)), None)


def _remedy(details: ErrorDetails, place: KeyPath, *, is_shown: bool) -> str:
    """What to write instead, where that is clear."""
    given, kind = details["input"], details["type"]
    if kind in _TABLE_TYPES:
        advice = _advise(_TABLES, place)
        if isinstance(given, list) and not advice:
            return ", and its heading stands in one bracket on each side"
        return f", as in {advice}" if advice else ""
    if kind in _LIST_TYPES:
        in_list = given if isinstance(given, str) and is_shown and str(place[-1]) in shown_keys() else "..."
        return f": [{_advise(_LISTS, place) or json.dumps(in_list, ensure_ascii=False)}]"
    if kind == "string_type" and (advice := _advise(_TEXTS, place)):
        return f", such as {advice}"
    if kind == "string_type" and isinstance(given, list | dict):
        return ", and only one"
    if not isinstance(given, str) or not is_shown:
        return ""
    if kind.startswith("bool") and (truth := TRUTH.fullmatch(given.strip())):
        return f": write {'true' if truth[1] else 'false'}, without quotes"
    if kind.endswith("_parsing") and (number := re.fullmatch(r"(\d{1,6}([.]\d+)?)\s*(%|Prozent|percent)", given)):
        return f": write {number[1]}, without quotes and %"
    if kind in ("enum", "literal_error"):
        return _suggest_word(given, re.findall(r"'([^']*)'", str(details["ctx"]["expected"])))
    return ""


def _suggest_word(given: str, words: list[str]) -> str:
    """Only what is very near, or holds the word: who writes "delete" does not mean "release"."""
    stem = given.casefold().removesuffix("d")
    holding = next((word for word in words if len(stem) > 3 and stem in word), None)
    near = find_nearest(given, words, cutoff=0.75) or holding
    return f"; did you mean {near!r}?" if near else ""


def _show(value: object) -> str:
    """A scalar as TOML has it; nothing of anything else, since secrets may be inside."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return repr(format_duration(value))
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
    before, after = (_HINT.split(part)[0] for part in (before, after))
    if _split(value) & _split(before + " " + after):
        return f"{reference.content} is not valid here"
    return before + reference.content + after if quoted else before


def _split(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
