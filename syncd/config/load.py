"""From a file to a `Config`, or to every mistake in it at once: read, resolve, validate, assemble."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from syncd.config.excerpt import Pointer
from syncd.config.instances import find_wrong_instances
from syncd.config.likeness import find_wrong_lists
from syncd.config.model import Config, Document, SyncConfig, SyncTable
from syncd.config.overwriting import find_overwritten
from syncd.config.places import KeyPath, find_table, in_order_of_file
from syncd.config.reading import parse, read_text
from syncd.config.schema import outline
from syncd.config.secrets import find_plain_secrets, resolve
from syncd.config.templates import fill
from syncd.errors import Misconfigured, Problem
from syncd.mapping.spec import ForeignIdSpec

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
    filled = fill(_with_listen(parse(text, path), env))
    base = path.absolute().parent  # not resolve(): where the file is a link, "relative to it" means beside the link
    resolved = resolve(filled.document, env, base)
    lacking = [place for place in resolved.problems if is_offline and _is_token(place)]
    for place in lacking:
        find_table(resolved.document, *map(str, place[:-1]))["token"] = NOT_ASKED
    missing = {place: one for place, one in resolved.problems.items() if place not in lacking} | dict(filled.problems)
    error: ValidationError | None = None
    config: Config | None = None
    try:
        tables = Document.model_validate(resolved.document)
    except ValidationError as found:
        error = found
    else:
        used = frozenset(sync.source.type for sync in tables.syncs.values())
        if not (missing or find_plain_secrets(resolved, outline(used)) or find_wrong_instances(resolved)):
            config = _assemble(tables, base)
            missing |= find_overwritten(config) | find_wrong_lists(config)
            if not (missing or filled.unused):
                return config
    from syncd.config.mistakes import find_in_unused, find_mistakes

    spare, about_spare = find_in_unused(filled, env, base)
    if config and not (missing or spare):
        return config
    problems, about_keys = find_mistakes(resolved, missing, error)
    told = filled.placed(problems) | spare
    pointer = Pointer(file=path, text=text, about_keys={*map(filled.origin, about_keys), *about_spare})
    raise Misconfigured(pointer.at(told[place], place) for place in in_order_of_file(told, filled.given))


def _is_token(place: KeyPath) -> bool:
    return (place[:1], place[2:]) == (("gomus",), ("token",))


def _with_listen(document: Mapping[str, object], env: Mapping[str, str]) -> Mapping[str, object]:
    """The image of a container names the address for its page; the file may name another."""
    web = document.get("web", {})
    if not env.get(LISTEN) or not isinstance(web, dict):
        return document
    return {**document, "web": {"listen": {"env": LISTEN}, **web}}


def _assemble(document: Document, base: Path) -> Config:
    only_instance = next(iter(document.gomus))
    syncs = {
        name: SyncConfig.model_construct(
            **dict(table) | {"name": name, "gomus": table.gomus or only_instance, "twin": _twin(document, table)}
        )
        for name, table in document.syncs.items()
    }
    ledger = document.state.ledger and _anchored(document.state.ledger, base)
    state = document.state.model_copy(update={"url": _anchored(document.state.url, base), "ledger": ledger})
    return Config.model_construct(**dict(document) | {"base": base, "state": state, "syncs": syncs})


def _twin(document: Document, table: SyncTable) -> ForeignIdSpec | None:
    """How the list that `same_as` names has its ids."""
    same_as = table.foreign_id.same_as
    other = document.syncs.get(same_as.sync) if same_as else None
    return other.foreign_id if other else None


def _anchored(url: str, base: Path) -> str:
    """A relative file, plain or of SQLite, lies beside the configuration, wherever syncd is started."""
    if ":/" not in url:
        return str(base / url)
    kind, slashes, file = url.partition(":///")
    return f"{kind}{slashes}{base / file}" if kind == "sqlite" else url
