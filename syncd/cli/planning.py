"""`plan` and `check`: what would happen, and whether it can; nothing is written anywhere."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Annotated

import typer

from syncd.alerts.channels import try_out
from syncd.assembly import (
    check_state_folder,
    judge_prefix,
    looking_at_state,
    make_client,
    make_erasures,
    make_mapper,
    make_recall,
    make_source,
    make_sync,
    now,
)
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, FAILED, HELD, PROBLEMS, USAGE, code_of, gravest, say
from syncd.cli.progress import showing_progress
from syncd.cli.recognized import Letters, describe
from syncd.cli.stopping import ending_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.config.prefixes import REMEDY, find_shared_prefix
from syncd.domain.guards import Limits, ask_guards
from syncd.domain.records import FieldProblem, InvalidRecord, SourceRecord
from syncd.errors import Fatal, Misconfigured, SyncdError
from syncd.gomus.client import Client
from syncd.mapping.columns import Unfound, require_columns, watch_columns
from syncd.mapping.id_columns import IdColumn
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.network import in_haste
from syncd.plan.approval import Approval
from syncd.plan.figures import count_up, find_pairs
from syncd.plan.plan import Plan
from syncd.report.plan import PlanReport, plan_as_json, plan_as_lines, report_plan
from syncd.runs.drawing import drawing_up, fetch_lookups
from syncd.sources.base import Reading, ReadKind
from syncd.state.erasures import Place
from syncd.state.recall import Recall

SHOWN = 3
SHOWN_EVERY = 500


def draw_report(config: Config, sync: SyncConfig) -> PlanReport:
    """Draw up the plan of one sync; go~mus is asked for its lookups only."""
    with _drawn(config, sync) as (plan, recall, limits):
        Approval(recall).apply(plan)
        return report_plan(sync.name, plan, limits, held=ask_guards(count_up(plan, recall), limits))


def draw_pairs(config: Config, sync: SyncConfig) -> dict[str, str]:
    """New ids with the absent ones that they equal but for their spelling."""
    with _drawn(config, sync) as (plan, _, _):
        return find_pairs(plan)


@contextmanager
def _drawn(config: Config, sync: SyncConfig) -> Iterator[tuple[Plan, Recall, Limits]]:
    made = make_sync(config, sync, time.sleep)
    with (
        looking_at_state(config) as state,
        make_client(config, sync, time.sleep) as client,
        showing_progress(sync.name) as progress,
    ):
        judge_prefix(config, sync, state)
        recall = make_recall(config, sync, state)
        lookups = fetch_lookups(made, client)
        read = lambda count: progress("reading", count, None)  # noqa: E731 - one line, used once
        with drawing_up(made, recall, lookups, progress=read) as drawn:
            yield drawn.plan, recall, made.limits


def code_of_report(report: PlanReport) -> int:
    if report.held:
        return HELD
    return PROBLEMS if report.invalid or report.counts.get("quarantined") else DONE


def plan(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a run would do: counts, fields, samples, invalid records, guards. Writes nothing anywhere.

    Exit code: 0, 3 where records are invalid, 4 where a guard would hold something, 1 where the source or go~mus can't
    be read, 2 for a mistake in the configuration.
    """
    with ending_on_signals(), ctx.configured(context) as config:
        reports, codes = [], []
        for sync in ctx.pick(config, [name] if name else []):
            try:
                reports.append(draw_report(config, sync))
                codes.append(code_of_report(reports[-1]))
            except SyncdError as error:
                say(error, about=sync.name)
                codes.append(code_of(error))
        ctx.answer(json, {"plans": [plan_as_json(report) for report in reports]}, chain(*map(plan_as_lines, reports)))
        raise typer.Exit(gravest(codes))


# --- check ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check."""

    what: str
    is_good: bool
    words: str
    code: int = DONE
    is_warning: bool = False

    @property
    def line(self) -> str:
        mark = "!" if self.is_warning else "✓" if self.is_good else "✗"
        return f"{mark} {self.what}: {self.words}"


def check(
    context: typer.Context,
    customer: Annotated[
        str | None,
        typer.Option(help="Show name and surname of this foreign_id, to see which one go~mus takes for the family's."),
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="Send a trial message to all in [notify].")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check everything a run needs, one line each: configuration, state, source, mapping, go~mus, lookups."""
    with ending_on_signals(), in_haste(), ctx.answering(context) as chosen:
        try:
            config = chosen.load()
        except Misconfigured as error:
            findings = [Finding(what="configuration", is_good=False, words=str(p), code=USAGE) for p in error.problems]
        else:
            findings = [*_check_all(config), *(_look_at_customer(config, customer) if customer else ())]
            findings += _try_alarms(config) if notify else ()
        ctx.answer(
            json,
            [{"what": f.what, "ok": f.is_good, "words": f.words} for f in findings],
            [f.line for f in findings],
        )
        raise typer.Exit(gravest([f.code for f in findings]))


def _check_all(config: Config) -> Iterator[Finding]:
    words = f"{len(config.syncs)} sync(s), {len(config.gomus)} instance(s)"
    yield Finding(what="configuration", is_good=True, words=words)
    yield from _checked("state database", lambda: _check_state(config))
    if config.state.ledger is not None:
        yield from _checked("ledger of erasures", lambda: _check_ledger(config))
    for sync in config.syncs.values():
        yield from _check_prefix(config, sync)
        yield from _check_sync(config, sync)


def _try_alarms(config: Config) -> Iterator[Finding]:
    tried = try_out(config.notify) if config.notify else ()
    if not tried:
        yield Finding(what="notify", is_good=False, words="[notify] names nobody", code=USAGE)
    for channel, is_reached in tried:
        words = "a trial message was sent" if is_reached else "can't be reached, or refuses the message; see the log"
        yield Finding(what=f"notify: {channel}", is_good=is_reached, words=words, code=DONE if is_reached else FAILED)


def _check_sync(config: Config, sync: SyncConfig) -> Iterator[Finding]:
    """The mapping can be checked only with all of the instance's lookups that it needs."""
    fetched: dict[str, Lookup] = {}
    with make_client(config, sync, time.sleep) as client:
        found = next(_checked(f"{sync.name}: go~mus", lambda: _check_access(client)))
        yield found
        if found.is_good:
            found = next(_checked(f"{sync.name}: lookups", lambda: _check_lookups(config, sync, client, fetched)))
            yield found
    yield from _check_source(config, sync, fetched if found.is_good else None)


def _checked(what: str, look: Callable[[], str]) -> Iterator[Finding]:
    """One line, also where the check fails, so that the other lines still follow."""
    try:
        yield Finding(what=what, is_good=True, words=look())
    except SyncdError as error:
        words = ": ".join(filter(None, (error.shown, error.remedy)))
        yield Finding(what=what, is_good=False, words=words, code=code_of(error))


def _check_state(config: Config) -> str:
    check_state_folder(config)
    with looking_at_state(config) as state:
        known = sum(state.store.known.count(name) for name in config.syncs)
    return f"{known} known customers"


def _check_ledger(config: Config) -> str:
    places = [Place(name, options.url) for name, options in config.gomus.items()]
    erasures = make_erasures(config.state)
    return f"{sum(len(erasures.read(place).times) for place in places)} people erased on request"


def _check_prefix(config: Config, sync: SyncConfig) -> Iterator[Finding]:
    """A line only where there is something to say."""
    if problem := find_shared_prefix(config, sync):
        try:
            with looking_at_state(config) as state:
                code = PROBLEMS if state.store.has_state(sync.name) else USAGE
        except SyncdError as error:
            code = code_of(error)
        yield Finding(what=f"{sync.name}: prefix", is_good=False, words=f"{problem.message}: {REMEDY}", code=code)


def _check_access(client: Client) -> str:
    access = client.whoami()
    if access != "user":
        raise Fatal(f"the token's access is {access or 'unknown'!r}", remedy="syncd needs the token of an API user")
    return "answers, and knows the token as a user's"


def _check_lookups(config: Config, sync: SyncConfig, client: Client, lookups: dict[str, Lookup]) -> str:
    made = make_sync(config, sync, time.sleep)
    counts = []
    for kind in sorted(made.mapper.lookups_needed):
        entries = client.lookup(kind)
        lookups[kind] = Lookup(kind, entries)
        if not entries:
            raise Fatal(f"the instance offers no {kind} with an id", remedy="map ids by hand with 'map' or 'value'")
        counts.append(f"{len(entries)} {kind}")
    return ", ".join(counts) or "none needed"


def _watch(mapper: Mapper, reading: Reading) -> Unfound:
    require_columns(mapper.columns, reading.columns, reading.description, reading.hint)
    is_snapshot = reading.kind is ReadKind.SNAPSHOT
    return watch_columns(mapper.columns, reading.columns, reading.description, is_snapshot=is_snapshot)


def _check_source(config: Config, sync: SyncConfig, lookups: Mapping[str, Lookup] | None) -> Iterator[Finding]:
    mapper = make_mapper(sync)
    today = now().astimezone(sync.timezone).date()
    id_column = IdColumn(sync.foreign_id, sync.fields)
    invalid: list[InvalidRecord] = []
    count = filtered = 0
    letters = Letters()

    def read() -> str:
        nonlocal count, filtered
        with showing_progress(sync.name) as progress, make_source(config, sync, time.sleep).open() as records:
            unfound = _watch(mapper, records)
            for record in records:
                count += 1
                unfound.take([record])
                letters.look_at(record.values)
                if count % SHOWN_EVERY == 0:
                    progress("reading", count, None)
                counts = mapper.counts(record, today)
                if counts is False:
                    filtered += 1
                    continue
                id_column.take(mapper.id_as_read(record))
                doubt = records.doubt_about(record) or (None if counts is True else counts)
                if lookups is not None and not record.deleted:
                    invalid.extend(_invalid(mapper, record, lookups, doubt))
            unfound.refuse()
            left_out = f", {filtered} of them left out by where" if filtered else ""
            return f"{count} records in {describe(records)}{letters}{left_out}{_tell_skipped(records)}"

    finding = next(_checked(f"{sync.name}: source", read))
    yield finding
    if finding.is_good and (doubt := id_column.find_doubt()):
        yield Finding(what=f"{sync.name}: foreign_id", is_good=True, words=doubt, is_warning=True)
    if finding.is_good and lookups is not None:
        yield _check_mapping(sync.name, count - filtered, invalid)
    elif finding.is_good:
        words = "not checked, for it needs the lookups"
        yield Finding(what=f"{sync.name}: mapping", is_good=False, words=words, code=FAILED)


def _invalid(
    mapper: Mapper, record: SourceRecord, lookups: Mapping[str, Lookup], doubt: FieldProblem | None
) -> Iterator[InvalidRecord]:
    if doubt:
        yield InvalidRecord(foreign_id=None, position=record.position, problems=(doubt,))
    elif isinstance(mapped := mapper.customer(record, lookups), InvalidRecord):
        yield mapped


def _tell_skipped(reading: Reading) -> str:
    """The end of a sentence; nothing where no row was left out."""
    if not reading.skips:
        return ""
    rows = " | ".join(f"{row.position}: {row.reason}" for row in reading.skipped[:SHOWN])
    return f"; {reading.skips} rows can't be records and are left out, for example {rows}"


def _check_mapping(name: str, count: int, invalid: list[InvalidRecord]) -> Finding:
    if not invalid:
        return Finding(what=f"{name}: mapping", is_good=True, words=f"all {count} records")
    shown = " | ".join(
        f"{record.position}: {'; '.join(str(problem) for problem in record.problems)}" for record in invalid[:SHOWN]
    )
    words = f"{len(invalid)} of {count} records are invalid, for example {shown}"
    return Finding(what=f"{name}: mapping", is_good=False, words=words, code=PROBLEMS)


def _look_at_customer(config: Config, foreign_id: str) -> Iterator[Finding]:
    """Show name and surname of one customer, the only values that syncd ever prints."""
    instances = {sync.gomus: sync for sync in config.syncs.values()}
    for instance, sync in instances.items():
        with make_client(config, sync, time.sleep) as client:
            yield from _checked(f"{instance}: customer {foreign_id}", partial(_name, client, foreign_id))


def _name(client: Client, foreign_id: str) -> str:
    remote = client.read(foreign_id)
    if remote is None:
        return "go~mus has none"
    return f"name = {remote.fields['name']!r}, surname = {remote.fields['surname']!r}"
