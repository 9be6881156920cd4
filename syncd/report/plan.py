"""A plan as people and scripts see it: counts, field names, ids, reasons; never a value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.guards import Figures, Gauge, Held, Limits, Word, ask_guards, gauge, how_to_release
from syncd.domain.languages import Language
from syncd.domain.records import InvalidRecord, Skipped
from syncd.plan.plan import Plan
from syncd.report.effort import Effort
from syncd.report.failures import of_problem
from syncd.report.words import IN_PLAN, Words, words_in

SAMPLES = 5
NAMED: Mapping[type[Change], str] = {Create: "create", Update: "update", Erase: "erase"}
CLOSING = {"create": ("create",), "link": ("link",), "update": ("update",), "erase": ("delete", "anonymize", "release")}
DECIDED = {
    Word.APPROVED: "approved, so that the next run does it",
    Word.REJECTED: "rejected, and left as it is",
}
NAMED_PLACES = 3
BAR = 12  # signs


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """What is shown of a plan; it outlives the plan itself."""

    sync: str
    description: str  # of what was read
    counts: Mapping[str, int]
    first_contact: int  # so many may be overwritten at first contact; a plan can't know how many would
    fields: Mapping[str, int]
    samples: tuple[tuple[str, str, tuple[str, ...]], ...]  # foreign_id, action, fields
    invalid: tuple[InvalidRecord, ...]
    skipped: tuple[Skipped, ...]  # the first rows that can't be records
    held: tuple[Held, ...]
    gauges: tuple[Gauge, ...]  # how near the guards are
    effort: Effort
    decided: Mapping[Word, Mapping[str, int]]  # what a person has approved or rejected, by action
    shown_only: tuple[str, ...]  # of which actions nothing is done, for the configuration does not name them


def report_plan(sync: str, plan: Plan, limits: Limits, figures: Figures, effort: Effort) -> PlanReport:
    return PlanReport(
        sync=sync,
        description=plan.description,
        counts=dict(plan.counts),
        first_contact=limits.first_contact,
        fields=dict(plan.fields),
        samples=tuple(
            _sample(change) for kind in (Create, Update, Erase) for change in islice(plan.spool.changes(kind), SAMPLES)
        ),
        invalid=tuple(plan.spool.invalid()),
        skipped=tuple(plan.skipped),
        held=ask_guards(figures, limits),
        gauges=gauge(figures, limits),
        effort=effort,
        decided=plan.count_decided(),
        shown_only=tuple(name for kind, name in NAMED.items() if kind not in limits.actions),
    )


def _sample(change: Change) -> tuple[str, str, tuple[str, ...]]:
    fields = () if isinstance(change, Erase) else tuple(sorted(change.fields))
    return change.foreign_id, change.action.value, fields


def invalid_as_json(record: InvalidRecord) -> dict[str, object]:
    return {
        "foreign_id": record.foreign_id,
        "position": str(record.position),
        "problems": [{"field": problem.field, "reason": problem.reason} for problem in record.problems],
    }


def plan_as_json(report: PlanReport) -> dict[str, object]:
    return {
        "sync": report.sync,
        "source": report.description,
        "counts": report.counts,
        "fields": report.fields,
        "samples": [{"foreign_id": i, "action": action, "fields": fields} for i, action, fields in report.samples],
        "invalid": [invalid_as_json(record) for record in report.invalid],
        "skipped": [{"position": str(row.position), "reason": row.reason} for row in report.skipped],
        "shown_only": report.shown_only,
        "held": [_held_as_json(held) for held in report.held],
        "guards": [{"guard": one.guard.value, "count": one.count, "most": one.most} for one in report.gauges],
        "calls": report.effort.calls,
        "seconds": round(report.effort.lasts.total_seconds(), 1),
        **{word.value: report.decided[word] for word in Word},
    }


def _held_as_json(held: Held) -> dict[str, str]:
    return {"guard": held.guard.value, "reason": held.reason}


def plan_as_lines(report: PlanReport) -> Iterator[str]:
    words = words_in(Language.ENGLISH)
    yield f"{report.sync}: {report.description}"
    most = max(report.counts.values(), default=0)
    for name in IN_PLAN:
        if count := report.counts.get(name):
            yield f"  {_bar(count, most):{BAR}} {count:>7}  {words.planned_as(name)}"
    yield from _fields_as_lines(report.fields)
    if report.counts.keys() & {"create", "link"}:
        yield (
            "  who is to be created or linked is looked up first. Whose values would be overwritten shows only then; "
            f"more than {report.first_contact} such customers are held"
        )
    if report.shown_only:
        yield f"  shown only, and not done, for actions does not name it: {', '.join(report.shown_only)}"
    for foreign_id, action, fields in report.samples:
        yield f"  for example: {action} {foreign_id}" + (f" ({', '.join(fields)})" if fields else "")
    yield from _invalid_as_lines(report.invalid)
    yield from (f"  left out: {row.position}: {row.reason}" for row in report.skipped)
    yield from _guards_as_lines(report)
    for word, counts in report.decided.items():
        if counts:
            yield f"  {DECIDED[word]}: {', '.join(f'{number} {action}' for action, number in counts.items())}"
    yield f"{report.sync}: {closing(report, words)}"


def _bar(count: int, most: int) -> str:
    return "█" * max(1, round(BAR * count / most))


def _fields_as_lines(fields: Mapping[str, int]) -> Iterator[str]:
    if fields:
        yield "  fields that updates change:"
    for name, count in sorted(fields.items(), key=lambda field: (-field[1], field[0])):
        yield f"  {_bar(count, max(fields.values())):{BAR}} {count:>7}  {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why records are invalid; `places` are those records, each with its position and its id."""

    field: str
    reason: str
    places: tuple[str, ...]


def by_reason(records: Iterable[InvalidRecord]) -> list[Reason]:
    """The most frequent first."""
    places: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for problem in record.problems:
            place = f"{record.position} ({record.foreign_id or 'no id'})"
            places.setdefault(of_problem(problem), []).append(place)
    found = sorted(places.items(), key=lambda one: (-len(one[1]), one[0]))
    return [Reason(field=field, reason=reason, places=tuple(listed)) for (field, reason), listed in found]


def _invalid_as_lines(records: Iterable[InvalidRecord]) -> Iterator[str]:
    for one in by_reason(records):
        count = len(one.places)
        more = f" and {count - NAMED_PLACES} more" if count > NAMED_PLACES else ""
        yield f"  invalid, {count}: {one.field}: {one.reason}: {', '.join(one.places[:NAMED_PLACES])}{more}"


def _guards_as_lines(report: PlanReport) -> Iterator[str]:
    held = {one.guard for one in report.held}
    if near := [f"{one.guard.value} {one.count} of {one.most}" for one in report.gauges if one.guard not in held]:
        yield f"  as near to a guard as it may be: {', '.join(near)}"
    for one in report.held:
        yield f"  HELD by the guard '{one.guard.value}': {one.reason}"
        yield f"    once a run has held it: {how_to_release(report.sync)}"


def closing(report: PlanReport, words: Words) -> str:
    """3 to create, 1 to update, 0 to erase; some 5 calls, about 1 s. Links are told only where there are some."""
    due = {name: _sum(report.counts, names) for name, names in CLOSING.items()}
    calls, span = report.effort.calls, words.span(report.effort.lasts)
    told = words.say("plan.calls", calls, span=span) if calls else words.say("plan.no_call")
    if due["link"]:
        return words.say("plan.closing_with_links", **due, calls=told)
    return words.say("plan.closing", **due, calls=told)


def _sum(counts: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(counts.get(name, 0) for name in names)
