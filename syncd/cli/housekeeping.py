"""`db upgrade`, `db copy`, `config schema`, `config show` and `config example`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy import make_url

import syncd
from syncd.assembly import opening_state
from syncd.cli import context as ctx
from syncd.cli.exits import stop
from syncd.cli.progress import showing_progress
from syncd.config import json_schema
from syncd.config.model import Config, StateOptions
from syncd.config.showing import as_toml, resolved
from syncd.errors import Misconfigured
from syncd.state import migrate
from syncd.state.connect import key_file, open_engine
from syncd.state.copying import copy_state
from syncd.state.lease import take_lease


def upgrade(context: typer.Context) -> None:
    """Bring the state database to this version's schema; a run does it by itself, this is for doing it by hand."""
    with ctx.configured(context) as config:
        engine = open_engine(config.state.url)
        was_current = migrate.is_current(engine)
        migrate.upgrade(engine)
        engine.dispose()
        print("The state database is up to date." if was_current else "The state database was upgraded.")


def copy(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="Where to: a new database, as in [state] url; without a password in it.")],
) -> None:
    """Copy the state into another, empty database, for example from SQLite to PostgreSQL; the old one stays.

    Nothing may run meanwhile: exit code 5 where a sync is being run. Afterwards set `url` in [state] to the new one.
    Example: `syncd db copy --to postgresql+psycopg://syncd@db.example.org/syncd`
    """
    with ctx.configured(context) as loaded:
        if mistakes := loaded.mistakes:  # nobody knows which syncs those files have
            raise Misconfigured(mistakes)
        url = _target(to, loaded)
        with ExitStack() as stack:
            state = stack.enter_context(opening_state(loaded))
            for name in loaded.syncs:
                stack.enter_context(take_lease(state.engine, name))
            target = open_engine(url)
            stack.callback(target.dispose)
            migrate.upgrade(target)
            show = stack.enter_context(showing_progress("db copy"))
            count = copy_state(state.engine, target, lambda table, done: show(table, done, None))
        print(f"Copied {count} rows, and compared them.")
        for line in _what_is_left(loaded, url):
            print(line)


def _target(to: str, loaded: Config) -> str:
    try:
        options = StateOptions.model_validate({"url": to, "digest_key": "of no use here"})
    except ValidationError as error:
        stop(f"--to: {error.errors()[0]['msg'].removeprefix('Value error, ')}.")
    kind, slashes, file = options.url.partition(":///")
    url = f"{kind}{slashes}{loaded.base / file}" if kind == "sqlite" else options.url
    if make_url(url) == make_url(loaded.state.url):
        stop("--to names the database that is in use.")
    return url


def _what_is_left(loaded: Config, url: str) -> list[str]:
    """The next steps. The key must go along: under another key everybody would look changed."""
    lines = ["Next: set url in [state] to the new database, and start syncd again."]
    if loaded.state.digest_key is None:
        key = key_file(loaded.state.url)
        if key_file(url) is not None:
            lines.append(f"Copy the key {key} beside the new file, readable for its user only.")
        else:
            lines.append(f'The key stays the same: digest_key = {{ file = "{key}" }}, or its content as a secret.')
    return lines


def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the configuration, for editors that check and complete TOML."""
    with ctx.answering(context):
        ctx.print_json(json_schema())


def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only this sync, and its instance.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print the configuration as it holds: templates filled in, values fetched from elsewhere, defaults written out.

    As TOML, with *** for what is or may be a secret: tokens, keys, addresses with a login, headers, parameters, queries
    and commands. It needs no token of go~mus.
    """
    with ctx.answering(context) as chosen:
        config = chosen.load(is_offline=True)
        found = resolved(config, [one.name for one in ctx.pick(config, [name])] if name else None)
        ctx.answer(json, found, as_toml(found).splitlines())


def example(context: typer.Context) -> None:
    """Print a whole example of the configuration, with every key explained.

    Example: `syncd config example > config.toml`
    """
    with ctx.answering(context):
        print(_example().read_text(encoding="utf-8"), end="")


def _example() -> Path:
    """In the wheel beside the modules, in a checkout beside the package."""
    package, name = Path(syncd.__file__).parent, "config.example.toml"
    return next(file for file in (package / name, package.parent / name) if file.exists())
