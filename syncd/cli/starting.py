"""`init`: a first configuration from real exports."""

import os
import re
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syncd.assembly import now
from syncd.cli import context as ctx
from syncd.cli.drafted import tell
from syncd.cli.exits import USAGE, stop
from syncd.cli.exports import TYPES
from syncd.cli.recognized import Letters, describe
from syncd.config import find_config
from syncd.config.drafting import (
    DEFAULT_MODE,
    SURE_OF_NAMES,
    Draft,
    Lists,
    Setting,
    Totals,
    draw_draft,
    share_of_names,
    split_name,
    write_drafts,
)
from syncd.domain.diff import DeleteMode
from syncd.errors import IncompleteRead, SyncdError
from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.network import in_haste
from syncd.sources import find_source
from syncd.sources.base import Source

PLACEHOLDER = "https://demo.gomus.de"
KINDS = ("salutation", "title", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export:
    """`table` is its source as the configuration names it, `reading` the same for a read from here."""

    given: str
    sync: str
    table: dict[str, Any]
    reading: dict[str, Any]


def init(
    context: typer.Context,
    exports: Annotated[
        list[str],
        typer.Argument(metavar="EXPORT...", help="CSV files, Excel workbooks; or a database's URL, with --table."),
    ],
    id_column: Annotated[
        str | None, typer.Option("--id", help="The column that identifies a record for ever; else it is guessed.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook: the sheet.")] = None,
    table: Annotated[str | None, typer.Option(help="Of a database: the table or view.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="KEY=VALUE", help="Of each source, as in encoding=cp850; may be repeated."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the sync is to be called; else after the file.")] = None,
    url: Annotated[str, typer.Option(help="The address of your go~mus instance.")] = PLACEHOLDER,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, and take the defaults.")] = False,
) -> None:
    """Write a first configuration from real exports, one sync each; nothing is sent, and no file is overwritten.

    It goes to --config, or to config.toml in the current folder. With a token in GOMUS_TOKEN and --url, go~mus is asked
    for its salutations, titles and countries. Example: `syncd init members.csv schools.xlsx`
    """
    target = find_config(ctx.options(context).config, os.environ)
    if target.exists():
        stop(f"{target} exists already: move it away, or name another file with --config before the command.", USAGE)
    if len(exports) > 1 and (id_column or name):
        stop("--id and --name are for one export: name the others with commands and files of their own.", USAGE)
    _warn_of_twins(exports)
    further = dict(_parse_option(text) for text in options or [])
    found = list(_name_sources(exports, target, name=name, sheet=sheet, table=table))
    with ctx.answering(context):
        lists = _ask_gomus(url)
        setting = Setting(foreign_id=id_column, today=now().date(), lists=lists, shows_words=sys.stdout.isatty())
        drawn = [_draw(export, further, setting) for export in found]
        drafts = [draft for draft, _ in drawn]
        mode = DEFAULT_MODE if yes else _ask_mode()
        _write(target, write_drafts(drafts, url=url, mode=mode))
    tell(target, drawn, is_url_missing=url == PLACEHOLDER, was_asked=bool(lists))


def _warn_of_twins(exports: Sequence[str]) -> None:
    files = [os.path.realpath(one) for one in exports if "://" not in one]
    if len(set(files)) < len(files):
        print("One file is named twice: each of its records would be two customers.", file=sys.stderr)


def _parse_option(text: str) -> tuple[str, object]:
    """As in the configuration; a word needs no quotes."""
    key, _, value = text.partition("=")
    if not re.fullmatch(r"\s*[a-z_]+\s*", key) or not value.strip():
        stop(f"--source: {text!r} is not KEY=VALUE, as in encoding=cp850.", USAGE)
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _name_sources(
    exports: Sequence[str], target: Path, *, name: str | None, sheet: str | None, table: str | None
) -> Iterator[_Export]:
    taken: set[str] = set()
    for given in exports:
        is_database = "://" in given
        sync = name or _name_after(table or "" if is_database else Path(given).stem)
        if not re.fullmatch(r"[A-Za-z0-9_-]+", sync):
            stop(f"--name: {sync!r} may have letters, digits, '-' and '_' only.", USAGE)
        sync = next(one for one in (sync, *(f"{sync}-{n}" for n in range(2, len(exports) + 2))) if one not in taken)
        taken.add(sync)
        yield _name_database(given, table, sync, target) if is_database else _name_file(given, sheet, sync, target)


def _name_after(stem: str) -> str:
    return "-".join(filter(str.isalpha, split_name(stem))) or "members"


def _name_file(given: str, sheet: str | None, sync: str, target: Path) -> _Export:
    path = Path(given)
    if path.suffix.lower() == ".json":
        stop(f"{given}: init reads tables only; for the API of a CRM start from a recipe in docs/recipes.", USAGE)
    table = {"type": TYPES.get(path.suffix.lower(), "csv")}
    if sheet is not None and table["type"] == "excel":
        table["sheet"] = sheet
    reading = {**table, "path": str(path.absolute()), "settled": "0s"}
    table["path"] = _beside(target, path)
    return _Export(given=given, sync=sync, table=table, reading=reading)


def _beside(target: Path, path: Path) -> str:
    try:
        return os.path.relpath(path.absolute(), target.absolute().parent)
    except ValueError:  # on another drive
        return str(path.absolute())


def _name_database(given: str, table: str | None, sync: str, target: Path) -> _Export:
    if table is None or not re.fullmatch(r"\w+(\.\w+)*", table):
        stop("--table names the table or view of the database: letters, digits, '_' and '.' only.", USAGE)
    try:
        url = make_url(given)
    except ArgumentError:
        stop("The address of the database is none: write it as in sqlite:///club.db", USAGE)
    written: object = given
    if url.password is not None:
        written = {"env": f"{re.sub('[^A-Z0-9]', '_', sync.upper())}_DB_URL"}
    elif url.get_backend_name() == "sqlite" and url.database:
        written = f"sqlite:///{_beside(target, Path(url.database))}"
    query = f"select * from {table}"  # noqa: S608 - the table is a name, as checked above
    return _Export(
        given=table,
        sync=sync,
        table={"type": "sql", "url": written, "query": query},
        reading={"type": "sql", "url": given, "query": query},
    )


def _ask_gomus(url: str) -> Lists:
    """The instance's lists, where there are an address and a token to ask with."""
    token = os.environ.get("GOMUS_TOKEN")
    if url == PLACEHOLDER or not token:
        return {}
    try:
        options = GomusOptions(url=url, token=SecretStr(token), requests_per_second=10)
        with in_haste(), Client(options, sleep=time.sleep) as client:
            return {kind: client.lookup(kind) for kind in KINDS}
    except ValidationError as error:
        stop(f"--{_words_of(error)}.", USAGE)
    except SyncdError as error:
        print(f"go~mus was not asked for its lists: {error.shown}.", file=sys.stderr)
        return {}


def _draw(export: _Export, further: Mapping[str, object], setting: Setting) -> tuple[Draft, str]:
    """The draft, and what was recognized of the export."""
    adapter = find_source(export.reading["type"])
    try:
        options = adapter.Options.model_validate({**export.reading, **further})
    except ValidationError as error:
        stop(f"{export.given}: {_words_of(error)}.", USAGE)
    export.table.update(further)
    source: Source = adapter(options, base=Path.cwd(), sleep=time.sleep, clock=now)
    source.share = lambda names: share_of_names(list(names))
    with _naming_the_option(), source.open() as records:
        if records.columns is None:
            raise IncompleteRead(records.description, "has no columns", remedy="name a CSV file or a workbook")
        _refuse_cells(records.columns, records.description, setting.foreign_id)
        letters, totals = Letters(), Totals(records.columns if "complete" in adapter.Options.model_fields else ())
        try:
            rows = totals.without(letters.passing(records))
            draft = draw_draft(export.sync, records.columns, rows, source=export.table, setting=setting)
        except LookupError as error:
            stop(f"{export.given}: {error.args[0]}.", USAGE)
        if totals.complete:
            export.table["complete"] = {**export.table.get("complete", {}), **totals.complete}
        elif records.unsure and "complete" not in further:
            export.table["complete"] = {"end": "any"}
        return draft, f"{describe(records)}{letters}{totals}"


def _refuse_cells(columns: Sequence[str], description: str, key: str | None) -> None:
    """Raises IncompleteRead where the first row holds a record: its cells would be shown, and written down."""
    strange = [one for one in columns if "@" in one or sum(map(str.isdigit, one)) > sum(map(str.isalpha, one))]
    is_known = key in columns or share_of_names(list(columns)) >= SURE_OF_NAMES
    if any("@" in one for one in strange) or 3 * len(strange) > len(columns) or not is_known:
        remedy = "export the list with its header, say where it is (--source header_row=3), or name its id with --id"
        what = "the first row does not look like names of columns"
        counted = "" if is_known else f", few or none of its {len(columns)} are known"
        raise IncompleteRead(description, f"{what}{counted}", remedy=remedy)


@contextmanager
def _naming_the_option() -> Iterator[None]:
    """A remedy that names a key of the configuration, of which there is none yet."""
    try:
        yield
    except IncompleteRead as error:
        error.remedy = (
            re.sub("; `syncd check` lists.*", "", error.remedy or "") or None
        )  # there is nothing to check yet
        if error.remedy and (key := re.search(r"(\w+) = ", error.remedy)):
            error.remedy += f"; init takes it as {'--sheet NAME' if key[1] == 'sheet' else '--source KEY=VALUE'}"
        raise


def _words_of(error: ValidationError) -> str:
    mistake = error.errors()[0]
    is_unknown = mistake["type"] == "extra_forbidden"
    words = "there is no such key" if is_unknown else mistake["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, mistake['loc']))}: {words}"


def _ask_mode() -> str:
    """On a terminal; else the default."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return DEFAULT_MODE
    modes = [mode.value for mode in DeleteMode]
    print("What is to become of customers who are gone from the list, 30 days later?")
    while True:
        chosen: str = typer.prompt(f"  {', '.join(modes)}", default=DEFAULT_MODE)
        if chosen in modes:
            return chosen
        print(f"  {chosen!r} is none of them.")


def _write(target: Path, text: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        stop(f"{target} can't be written ({error.strerror}).", USAGE)
