"""Pages for people: the environment that all templates share, the report of one run, and plans."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syncd import __version__
from syncd.domain.guards import how_to_release
from syncd.domain.records import FieldProblem
from syncd.report import words
from syncd.report.plan import PlanReport, by_reason, closing
from syncd.state.failures import InvalidRow
from syncd.state.held import HeldRow
from syncd.state.journal import JournalLine
from syncd.state.runs import RunRow
from syncd.state.store import Store

LISTED = 1000
LISTED_PLACES = 100
SENT_FIELDS = ("update", "adopt")  # of a new customer every field is sent, which says nothing

STYLE = files("syncd.report").joinpath("templates/style.css").read_text(encoding="utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""By which a Content-Security-Policy lets this style in, and no other."""


def make_environment(*packages: str) -> Environment:
    """An environment with the templates of these packages and the ones that all pages share."""
    loaders = [PackageLoader(package) for package in (*packages, __package__ or "")]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.globals.update(style=Markup(STYLE), style_hash=STYLE_HASH, version=__version__)  # noqa: S704 - our own file
    environment.globals.update(how_to_release=how_to_release)
    environment.filters.update(number=words.number)
    return environment


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """All that is known of one run. What is kept for the last run only is empty for an older one."""

    run: RunRow
    outcomes: Mapping[tuple[str, str], int]
    fields: Mapping[str, int]
    remarks: Sequence[JournalLine]
    problems: Mapping[FieldProblem, int]
    invalid: Sequence[InvalidRow]
    held: HeldRow | None
    held_changes: Mapping[str, int]


def report_run(store: Store, run: RunRow) -> RunReport:
    held = store.held.find(run.sync)
    invalid = [row for row in store.failures.invalid(run.sync, limit=LISTED) if row.run_id == run.id]
    is_held = held is not None and held.run_id == run.id
    return RunReport(
        run=run,
        outcomes=store.journal.count_outcomes(run.id),
        fields=store.journal.count_fields(run.id, SENT_FIELDS),
        remarks=store.journal.remarks_of(run.id, LISTED),
        problems=store.failures.count_problems(run.sync) if invalid else {},
        invalid=invalid,
        held=held if is_held else None,
        held_changes=store.held.count_changes(run.sync) if is_held else {},
    )


def report_as_html(report: RunReport, zone: tzinfo) -> str:
    """A self-contained page; it names foreign_ids, but no value."""
    actions = sorted({action for action, _ in report.outcomes}, key=list(words.DONE).index)
    occurring = {result for _, result in report.outcomes}
    return (
        make_environment()
        .get_template("run.html")
        .render(
            report=report,
            run=report.run,
            actions=actions,
            results=[named for named in words.RESULTS if named[0] == "ok" or named[0] in occurring],
            words=words,
            zone=zone,
            listed=LISTED,
            fields=sorted(report.fields.items(), key=lambda field: (-field[1], field[0])),
            problems=sorted(report.problems.items(), key=lambda problem: (-problem[1], str(problem[0]))),
        )
    )


def plans_as_html(plans: Sequence[PlanReport]) -> str:
    """A self-contained page; it names foreign_ids, but no value."""
    template = make_environment().get_template("plan.html")
    return template.render(plans=plans, words=words, closing=closing, by_reason=by_reason, listed=LISTED_PLACES)
