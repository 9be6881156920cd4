"""`plan`: what would happen; nothing is written anywhere."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from syncd.assembly import (
    judge_prefix,
    looking_at_state,
    make_client,
    make_recall,
    make_sync,
)
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, HELD, PROBLEMS, code_of, gravest, say, stop
from syncd.cli.loading import load
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import ending_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.delivery.habits import Habits
from syncd.domain.changes import Create, Update
from syncd.domain.guards import Limits
from syncd.domain.languages import Language
from syncd.domain.records import RemoteCustomer
from syncd.errors import Refused, Retryable, SyncdError
from syncd.gomus.client import Client
from syncd.mapping.lookups import Lookup
from syncd.plan.approval import Approval
from syncd.plan.figures import count_up, find_pairs
from syncd.plan.plan import Plan
from syncd.report.effort import Effort, estimate
from syncd.report.plan import PlanReport, plan_as_json, plan_as_lines, report_plan
from syncd.report.sample import change_as_lines
from syncd.runs.drawing import drawing_up, fetch_lookups
from syncd.runs.entering import refuse_another_instance
from syncd.runs.world import Sync
from syncd.state.recall import Recall

VALUES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan, and all that was needed for it."""

    plan: Plan
    recall: Recall
    limits: Limits
    client: Client
    sync: Sync
    lookups: Mapping[str, Lookup]


def draw_report(config: Config, sync: SyncConfig) -> PlanReport:
    """Draw up the plan of one sync; go~mus is asked for its lookups only."""
    with drawing(config, sync) as drawn:
        return _report(config, sync, drawn)


def draw_values(config: Config, sync: SyncConfig) -> tuple[PlanReport, list[str]]:
    """The plan, and some of its changes with their values, in lines; customers that are to be updated are read."""
    with drawing(config, sync) as drawn:
        report, spool = _report(config, sync, drawn), drawn.plan.spool
        updates = islice(spool.changes(Update), VALUES_SHOWN)
        lines = [line for change in updates for line in change_as_lines(change, _read(drawn.client, change))]
        creates = islice(spool.changes(Create), VALUES_SHOWN)
        return report, lines + [line for change in creates for line in change_as_lines(change, None)]


def _read(client: Client, change: Update) -> RemoteCustomer | None:
    try:
        remote = client.read(change.foreign_id)
    except (Refused, Retryable):  # of one customer: its values are not shown
        return None
    return remote if remote and remote.foreign_id == change.foreign_id else None  # it may be known by another spelling


def _report(config: Config, sync: SyncConfig, drawn: Drawn) -> PlanReport:
    plan, recall = drawn.plan, drawn.recall
    Approval(recall).apply(plan)
    effort = _estimate(config, sync, plan, recall)
    return report_plan(sync.name, plan, drawn.limits, count_up(plan, recall), effort)


def _estimate(config: Config, sync: SyncConfig, plan: Plan, recall: Recall) -> Effort:
    options = config.gomus[sync.gomus]
    habits = Habits.recalled(
        recall.store.instances.learned(sync.gomus),
        batch_size=options.batch_size,
        is_unique=options.unique_foreign_ids,
        now=recall.now,
    )
    return estimate(plan.counts, habits, options)


def draw_pairs(config: Config, sync: SyncConfig) -> dict[str, str]:
    """New ids with the absent ones that they equal but for their spelling."""
    with drawing(config, sync) as drawn:
        return find_pairs(drawn.plan)


@contextmanager
def drawing(config: Config, sync: SyncConfig, *, only: frozenset[str] | None = None) -> Iterator[Drawn]:
    """The plan lives as long as the block. Where `only` some are meant, the source is read from its start."""
    made = make_sync(config, sync, time.sleep, only=only)
    with (
        looking_at_state(config) as state,
        make_client(config, sync, time.sleep) as client,
        showing_progress(sync.name) as progress,
    ):
        judge_prefix(config, sync, state)
        recall = make_recall(config, sync, state)
        refuse_another_instance(recall)
        lookups = fetch_lookups(made, client)
        read = lambda count: progress("reading", count, None)  # noqa: E731 - one line, used once
        with drawing_up(made, recall, lookups, progress=read) as drawn:
            yield Drawn(drawn.plan, recall, made.limits, client, made, lookups)


def code_of_report(report: PlanReport) -> int:
    if report.held:
        return HELD
    return PROBLEMS if report.invalid or report.counts.get("quarantined") else DONE


def plan(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    values: Annotated[
        bool,
        typer.Option("--values", help="Some changes with their values, old → new; on a terminal only."),
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write it as a page to this file, readable for you only.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="The language of that page.")] = Language.ENGLISH,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a run would do: counts, fields, samples, invalid records, guards. Writes nothing anywhere.

    Exit code: 0, 3 where records are invalid, 4 where a guard would hold something, 1 where the source or go~mus can't
    be read, 2 for a mistake in the configuration.
    """
    if values and (json or not sys.stdout.isatty()):
        stop("--values shows values, on a terminal only: neither in a file, a pipe nor as JSON.")
    with ending_on_signals(), ctx.configured(context) as config:
        reports, codes, told = [], [], []
        for sync in ctx.pick(config, [name] if name else []):
            try:
                report, lines = draw_values(config, sync) if values else (draw_report(config, sync), [])
                reports.append(report)
                told += [*plan_as_lines(report), *lines]
                codes.append(code_of_report(reports[-1]))
            except SyncdError as error:
                say(error, about=sync.name)
                codes.append(code_of(error))
        if html is not None and reports:
            ctx.write_page(html, load("syncd.report.html:plans_as_html")(reports, lang))
        ctx.answer(json, {"plans": [plan_as_json(report) for report in reports]}, told)
        raise typer.Exit(gravest(codes))
