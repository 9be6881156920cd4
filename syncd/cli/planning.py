"""`plan`: what would happen; nothing is written anywhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
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
from syncd.cli.exits import DONE, HELD, PROBLEMS, code_of, gravest, say
from syncd.cli.loading import load
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import ending_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.delivery.habits import Habits
from syncd.domain.guards import Limits
from syncd.errors import SyncdError
from syncd.plan.approval import Approval
from syncd.plan.figures import count_up, find_pairs
from syncd.plan.plan import Plan
from syncd.report.effort import Effort, estimate
from syncd.report.plan import PlanReport, plan_as_json, plan_as_lines, report_plan
from syncd.runs.drawing import drawing_up, fetch_lookups
from syncd.runs.entering import refuse_another_instance
from syncd.state.recall import Recall

SHOWN = 3
SHOWN_EVERY = 500


def draw_report(config: Config, sync: SyncConfig) -> PlanReport:
    """Draw up the plan of one sync; go~mus is asked for its lookups only."""
    with _drawn(config, sync) as (plan, recall, limits):
        Approval(recall).apply(plan)
        figures = count_up(plan, recall)
        return report_plan(sync.name, plan, limits, figures, _estimate(config, sync, plan, recall))


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
        refuse_another_instance(recall)
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
    html: Annotated[
        Path | None, typer.Option("--html", help="Write it as a page to this file, readable for you only.")
    ] = None,
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
        if html is not None:
            ctx.write_page(html, load("syncd.report.html:plans_as_html")(reports))
        ctx.answer(json, {"plans": [plan_as_json(report) for report in reports]}, chain(*map(plan_as_lines, reports)))
        raise typer.Exit(gravest(codes))
