"""`worklist`: what the owner of the data has to do, in words of their own."""

from pathlib import Path
from typing import Annotated

import typer

from syncd.assembly import looking_at_state, now
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, PROBLEMS
from syncd.domain.languages import Language
from syncd.report.worklist import entries_as_lines, entry_as_json, list_entries, write_page, write_table


def worklist(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    lang: Annotated[Language, typer.Option(help="The language.")] = Language.GERMAN,
    table: Annotated[Path | None, typer.Option("--csv", help="Write it to this file, as Excel opens it.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="Write it to this file, as a page to print.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what the owner of the data has to mend or decide, in the words and columns of the source.

    An entry goes by itself once it is mended. `worklist = "PATH"` in the configuration writes it after each run.

    Exit code: 0 where nothing is to be done, 3 where something is.
    """
    with ctx.configured(context) as config, looking_at_state(config) as state:
        syncs = ctx.pick(config, [name] if name else [])
        entries = list_entries(state.store, config, syncs, lang)
        if table is not None:
            with ctx.writing(table):
                write_table(entries, table, lang)
        if page is not None:
            with ctx.writing(page):
                write_page(entries, page, lang, at=now(), zone=config.zone_of(syncs[0].name if syncs else None))
        if json or not (table or page):
            ctx.answer(json, [entry_as_json(entry) for entry in entries], entries_as_lines(entries, lang))
        raise typer.Exit(PROBLEMS if entries else DONE)
