"""`link NAME FILE`: who of the source stands in an export of go~mus."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from syncd.assembly import State, make_sync, now, opening_state, opening_world, write_worklist
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, DONE, PROBLEMS, USAGE, gravest, stop
from syncd.cli.exports import opening_export
from syncd.cli.planning import drawing
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import ending_on_signals, stopping_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.domain.matches import Word
from syncd.domain.runs import Summary
from syncd.matching.columns import Columns, find_columns
from syncd.matching.comparing import comparing, keep_matches
from syncd.matching.index import Index
from syncd.matching.judging import Lot
from syncd.matching.plan import MatchPlan
from syncd.runs.link import link_matched

SHOWN = 20  # of those who wait for a person
WORDS: Mapping[Lot, str] = {
    Lot.CERTAIN: "agree with exactly one customer: to be linked",
    Lot.SEVERAL: "agree with several customers: a person has to say which",
    Lot.SHARED: "agree with the same customer as another record: a person has to say who it is",
    Lot.EMAIL: "have the e-mail address of a customer of another name: a person has to decide",
    Lot.ROLE: "have the address of an office, which is nobody's own: a person has to decide",
    Lot.MISSPELT: "have the name of a customer, and its e-mail address but for a slip: a person has to decide",
    Lot.NAMES: "have the name of a customer, and one of the two has no e-mail address: a person has to decide",
    Lot.NAMESAKE: "have the name of a customer with quite another e-mail address: new",
    Lot.NEW: "are new",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What counts as the same person, by which columns; `plan` is the digest of the plan that is meant."""

    by: Sequence[str]
    columns: Mapping[str, str]
    takes_source: bool
    plan: str | None
    encoding: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`applies`: carry out what is certain; otherwise nothing is written."""

    file: Path
    how: How
    applies: bool
    yes: bool
    json: bool


def match_file(config: Config, sync: SyncConfig, asked: Asked) -> int:
    """The exit code."""
    if missing := [name for name in asked.how.by if name not in sync.fields]:
        stop(f"--by: the sync {sync.name} has no field {', '.join(missing)} to compare.", USAGE)
    if asked.applies and "create" not in sync.actions:
        stop(f"sync.{sync.name}.actions does not name 'create', and who is linked would be created otherwise.", USAGE)
    with ending_on_signals(), _matching(config, sync, asked) as (index, matching):
        found = _plan_as_json(sync.name, index, matching)
        if not asked.json:
            print("\n".join(_plan_as_lines(sync.name, index, matching, asked)))
        if asked.how.plan not in (None, matching.digest):
            stop(f"The plan is another by now ({matching.digest}): look at it, and name it with --plan.", USAGE)
        left = PROBLEMS if matching.count().open else DONE
        if not asked.applies or not (asked.yes or _agrees(matching)):
            if asked.json:
                ctx.print_json(found)
            return left
        with opening_state(config) as state:
            keep_matches(state.store, sync.name, matching, now())
    summary, linked = _carry_out(config, sync, takes_source=asked.how.takes_source)
    ctx.answer(asked.json, {**found, **linked}, _linked_as_lines(linked))
    return gravest([left, CODES[summary.status]])


def _agrees(matching: MatchPlan) -> bool:
    if not sys.stdin.isatty() or typer.confirm(f"Link {matching.count().lots[Lot.CERTAIN]} of them?"):
        return True
    print("Nothing was linked.")
    return False


@contextmanager
def _matching(config: Config, sync: SyncConfig, asked: Asked) -> Iterator[tuple[Index, MatchPlan]]:
    with opening_export(asked.file, asked.how.encoding) as (reading, header):
        try:
            columns = find_columns(header, asked.how.columns, asked.how.by)
        except LookupError as error:
            stop(f"{asked.file}: {error.args[0]}", USAGE)
        with Index(columns, asked.how.by) as index:
            index.take(record.values for record in reading)
            if reading.unsure:
                print(f"{asked.file} ends without a line end: see whether it is whole.", file=sys.stderr)
            _refuse_useless(index, columns, asked)
            with (
                drawing(config, sync, only=frozenset()) as drawn,
                comparing(index, drawn.plan, drawn.sync.source, drawn.lookups) as matching,
            ):
                yield index, matching


def _refuse_useless(index: Index, columns: Columns, asked: Asked) -> None:
    """Nobody would be found, and the next run would create all of them."""
    if not index.customers and not index.with_foreign_id:
        stop(
            f"{asked.file}: no row has the number of a customer in the column {columns.id!r}, such as 1234: name the "
            "right one with --columns id=..., or write the numbers without signs and decimals.",
            USAGE,
        )
    if "email" in asked.how.by and index.customers and not index.addressed:
        stop(
            f"{asked.file}: no row has an e-mail address in the column {columns.email!r}: name the right one with "
            "--columns email=..., or say with --by what is compared.",
            USAGE,
        )


def _plan_as_json(name: str, index: Index, matching: MatchPlan) -> dict[str, object]:
    counts = matching.count()
    found = [one for one in matching.findings() if one.lot is Lot.CERTAIN or one.lot.is_open]
    return {
        "sync": name,
        "plan": matching.digest,
        "customers": index.customers,
        "with_foreign_id": index.with_foreign_id,
        "without_number": index.without_number,
        "counts": dict(counts.named),
        "link": [{"foreign_id": one.foreign_id, "gomus_id": one.numbers[0]} for one in found if not one.lot.is_open],
        "open": [
            {"foreign_id": one.foreign_id, "reason": one.lot.value, "candidates": one.numbers}
            for one in found
            if one.lot.is_open
        ],
    }


def _plan_as_lines(name: str, index: Index, matching: MatchPlan, asked: Asked) -> Iterator[str]:
    counts = matching.count()
    yield f"{name}: compared with {index.customers} customers of {asked.file} by {', '.join(asked.how.by)}"
    if index.with_foreign_id:
        yield f"  {index.with_foreign_id} more have a foreign_id already, and are left as they are"
    if index.without_number:
        yield f"  {index.without_number} rows have no number of a customer, and are left out"
    yield from (f"  {counts.lots[lot]:>6} {words}" for lot, words in WORDS.items() if counts.lots[lot])
    if counts.known:
        yield f"  {counts.known:>6} are in go~mus under their foreign_id: the next run takes them over"
    if not (counts.known or counts.decided or counts.lots.keys() - {Lot.NEW, Lot.NAMESAKE}) and counts.lots:
        yield f"  Nobody of {name} was found in it. Is it the right export, with the right columns?"
    if counts.decided:
        yield f"  {counts.decided:>6} a person has decided on"
    waiting = (one for one in matching.findings() if one.lot.is_open)
    for one in islice(waiting, SHOWN):
        yield f"  {one.foreign_id}: {one.lot}, customers {', '.join(map(str, one.numbers))}"
    if counts.open > SHOWN:
        yield f"  … and {counts.open - SHOWN} more: --json has them all"
    yield f"Plan {matching.digest}" + ("" if asked.applies else f": --apply --plan {matching.digest} carries it out")


# --- carrying out ---


def _carry_out(config: Config, sync: SyncConfig, *, takes_source: bool) -> tuple[Summary, dict[str, Any]]:
    """How it ended; who was linked, and who was not and why."""
    with (
        stopping_on_signals() as stopping,
        opening_state(config) as state,
        showing_progress(sync.name) as progress,
        opening_world(config, sync, state, stopping=stopping, progress=progress) as world,
    ):
        wanted = {match.foreign_id: match.gomus_id for match in state.store.matches.each(sync.name, Word.LINK)}
        summary = link_matched(make_sync(config, sync, world.sleep), world, wanted, takes_source=takes_source)
        write_worklist(config, sync, state, stopping)
        if summary.error:
            stop(summary.error, CODES[summary.status])
        return summary, _result(state, sync.name, wanted, summary)


def _result(state: State, name: str, wanted: Mapping[str, int | None], summary: Summary) -> dict[str, Any]:
    store, ids = state.store, list(wanted)
    known = {one.foreign_id for one in store.known.find_briefs(name, ids)}
    reasons = {row.foreign_id: row.reason for row in store.failures.find_refused(name, ids).values()}
    for row in store.failures.invalid(name):
        if row.foreign_id is not None and row.foreign_id in wanted:
            reasons[row.foreign_id] = "; ".join(map(str, row.problems))
    rest = dict.fromkeys(summary.missing, "is not in the source, or left out by `where`")
    failed = {one: reasons.get(one) or rest.get(one) or "waits: `syncd show` tells why" for one in ids}
    return {
        "linked": {one: number for one, number in wanted.items() if one in known},
        "failed": {one: reason for one, reason in failed.items() if one not in known},
        "held": [held.reason for held in summary.held],
    }


def _linked_as_lines(linked: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{foreign_id}: {reason}" for foreign_id, reason in linked["failed"].items())
    yield from (f"held: {reason}" for reason in linked["held"])
    yield f"{len(linked['linked'])} linked."
