"""`init`: a first configuration from a real export."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.assembly import now
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, stop
from syncd.cli.recognized import Letters, describe
from syncd.config import find_config
from syncd.config.draft import SAMPLE, Draft, draw_draft, write_draft
from syncd.errors import IncompleteRead
from syncd.sources import find_source
from syncd.sources.base import Source

TYPES = dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xls", ".ods", ".fods"), "excel")  # anything else is CSV
PLACEHOLDER = "https://demo.gomus.de"


def init(
    context: typer.Context,
    export: Annotated[Path, typer.Argument(help="An export of your CRM: CSV, or an Excel workbook.")],
    id_column: Annotated[
        str | None, typer.Option("--id", help="The column that identifies a record for ever; else it is guessed.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook: the sheet.")] = None,
    name: Annotated[str | None, typer.Option(help="What the sync is to be called; else after the file.")] = None,
    url: Annotated[str, typer.Option(help="The address of your go~mus instance.")] = PLACEHOLDER,
) -> None:
    """Write a first configuration from a real export; nothing is sent, and no file is overwritten.

    It goes to --config, or to config.toml in the current folder. Example: `syncd init members.csv --id Mitgliedsnummer`
    """
    target = find_config(ctx.options(context).config, os.environ)
    if target.exists():
        stop(f"{target} exists already: move it away, or name another file with --config before the command.", USAGE)
    sync = name if name is not None else _name_after(export)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", sync):
        stop(f"--name: {sync!r} may have letters, digits, '-' and '_' only.", USAGE)
    with ctx.answering(context):
        table: dict[str, Any] = {
            "type": TYPES.get(export.suffix.lower(), "csv"),
            **({"sheet": sheet} if sheet is not None else {}),
        }
        try:
            draft, recognized = _draw(table, export, id_column)
        except LookupError as error:
            stop(f"{export}: {error.args[0]}.", USAGE)
        table["path"] = os.path.relpath(export.absolute(), target.absolute().parent)
        _write(target, write_draft(draft, sync=sync, url=url, source=table))
    _tell(target, draft, recognized, sync=sync, url=url)


def _name_after(export: Path) -> str:
    word = re.match(r"[a-z]+(-[a-z]+)*", re.sub(r"[^a-z]+", "-", export.stem.casefold()).strip("-"))
    return word[0] if word else "members"


def _draw(table: dict[str, Any], export: Path, id_column: str | None) -> tuple[Draft, str]:
    """The draft, and what was recognized of the export."""
    adapter = find_source(table["type"])
    options: dict[str, Any] = {**table, "path": str(export.absolute()), "settled": "0s"}
    source: Source = adapter(adapter.Options.model_validate(options), base=Path.cwd(), sleep=time.sleep, clock=now)
    with source.open() as records:
        if records.columns is None:
            raise IncompleteRead(records.description, "has no columns", remedy="name a CSV file or a workbook")
        letters = Letters()
        rows: Iterator[Any] = letters.passing(records)
        draft = draw_draft(records.columns, rows, foreign_id=id_column)
        for _ in rows:  # to the end, where it shows how the export ends
            pass
        if records.unsure:
            table["complete"] = {"end": "any"}
        return draft, f"{describe(records)}{letters}"


def _write(target: Path, text: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        stop(f"{target} can't be written ({error.strerror}).", USAGE)


def _tell(target: Path, draft: Draft, recognized: str, *, sync: str, url: str) -> None:
    of = f"the first {SAMPLE}" if draft.rows == SAMPLE else f"all {draft.rows}"
    print(f"Wrote {target}: the sync {sync!r}, looking at {of} records.")
    print(f"  read:   {recognized}")
    print(f"  id:     {draft.foreign_id}")
    if draft.without_id:
        print(f"          {draft.without_id} records lack it or share it, and would be invalid")
    print(f"  mapped: {', '.join(draft.fields) or 'nothing'}")
    if draft.unused:
        print(f"  unused: {', '.join(draft.unused)}")
    print("Next: read it through" + (" and set the url of [gomus.main]" if url == PLACEHOLDER else "") + ",")
    print("  export GOMUS_TOKEN=..., then `syncd check` and `syncd plan`.")
