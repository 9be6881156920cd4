"""From a file to a `Config`, or to every mistake in it at once."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from syncd.config.model import Config, Document, SyncConfig, SyncTable
from syncd.config.schema import Outline, plain_schema
from syncd.config.secrets import KeyPath, Reference, Resolved, resolve, spell
from syncd.domain.nearest import suggest
from syncd.domain.schedule import parse_schedule
from syncd.errors import Misconfigured, Problem

LISTEN = "SYNCD_WEB_LISTEN"
_PASSWORD = re.compile(r"://\S*@")
_ADVICE = {
    "gomus": 'add a table [gomus.main] with url and token = { env = "GOMUS_TOKEN" }',
    "sync": "add a table [sync.NAME] with source, foreign_id and fields",
}


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """`--config`, else SYNCD_CONFIG, else config.toml in the folder where syncd is started."""
    return option or Path(env.get("SYNCD_CONFIG") or "config.toml")


def load(path: Path, env: Mapping[str, str]) -> Config:
    """Raises Misconfigured with all mistakes; neither a secret nor a value from elsewhere is quoted."""
    document = _with_listen(_read(path), env)
    base = path.absolute().parent  # not resolve(): where the file is a link, "relative to it" means beside the link
    resolved = resolve(document, env, base)
    problems = resolved.problems | _plain_secrets(resolved)
    tables: Document | None = None
    try:
        tables = Document.model_validate(resolved.document)
    except ValidationError as error:
        for place, message in _translate(error, resolved, set(problems)):
            problems.setdefault(place, Problem(path=spell(place), message=message))
    problems = _wrong_instances(resolved) | problems
    if problems or tables is None:
        raise Misconfigured(problems[place] for place in _in_order_of_file(problems, document))
    return _assemble(tables, base)


def _read(path: Path) -> dict[str, object]:
    try:
        # Notepad writes a byte order mark, which TOML does not know
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        remedy = "name another with --config or SYNCD_CONFIG, or start from config.example.toml"
        _refuse(f"there is no configuration file {path}", remedy)
    except OSError as error:
        _refuse(f"the configuration file {path} cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        _refuse(f"{path} is not UTF-8 text", "save it with the encoding UTF-8")
    except tomllib.TOMLDecodeError as error:
        _refuse(*_syntax_error(path, str(error)))


def _with_listen(document: dict[str, object], env: Mapping[str, str]) -> dict[str, object]:
    """A container serves its page at the address that its image names, unless the file names another."""
    web = document.get("web", {})
    if not env.get(LISTEN) or not isinstance(web, dict):
        return document
    return {**document, "web": {"listen": {"env": LISTEN}, **web}}


def _refuse(message: str, remedy: str | None = None) -> NoReturn:
    raise Misconfigured([Problem(path="", message=message)], remedy=remedy) from None


def _syntax_error(path: Path, message: str) -> tuple[str, str | None]:
    complaint, _, place = message.rstrip(")").rpartition(" (at ")
    remedy = "in double quotes a backslash begins an escape: put Windows paths in single quotes"
    return f"{path} {place}: not valid TOML: {complaint}", remedy if "\\" in complaint else None


@cache
def _outline() -> Outline:
    return Outline(plain_schema())


def _plain_secrets(resolved: Resolved) -> dict[KeyPath, Problem]:
    def visit(value: object, path: KeyPath) -> Iterator[KeyPath]:
        if path in resolved.references:
            return
        if _outline().is_secret(resolved.document, path):
            yield path
        elif isinstance(value, dict | list):
            for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from visit(inner, (*path, part))

    return {
        path: Problem(
            path=spell(path),
            message="a secret does not belong in this file in plain text: "
            f'write {path[-1]} = {{ env = "NAME_OF_A_VARIABLE" }} or {{ file = "/run/secrets/name" }}',
        )
        for path in visit(resolved.document, ())
    }


def _translate(error: ValidationError, resolved: Resolved, noted: set[KeyPath]) -> Iterator[tuple[KeyPath, str]]:
    """The errors of pydantic in our words, but for those that only follow from a problem noted already."""
    for details in error.errors(include_url=False):
        place = _place(details, resolved.document)
        if not any(place[: len(known)] == known for known in noted):
            yield place, _describe(details, place, resolved)


def _place(details: ErrorDetails, root: object) -> KeyPath:
    """The location, as pydantic tells it, without what is no key: `[key]`, and the names of a union's branches."""
    place: KeyPath = ()
    document = root
    is_branch = False
    for part in details["loc"]:
        if is_branch:  # a branch may be called as a key is: pagination = { type = "header", header = ... }
            is_branch = False
        elif _has(document, part):
            document, place = document[part], (*place, part)  # type: ignore[index]  # it has it
            is_branch = isinstance(document, dict) and _outline().is_tagged(root, place)
    if details["type"] in _TAG_MISTAKES:
        return (*place, _tag(details))
    last = details["loc"][-1] if details["loc"] else None
    if isinstance(last, str) and last not in place[-1:] and last in _outline().keys(root, place):
        return (*place, last)  # a key that is missing
    return place


def _tag(details: ErrorDetails) -> str:
    """The key that says which branch of a union is meant."""
    return str(details["ctx"]["discriminator"]).strip("'")


def _has(document: object, part: str | int) -> bool:
    if isinstance(document, list):
        return isinstance(part, int) and part < len(document)
    return isinstance(document, dict) and part in document


def _exists(document: object, place: KeyPath) -> bool:
    for part in place:
        if not _has(document, part):
            return False
        document = document[part]  # type: ignore[index]  # it has it
    return True


def _describe(details: ErrorDetails, place: KeyPath, resolved: Resolved) -> str:
    reference = resolved.references.get(place)
    shown = f"what {reference} holds" if reference else _show(details["input"])
    if _exists(resolved.document, place) and _outline().is_secret(resolved.document, place):
        return f"{shown if reference else 'this'} is not valid here"
    if details["type"] in _TAG_MISTAKES:
        return _wrong_tag(place, resolved)
    if details["type"] == "extra_forbidden":
        return _unknown_key(place, resolved.document)
    if details["type"] in ("missing", "too_short") and (advice := _ADVICE.get(spell(place))):
        return f"is missing: {advice}"
    if words := _WORDS.get(details["type"]):
        return words.format(shown=shown, **details.get("ctx", {}))
    return _free_words(details, place, resolved)


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
_TAG_MISTAKES = {"union_tag_invalid", "union_tag_not_found"}


def _show(value: object) -> str:
    """Scalars as TOML has them; of anything else only that it is there, for secrets may be inside."""
    if isinstance(value, bool):
        return str(value).lower()
    return _PASSWORD.sub("://...@", repr(value)) if isinstance(value, str | int | float) else "this"


def _wrong_tag(place: KeyPath, resolved: Resolved) -> str:
    known = _outline().tags(resolved.document, place[:-1])
    listed = ", ".join(map(repr, known))
    if not _exists(resolved.document, place):
        return f"is missing: one of {listed}"
    if reference := resolved.references.get(place):
        return f"what {reference} holds is not one of {listed}"
    given = _at(resolved.document, place)
    return f"{_show(given)} is not one of {listed}{suggest(given, known) if isinstance(given, str) else ''}"


def _unknown_key(place: KeyPath, document: object) -> str:
    known = _outline().keys(document, place[:-1])
    if near := suggest(str(place[-1]), known):
        return f"unknown key{near}"
    return f"unknown key; there are {', '.join(sorted(known))}" if known else "unknown key"


def _free_words(details: ErrorDetails, place: KeyPath, resolved: Resolved) -> str:
    """A validator's own words, unless they would give away what an environment variable or a file holds."""
    error = details.get("ctx", {}).get("error")
    message = str(error) if error else details["msg"]
    for path, reference in resolved.references.items():
        if path[: len(place)] == place:
            message = _shield(message, str(_at(resolved.document, path)), reference)
    return _PASSWORD.sub("://...@", message)


def _shield(message: str, value: str, reference: Reference) -> str:
    shown = f"what {reference} holds"
    before, quoted, after = message.partition(repr(value))
    if _words_of(value) & _words_of(before + " " + after):
        return f"{shown} is not valid here"
    return before + shown + after if quoted else message


def _words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _at(document: object, path: KeyPath) -> object:
    for part in path:
        document = document[part]  # type: ignore[index]  # the path was found in this document
    return document


def _wrong_instances(resolved: Resolved) -> dict[KeyPath, Problem]:
    """Asked of the raw document, so that it is answered whatever else is wrong."""
    instances = list(_table(resolved.document, "gomus"))
    found: dict[KeyPath, Problem] = {}
    for name, sync in _table(resolved.document, "sync").items():
        path: KeyPath = ("sync", name, "gomus")
        if instances and (
            message := _wrong_instance(_table(sync).get("gomus"), instances, resolved.references.get(path))
        ):
            found[path] = Problem(path=spell(path), message=message)
    return found


def _wrong_instance(chosen: object, instances: list[str], reference: Reference | None) -> str | None:
    if chosen is None:
        listed = ", ".join(map(repr, instances))
        return f"is needed where there are several instances: one of {listed}" if len(instances) > 1 else None
    if chosen in instances or not isinstance(chosen, str):
        return None
    if reference:
        return f"what {reference} holds names no instance of this file"
    return f"there is no [gomus.{chosen}]{suggest(chosen, instances)}"


def _table(document: object, *path: str) -> dict[str, object]:
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _in_order_of_file(paths: Iterable[KeyPath], document: object) -> list[KeyPath]:
    def rank(path: KeyPath) -> list[int]:
        place, ranks = document, []
        for part in path:
            keys = (
                list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
            )
            ranks.append(keys.index(part) if part in keys else len(keys))
            place = place[part] if _has(place, part) else None  # type: ignore[index]  # it has it
        return ranks

    return sorted(paths, key=rank)


def _assemble(tables: Document, base: Path) -> Config:
    only_instance = next(iter(tables.gomus))
    return Config(
        base=base,
        state=tables.state.model_copy(update={"url": _anchored(tables.state.url, base)}),
        gomus=tables.gomus,
        syncs={name: _assemble_sync(name, table, only_instance) for name, table in tables.sync.items()},
        daemon=tables.daemon,
        web=tables.web,
        notify=tables.notify,
    )


def _assemble_sync(name: str, table: SyncTable, only_instance: str) -> SyncConfig:
    zone = ZoneInfo(table.timezone)
    return SyncConfig(
        name=name,
        gomus=table.gomus or only_instance,
        schedule=parse_schedule(table.schedule, zone) if table.schedule else None,
        timezone=zone,
        source=table.source,
        foreign_id=table.foreign_id,
        fields=table.fields,
        vanished=table.vanished,
        audit_per_run=table.audit_per_run,
        fix_drift=table.fix_drift,
        delete=table.delete,
        guards=table.guards,
    )


def _anchored(url: str, base: Path) -> str:
    """A relative SQLite file is beside the configuration, wherever syncd is started."""
    kind, slashes, file = url.partition(":///")
    return f"{kind}{slashes}{base / file}" if kind == "sqlite" else url
