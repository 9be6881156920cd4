"""Pages for people: the environment that all templates share, and the report of one run."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syncd import __version__
from syncd.domain.records import FieldProblem
from syncd.report import words
from syncd.state.store import HeldRow, InvalidRow, RunLine, RunRow, Store

LISTED = 1000
SENT_FIELDS = ("update", "adopt")  # of a new customer every field is sent, which says nothing

STYLE = files("syncd.report").joinpath("templates/style.css").read_text(encoding="utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""By which a Content-Security-Policy lets this style in, and no other."""


def make_environment(*packages: str) -> Environment:
    """Templates of these packages, above those that every page shares."""
    loaders = [PackageLoader(package) for package in (*packages, __package__ or "")]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.globals.update(style=Markup(STYLE), style_hash=STYLE_HASH, version=__version__)  # noqa: S704 - our own file
    environment.filters.update(number=words.number)
    return environment


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """All that is known of one run. What only the last run's records tell is empty for an older one."""

    run: RunRow
    outcomes: Mapping[tuple[str, str], int]
    fields: Mapping[str, int]
    remarks: Sequence[RunLine]
    problems: Mapping[FieldProblem, int]
    invalid: Sequence[InvalidRow]
    held: HeldRow | None
    held_changes: Mapping[str, int]


def report_run(store: Store, run: RunRow) -> RunReport:
    held = store.held(run.sync)
    invalid = [row for row in store.invalid(run.sync, limit=LISTED) if row.run == run.id]
    is_held = held is not None and held.run == run.id
    return RunReport(
        run=run,
        outcomes=store.count_outcomes(run.id),
        fields=store.count_fields(run.id, SENT_FIELDS),
        remarks=store.remarks_of(run.id, LISTED),
        problems=store.count_problems(run.sync) if invalid else {},
        invalid=invalid,
        held=held if is_held else None,
        held_changes=store.count_held_changes(run.sync) if is_held else {},
    )


def report_as_html(report: RunReport, zone: tzinfo) -> str:
    """One file that needs no other; it names foreign_ids, but no value."""
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
