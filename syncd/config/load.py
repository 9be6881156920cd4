"""From a file to a `Config`, or to every mistake in it at once: read, resolve, validate, assemble."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from syncd.config.excerpt import Pointer
from syncd.config.model import Config, Document, SyncConfig
from syncd.config.places import KeyPath, find, find_table, in_order_of_file, spell
from syncd.config.reading import parse, read_text
from syncd.config.schema import outline
from syncd.config.secrets import Reference, Resolved, find_plain_secrets, resolve
from syncd.config.words import translate
from syncd.domain.nearest import suggest
from syncd.errors import Misconfigured, Problem

LISTEN = "SYNCD_WEB_LISTEN"
NOT_ASKED = "-"  # in the place of a token, for whoever is offline


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """From `--config`, otherwise from SYNCD_CONFIG, otherwise config.toml in the folder where syncd is started."""
    return option or Path(env.get("SYNCD_CONFIG") or "config.toml")


def load(path: Path, env: Mapping[str, str], *, is_offline: bool = False) -> Config:
    """Raises Misconfigured with every mistake in the file; it quotes neither a secret nor a value from elsewhere.

    Whoever is offline needs no token of go~mus: one that can't be fetched is replaced.
    """
    text = read_text(path)
    try:
        return _load(path, text, env, is_offline=is_offline)
    except RecursionError:
        message = "has brackets within brackets, too many for syncd: leave some out"
        raise Misconfigured([Problem(path="", message=message, place=str(path))]) from None


def _load(path: Path, text: str, env: Mapping[str, str], *, is_offline: bool) -> Config:
    document = _with_listen(parse(text, path), env)
    base = path.absolute().parent  # not resolve(): where the file is a link, "relative to it" means beside the link
    resolved = resolve(document, env, base)
    nameless = _nameless(resolved.document)
    lacking = [place for place in resolved.problems if is_offline and _is_token(place)]
    for place in lacking:
        find_table(resolved.document, *map(str, place[:-1]))["token"] = NOT_ASKED
    missing = {place: one for place, one in resolved.problems.items() if place not in lacking}
    problems = {**missing, **find_plain_secrets(resolved)}
    problems = {place: problem for place, problem in problems.items() if place[:1] not in nameless} | nameless
    moved = {place[-1] for place in nameless}  # which is not missing elsewhere
    about_keys: set[KeyPath] = set()
    tables: Document | None = None
    try:
        tables = Document.model_validate(resolved.document)
    except ValidationError as error:
        for place, message, is_key in translate(error, resolved, set(problems)):
            if moved & {*place[-1:]} and find(resolved.document, place) is None:
                continue
            problems.setdefault(place, Problem(path=spell(place), message=message))
            about_keys |= {place} if is_key else set()
    problems = problems if nameless else _wrong_instances(resolved) | problems
    if problems or tables is None:
        about_keys |= {place for place in problems if outline().is_secret(resolved.document, place)}
        pointer = Pointer(file=path, text=text, about_keys=about_keys)
        raise Misconfigured(pointer.at(problems[place], place) for place in in_order_of_file(problems, document))
    return _assemble(tables, base)


def _is_token(place: KeyPath) -> bool:
    return (place[:1], place[2:]) == (("gomus",), ("token",))


def _with_listen(document: Mapping[str, object], env: Mapping[str, str]) -> Mapping[str, object]:
    """The image of a container names the address for its page; the file may name another."""
    web = document.get("web", {})
    if not env.get(LISTEN) or not isinstance(web, dict):
        return document
    return {**document, "web": {"listen": {"env": LISTEN}, **web}}


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


def _wrong_instances(resolved: Resolved) -> dict[KeyPath, Problem]:
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


def _assemble(document: Document, base: Path) -> Config:
    only_instance = next(iter(document.gomus))
    syncs = {
        name: SyncConfig.model_construct(**dict(table) | {"name": name, "gomus": table.gomus or only_instance})
        for name, table in document.syncs.items()
    }
    ledger = document.state.ledger and _anchored(document.state.ledger, base)
    state = document.state.model_copy(update={"url": _anchored(document.state.url, base), "ledger": ledger})
    return Config.model_construct(**dict(document) | {"base": base, "state": state, "syncs": syncs})


def _anchored(url: str, base: Path) -> str:
    """A relative file, plain or of SQLite, lies beside the configuration, wherever syncd is started."""
    if ":/" not in url:
        return str(base / url)
    kind, slashes, file = url.partition(":///")
    return f"{kind}{slashes}{base / file}" if kind == "sqlite" else url
