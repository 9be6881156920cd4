"""The report of one run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from syncd.domain.languages import Language
from syncd.domain.records import FieldProblem
from syncd.report.failures import of_problem, of_refusal
from syncd.report.held import HeldPart, gather_held
from syncd.report.html import draw
from syncd.report.words import DONE, RESULTS, in_order
from syncd.state.failures import InvalidRow
from syncd.state.journal import JournalLine
from syncd.state.runs import RunRow
from syncd.state.store import Store

LISTED = 1000
SENT_FIELDS = ("update", "adopt")  # of a new customer every field is sent, which says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of changes: a row for each action, with a number for each of the `results`."""

    results: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]


def tabulate(outcomes: Mapping[tuple[str, str], int]) -> Outcomes:
    occurring = {"ok", *(result for _, result in outcomes)}
    results = [result for result in RESULTS if result in occurring]
    actions = sorted({action for action, _ in outcomes}, key=DONE.index)
    rows = [(action, [outcomes.get((action, result), 0) for result in results]) for action in actions]
    return Outcomes(results=results, rows=rows)


def most_first(fields: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(fields.items(), key=lambda field: (-field[1], field[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Why so many changes did not simply go well; `foreign_id` of the one, where ids are shown."""

    foreign_id: str | None
    action: str
    result: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """All that is known of one run. What is kept for the last run only is empty for an older one."""

    run: RunRow
    outcomes: Outcomes
    fields: Sequence[tuple[str, int]]
    remarks: Sequence[Remark]
    problems: Sequence[tuple[tuple[str, str], int]]
    invalid: Sequence[InvalidRow]
    held: HeldPart | None
    with_ids: bool


def report_run(store: Store, run: RunRow, *, with_ids: bool = True) -> RunReport:
    """Without ids what concerns single customers and records is counted by reason, and no reason contains an id."""
    held = gather_held(store, run.sync, with_ids=with_ids)
    invalid = [row for row in store.failures.invalid(run.sync, limit=LISTED) if row.run_id == run.id]
    problems = store.failures.count_problems(run.sync) if invalid else {}
    return RunReport(
        run=run,
        outcomes=tabulate(store.journal.count_outcomes(run.id)),
        fields=most_first(store.journal.count_fields(run.id, SENT_FIELDS)),
        remarks=_each(store.journal.remarks_of(run.id, LISTED)) if with_ids else _by_reason(store, run.id),
        problems=_counted(problems, with_ids=with_ids),
        invalid=invalid if with_ids else (),
        held=held if held and held.run_id == run.id else None,
        with_ids=with_ids,
    )


def _each(lines: Iterable[JournalLine]) -> list[Remark]:
    return [
        Remark(
            foreign_id=line.foreign_id,
            action=line.action,
            result=line.result or "open",
            reason=line.error or "",
            count=1,
        )
        for line in lines
    ]


def _by_reason(store: Store, run_id: str) -> list[Remark]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for (action, result, error), count in store.journal.count_remarks(run_id).items():
        counted[action, result, of_refusal(action, error)[2]] += count
    return [
        Remark(foreign_id=None, action=action, result=result, reason=reason, count=count)
        for (action, result, reason), count in counted.most_common(LISTED)
    ]


def _counted(problems: Mapping[FieldProblem, int], *, with_ids: bool) -> list[tuple[tuple[str, str], int]]:
    """The most frequent first."""
    counted: Counter[tuple[str, str]] = Counter()
    for problem, count in problems.items():
        counted[(problem.field, problem.reason) if with_ids else of_problem(problem)] += count
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:LISTED]


def report_as_html(
    report: RunReport, zone: tzinfo, language: Language = Language.ENGLISH, *, home: str | None = None
) -> str:
    """A self-contained page; it may name foreign_ids, but no value. `home` is the page that it is reached from."""
    return draw(
        "run.html",
        language,
        report=report,
        run=report.run,
        counts=in_order(report.run.counts),
        zone=zone,
        listed=LISTED,
        home=home,
    )
