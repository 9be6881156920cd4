"""`db upgrade` and `config schema`."""

import typer

from syncd import config
from syncd.cli import context as ctx
from syncd.cli.failing import failing_in_words
from syncd.state import migrate
from syncd.state.connect import open_engine

db = typer.Typer(help="The state database.", no_args_is_help=True)
configuration = typer.Typer(help="The configuration file.", no_args_is_help=True)


@db.command()
def upgrade(context: typer.Context) -> None:
    """Bring the state database to this version's schema; a run does it by itself, this is for doing it by hand."""
    chosen = ctx.answering(context)
    with failing_in_words():
        engine = open_engine(chosen.load().state.url)
        was_current = migrate.is_current(engine)
        migrate.upgrade(engine)
        engine.dispose()
        print("The state database is up to date." if was_current else "The state database was upgraded.")


@configuration.command()
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the configuration, for editors that check and complete TOML."""
    ctx.answering(context)
    with failing_in_words():
        ctx.print_json(config.json_schema())
