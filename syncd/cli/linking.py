"""`link`: which customers of go~mus are whom of the source."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from syncd.assembly import make_sync, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, USAGE, stop
from syncd.cli.matching import Asked, How, match_file
from syncd.cli.planning import draw_pairs
from syncd.cli.progress import showing_progress
from syncd.cli.settling import settle
from syncd.cli.stopping import ending_on_signals, stopping_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.matching.columns import BY, ROLES
from syncd.runs.link import Linking, link_renamed

EVERYTHING = ",".join(BY)
WAYS = (
    "Say which customers: `syncd link NAME FILE` compares with an export of go~mus' back office, `--decide ID=NUMBER` "
    "is a person's word on one of them, and `--renamed` are those whose id is spelt anew in the source."
)


Export = Annotated[
    Path | None, typer.Argument(help="An export of go~mus' back office, CSV or Excel: number, e-mail, names.")
]
By = Annotated[str, typer.Option("--by", metavar="FIELDS", help="In what a record and a customer have to agree.")]
Named = Annotated[
    str | None, typer.Option("--columns", metavar="ROLE=COLUMN,...", help=f"Columns of it: {', '.join(ROLES)}.")
]
Encoding = Annotated[
    str | None, typer.Option(help="Of the export, such as cp850, where it can't be told from the file.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Link whoever is certain; else it is shown only.")]
Planned = Annotated[
    str | None, typer.Option("--plan", metavar="DIGEST", help="With --apply: only if what is found is still this plan.")
]
Take = Annotated[
    Literal["source"] | None,
    typer.Option("--take", help="With --apply: send also what differs, not only what is empty in go~mus."),
]
Decide = Annotated[
    list[str] | None,
    typer.Option("--decide", metavar="ID=NUMBER", help="This record is that customer, or 'new'; may be repeated."),
]
Why = Annotated[str | None, typer.Option("--why", help="With --decide: a reason to keep.")]
Renamed = Annotated[bool, typer.Option("--renamed", help="Whose id is spelt anew in the source is the same customer.")]
BESIDE = "--apply, --columns, --encoding go with an export, `syncd link NAME FILE`; --plan and --take with --apply."


def link(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    file: Export = None,
    by: By = EVERYTHING,
    columns: Named = None,
    encoding: Encoding = None,
    apply: Apply = False,
    plan: Planned = None,
    take: Take = None,
    decide: Decide = None,
    why: Why = None,
    renamed: Renamed = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Give customers that go~mus has already the foreign_id of their record, instead of creating them a second time.

    With an export of the back office: whoever agrees with exactly one customer is certain; who may be somebody is left
    to a person, and is not created until `--decide`. Nothing is written without `--apply`. Each customer is looked at
    before and after; nobody is created or erased by it. With `--renamed`: those whom a guard has held as a pair; where
    they are not the same, say `syncd approve`.

    Exit code: 0, 3 where something is left to a person or somebody could not be linked.
    """
    if sum(map(bool, (file, decide, renamed))) != 1:
        stop(WAYS, USAGE)
    if ((apply or columns or encoding) and file is None) or ((take or plan) and not apply):
        stop(BESIDE, USAGE)
    if why and not decide:
        stop("--why goes with --decide.", USAGE)
    how = _how(by, columns, takes_source=take is not None, plan=plan, encoding=encoding)
    with ctx.configured(context) as config:
        sync = ctx.pick_one(config, name)
        if decide:
            settle(config, sync, decide, why=why)
        elif file is None:
            _link_renamed(config, sync, yes=yes, json=json)
        else:
            raise typer.Exit(match_file(config, sync, Asked(file=file, how=how, applies=apply, yes=yes, json=json)))


def _how(by: str, columns: str | None, *, takes_source: bool, plan: str | None, encoding: str | None) -> How:
    parsed = _parse_columns(columns)
    return How(by=_parse_by(by), columns=parsed, takes_source=takes_source, plan=plan, encoding=encoding)


def _parse_by(text: str) -> Sequence[str]:
    names = [name.strip() for name in text.split(",")]
    if wrong := [name for name in names if name not in BY]:
        stop(f"--by: {wrong[0]!r} is none of {', '.join(BY)}.", USAGE)
    return list(dict.fromkeys(names))


def _parse_columns(text: str | None) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        role, is_given, column = part.partition("=")
        if role.strip() not in ROLES or not is_given or not column.strip():
            stop(f"--columns: {part!r} is not ROLE=COLUMN, with a role of {', '.join(ROLES)}.", USAGE)
        found[role.strip()] = column.strip()
    return found


def _link_renamed(config: Config, sync: SyncConfig, *, yes: bool, json: bool) -> None:
    with ending_on_signals():
        pairs = draw_pairs(config, sync)
    for new, old in sorted(pairs.items()) if not json else ():
        print(f"{old} is to become {new}")
    if pairs and sys.stdin.isatty() and not yes and not typer.confirm("Are they the same customers?"):
        print("Nothing was linked.")
        return
    linking = _link(config, sync, pairs) if pairs else None
    failures = linking.failures if linking else {}
    linked = {new: old for new, old in pairs.items() if new not in failures}
    lines = [*(f"{new}: {reason}" for new, reason in failures.items()), f"{len(linked)} linked."]
    ctx.answer(json, {"sync": sync.name, "linked": linked, "failed": failures}, lines)
    if linking:
        raise typer.Exit(CODES[linking.summary.status])


def _link(config: Config, sync: SyncConfig, pairs: Mapping[str, str]) -> Linking:
    with (
        stopping_on_signals() as stopping,
        opening_state(config) as state,
        showing_progress(sync.name) as progress,
        opening_world(config, sync, state, stopping=stopping, progress=progress) as world,
    ):
        linking = link_renamed(make_sync(config, sync, world.sleep), world, pairs)
    if linking.summary.error:
        stop(linking.summary.error, CODES[linking.summary.status])
    return linking
