"""From a file to a `Config`, or to every mistake in it at once: read, resolve, validate, assemble."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from syncd.config.model import Config, Document, SyncConfig
from syncd.config.places import KeyPath, find_table, in_order_of_file, spell
from syncd.config.secrets import Reference, Resolved, find_plain_secrets, resolve
from syncd.config.words import translate
from syncd.domain.nearest import suggest
from syncd.errors import Misconfigured, Problem

LISTEN = "SYNCD_WEB_LISTEN"


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """From `--config`, otherwise from SYNCD_CONFIG, otherwise config.toml in the folder where syncd is started."""
    return option or Path(env.get("SYNCD_CONFIG") or "config.toml")


def load(path: Path, env: Mapping[str, str], *, is_offline: bool = False) -> Config:
    """Raises Misconfigured with every mistake in the file; it quotes neither a secret nor a value from elsewhere.

    Whoever is offline needs no token of go~mus: one that can't be fetched is empty then.
    """
    document = _with_listen(_read(path), env)
    base = path.absolute().parent  # not resolve(): where the file is a link, "relative to it" means beside the link
    resolved = resolve(document, env, base)
    missing = {place: one for place, one in resolved.problems.items() if not (is_offline and _is_token(place))}
    problems = {**missing, **find_plain_secrets(resolved)}
    tables: Document | None = None
    try:
        tables = Document.model_validate(resolved.document)
    except ValidationError as error:
        for place, message in translate(error, resolved, set(problems)):
            problems.setdefault(place, Problem(path=spell(place), message=message))
    problems = _wrong_instances(resolved) | problems
    if problems or tables is None:
        raise Misconfigured(problems[place] for place in in_order_of_file(problems, document))
    return _assemble(tables, base)


def _is_token(place: KeyPath) -> bool:
    return (place[:1], place[2:]) == (("gomus",), ("token",))


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
    """The image of a container names the address for its page; the file may name another."""
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


def _wrong_instances(resolved: Resolved) -> dict[KeyPath, Problem]:
    """Looked for in the raw document, so that they are found whatever else is wrong."""
    instances = list(find_table(resolved.document, "gomus"))
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
    return f"there is no [gomus.{chosen}]{suggest(chosen, instances)}"


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
