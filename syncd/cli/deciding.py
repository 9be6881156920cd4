"""A person's word: `approve` and `retry`."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from syncd.assembly import now, opening_state
from syncd.cli import context as ctx
from syncd.cli.failing import failing_in_words

APPROVED_FOR = timedelta(hours=24)


def approve(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Release exactly the changes that a guard held. The next run carries them out; after 24 hours it is void."""
    chosen = ctx.answering(context)
    with failing_in_words():
        config = chosen.load()
        ctx.pick(config, [name])
        with opening_state(config) as state:
            held = state.store.held(name)
            if held is None:
                print(f"Nothing is held for {name}.")
                return
            for reason in held.guards.values():
                print(f"Held since {held.held_at:%Y-%m-%d %H:%M} UTC: {reason}")
            counts = state.store.count_held_changes(name)
            print("Approving releases: " + (", ".join(f"{n} {action}" for action, n in counts.items()) or "no change"))
            if sys.stdin.isatty() and not yes and not typer.confirm("Release them?"):
                print("Nothing was released.")
                return
            state.store.approve(name, by=ctx.who(), at=now(), expires_at=now() + APPROVED_FOR)
        print(f"Released for 24 hours. Run `syncd --once --sync {name}`, or wait for the next run.")


def retry(
    context: typer.Context, name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None
) -> None:
    """Let every refused record be tried again in the next run, whatever its pause."""
    chosen = ctx.answering(context)
    with failing_in_words():
        config = chosen.load()
        with opening_state(config) as state:
            for sync in ctx.pick(config, [name] if name else []):
                count = state.store.make_due(sync.name, now())
                print(f"{sync.name}: {count} refused record(s) will be tried again in the next run")
