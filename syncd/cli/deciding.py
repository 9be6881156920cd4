"""A person's word: `approve`, `retry` and `verify`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from syncd.alerts.alarms import Kind
from syncd.assembly import State, make_sync, now, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, HELD, USAGE, stop
from syncd.cli.naming import spellings
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import stopping_on_signals
from syncd.config.model import SyncConfig
from syncd.delivery.looking import Whereabouts
from syncd.domain.guards import Word
from syncd.domain.spelling import spellings_of
from syncd.report.files import write_csv
from syncd.report.words import local
from syncd.runs.verify import Drift
from syncd.runs.verify import verify as verify_customers
from syncd.state.conditions import Conditions
from syncd.state.held import HeldRow, Signature

VERBS = {Word.APPROVED: "Approving releases", Word.REJECTED: "Rejecting drops"}


def approve(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    excepted: Annotated[
        list[str] | None,
        typer.Option("--except", metavar="ID", help="Not this one: it stays as it is. May be repeated."),
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Drop what is held: all of it stays as it is.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who has decided; left out: who runs this command.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="A reason to keep.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Release exactly the changes that a guard held, or drop them. The next run carries them out.

    It holds until the next complete run, and at least for 24 hours. What a later plan adds is held anew. Whoever is
    excepted or rejected stays as it is until a later `approve` finds nothing else that is held, or the record changes.
    """
    word = Word.REJECTED if reject else Word.APPROVED
    with ctx.configured(context) as config:
        sync = ctx.pick_one(config, name)
        name = sync.name
        with opening_state(config) as state:
            held = state.store.held.find(name)
            counts = state.store.held.count_open(name)
            if not counts:
                print(f"Nothing is held for {name}.")
                return
            but = _open_among(state, sync, excepted or [])
            for line in _open_in_words(held, word, counts, but, sync.timezone):
                print(line)
            if sys.stdin.isatty() and not yes and not typer.confirm("Is that right?"):
                print("Nothing was decided.")
                return
            said = Signature(by=by or ctx.who(), why=why, at=now())
            if not state.store.held.decide(name, held.run_id if held else None, word, but=but, said=said):
                stop("A run has held something else meanwhile; look again.", HELD)
            Conditions(state.engine).expect_more(name, Kind.HELD.value)
        print(f"Run `syncd --once --sync {name}`, or wait for the next run.")


def _open_among(state: State, sync: SyncConfig, typed: Sequence[str]) -> list[str]:
    """The ids as they are held; ends the command for one that is not."""
    held = state.store.held
    found = {text: held.open_among(sync.name, ids) for text, ids in spellings(state, sync, typed).items()}
    for text, ids in found.items():
        if not ids:
            stop(
                f"--except {text}: nothing is held of it in {sync.name}. `syncd plan {sync.name}` shows samples.", USAGE
            )
    named = list(chain.from_iterable(found.values()))
    prefix = sync.foreign_id.prefix
    alike = frozenset().union(*(spellings_of(one, prefix) for one in named))
    partners = held.partners(sync.name, alike, prefix)  # who is half of a pair is not alone
    return list(dict.fromkeys([*named, *partners]))


def _open_in_words(
    held: HeldRow | None, word: Word, counts: Mapping[str, int], but: Sequence[str], zone: tzinfo
) -> Iterator[str]:
    if held:
        yield from (f"Held since {local(held.held_at, zone)}: {reason}" for reason in held.guards.values())
    else:
        yield "No guard holds anything; this is what was rejected before."
    changes = ", ".join(f"{number} {action}" for action, number in counts.items())
    yield f"{VERBS[word]}: {changes}" + (f"; not so {', '.join(but)}" if but else "")


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
    file: Annotated[Path | None, typer.Option("--csv", help="Write what differs to this file, a line a field.")] = None,
    values: Annotated[
        bool, typer.Option("--values", help="With --csv: also what the source and go~mus have. Keep that file safe.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare go~mus with the source, field by field: what was changed there by hand is listed, with --fix mended.

    Exit code: 0, 3 where something differs (and was not mended).
    """
    if values and file is None:
        stop("--values goes with --csv FILE, which only you can read.")
    with ctx.configured(context) as config:
        which = ctx.pick_one(config, name)
        name = which.name
        with (
            stopping_on_signals() as stopping,
            opening_state(config) as state,
            showing_progress(name) as progress,
            opening_world(config, which, state, stopping=stopping, progress=progress) as world,
        ):
            made = make_sync(config, which, world.sleep)
            found = verify_customers(made, world, sample=None if everybody else sample, fix=fix)
        if file is not None:
            _write_drifts(which, found.drifts, file, with_values=values)
        drifts = [{"foreign_id": d.foreign_id, "missing": d.is_missing, "fields": d.fields} for d in found.drifts]
        ctx.answer(
            json,
            {"sync": name, "compared": found.compared, "mended": fix, "drifts": drifts},
            [*map(_drift_in_words, found.drifts), f"{found.compared} customers compared."],
        )
        if found.summary.error:
            stop(found.summary.error, CODES[found.summary.status])
        raise typer.Exit(CODES[found.summary.status])


DRIFT_HEADS = ("sync", "foreign_id", "column", "field", "what", "in the source", "in go~mus")


def _write_drifts(sync: SyncConfig, drifts: Sequence[Drift], file: Path, *, with_values: bool) -> None:
    rows = [row for drift in drifts for row in _drift_as_rows(sync, drift)]
    with ctx.writing(file):
        write_csv(file, DRIFT_HEADS if with_values else DRIFT_HEADS[:-2], rows)


def _drift_as_rows(sync: SyncConfig, drift: Drift) -> Iterator[dict[str, str]]:
    row = dict.fromkeys(DRIFT_HEADS, "") | {"sync": sync.name, "foreign_id": drift.foreign_id}
    if not drift.fields:
        yield row | {"what": WHEREABOUTS[drift.where]}
    for name in drift.fields:
        ours, theirs = drift.values[name]
        columns = ", ".join(sync.fields[name].columns)
        both = {"in the source": _cell(ours), "in go~mus": _cell(theirs)}
        yield row | {"column": columns, "field": name, "what": "was changed in go~mus"} | both


def _cell(value: object) -> str:
    return "" if value is None else str(value)


WHEREABOUTS = {
    Whereabouts.GONE: "is no longer in go~mus",
    Whereabouts.MERGED: "was merged into another customer in go~mus",
    Whereabouts.RENAMED: "has another foreign_id in go~mus, or none",
}


def _drift_in_words(drift: Drift) -> str:
    return f"{drift.foreign_id}: {', '.join(drift.fields) or WHEREABOUTS[drift.where]}"
