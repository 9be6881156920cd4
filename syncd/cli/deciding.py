"""A person's word: `approve`, `retry` and `verify`."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from syncd.alerts.alarms import Kind
from syncd.assembly import make_sync, now, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, HELD, stop
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import stopping_on_signals
from syncd.delivery.looking import Whereabouts
from syncd.runs.verify import Drift
from syncd.runs.verify import verify as verify_customers
from syncd.state.conditions import Conditions

APPROVED_FOR = timedelta(hours=24)


def approve(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Release exactly the changes that a guard held. The next run carries them out; after 24 hours it is void."""
    with ctx.configured(context) as config:
        ctx.pick(config, [name])
        with opening_state(config) as state:
            held = state.store.held.find(name)
            if held is None:
                print(f"Nothing is held for {name}.")
                return
            for reason in held.guards.values():
                print(f"Held since {held.held_at:%Y-%m-%d %H:%M} UTC: {reason}")
            counts = state.store.held.count_changes(name)
            print("Approving releases: " + (", ".join(f"{n} {action}" for action, n in counts.items()) or "no change"))
            if sys.stdin.isatty() and not yes and not typer.confirm("Release them?"):
                print("Nothing was released.")
                return
            if not state.store.held.approve(name, held.run_id, by=ctx.who(), expires_at=now() + APPROVED_FOR):
                stop("A run has held something else meanwhile; look again.", HELD)
            Conditions(state.engine).expect_more(name, Kind.HELD.value)
        print(f"Released for 24 hours. Run `syncd --once --sync {name}`, or wait for the next run.")


def retry(
    context: typer.Context, name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None
) -> None:
    """Let every refused record be tried again in the next run, whatever its pause."""
    with ctx.configured(context) as config, opening_state(config) as state:
        for sync in ctx.pick(config, [name] if name else []):
            count = state.store.failures.make_due(sync.name, now())
            print(f"{sync.name}: {count} refused record(s) will be tried again in the next run")


def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    sample: Annotated[int, typer.Option(min=1, help="So many customers, drawn by lot.")] = 100,
    everybody: Annotated[bool, typer.Option("--all", help="All customers, one call each.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Send what differs, so that go~mus agrees again.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare go~mus with the source, field by field: what was changed there by hand is listed, with --fix mended.

    Exit code: 0, 3 where something differs (and was not mended).
    """
    with ctx.configured(context) as config:
        (which,) = ctx.pick(config, [name])
        with (
            stopping_on_signals() as stopping,
            opening_state(config) as state,
            showing_progress(name) as progress,
            opening_world(config, which, state, stopping=stopping, progress=progress) as world,
        ):
            made = make_sync(config, which, world.sleep)
            found = verify_customers(made, world, sample=None if everybody else sample, fix=fix)
        drifts = [{"foreign_id": d.foreign_id, "missing": d.is_missing, "fields": d.fields} for d in found.drifts]
        ctx.answer(
            json,
            {"sync": name, "compared": found.compared, "mended": fix, "drifts": drifts},
            [*map(_drift_in_words, found.drifts), f"{found.compared} customers compared."],
        )
        if found.summary.error:
            stop(found.summary.error, CODES[found.summary.status])
        raise typer.Exit(CODES[found.summary.status])


def _drift_in_words(drift: Drift) -> str:
    match drift.where:
        case Whereabouts.HERE:
            words = ", ".join(drift.fields)
        case Whereabouts.GONE:
            words = "is no longer in go~mus"
        case Whereabouts.MERGED:
            words = "was merged into another customer in go~mus"
        case Whereabouts.RENAMED:
            words = "has another foreign_id in go~mus, or none"
    return f"{drift.foreign_id}: {words}"
