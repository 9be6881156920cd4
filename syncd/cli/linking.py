"""`link`: a person says which customers of go~mus are whom of the source."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from syncd.assembly import make_sync, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, USAGE, stop
from syncd.cli.planning import draw_pairs
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import ending_on_signals, stopping_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.runs.link import Linking, link_renamed


def link(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    renamed: Annotated[
        bool, typer.Option("--renamed", help="Whose id is spelt anew in the source is the same customer.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Give customers in go~mus the ids that the source has for them now, where a guard has held the two as a pair.

    Each is looked at before and after; nobody is created or erased by it. Where they are not the same, say `syncd
    approve`.

    Exit code: 0, 3 where somebody could not be given the new id.
    """
    if not renamed:
        stop("Say which customers: `syncd link NAME --renamed` are those whose id is spelt anew in the source.", USAGE)
    with ctx.configured(context) as config:
        (sync,) = ctx.pick(config, [name])
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
        ctx.answer(json, {"sync": name, "linked": linked, "failed": failures}, lines)
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
