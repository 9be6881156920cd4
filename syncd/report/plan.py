"""A plan as people and scripts see it: counts, field names, ids, reasons; never a value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.guards import Held, Limits, Word, how_to_release
from syncd.domain.records import InvalidRecord, Skipped
from syncd.plan.plan import Plan
from syncd.report import words

SAMPLES = 5
NAMED: Mapping[type[Change], str] = {Create: "create", Update: "update", Erase: "erase"}
LISTED = 20


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
    decided: Mapping[Word, Mapping[str, int]]  # what a person has approved or rejected, by action
    shown_only: tuple[str, ...]  # of which actions nothing is done, for the configuration does not name them


def report_plan(sync: str, plan: Plan, limits: Limits, *, held: Sequence[Held]) -> PlanReport:
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
        held=tuple(held),
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
        **{word.value: report.decided[word] for word in Word},
    }


def _held_as_json(held: Held) -> dict[str, str]:
    return {"guard": held.guard.value, "reason": held.reason}


def plan_as_lines(report: PlanReport) -> Iterator[str]:
    yield f"{report.sync}: {report.description}"
    for name in words.IN_PLAN:
        if report.counts.get(name):
            yield f"  {report.counts[name]:>7}  {words.planned_as(name)}"
    if report.fields:
        changed = ", ".join(f"{name} {count}" for name, count in sorted(report.fields.items(), key=lambda f: -f[1]))
        yield f"  fields that updates change: {changed}"
    if report.counts.get("create"):
        yield (
            "  who is to be created is looked up first. Whose values would be overwritten shows only then; more than "
            f"{report.first_contact} such customers are held"
        )
    if report.shown_only:
        yield f"  shown only, and not done, for actions does not name it: {', '.join(report.shown_only)}"
    for foreign_id, action, fields in report.samples:
        yield f"  for example: {action} {foreign_id}" + (f" ({', '.join(fields)})" if fields else "")
    yield from invalid_as_lines(report.invalid)
    yield from (f"  left out: {row.position}: {row.reason}" for row in report.skipped)
    for held in report.held:
        yield f"  HELD by the guard '{held.guard.value}': {held.reason}"
        yield f"    once a run has held it: {how_to_release(report.sync)}"
    for word, counts in report.decided.items():
        if counts:
            yield f"  {words.DECIDED[word]}: {', '.join(f'{number} {action}' for action, number in counts.items())}"


def invalid_as_lines(records: Sequence[InvalidRecord]) -> Iterator[str]:
    for record in records[:LISTED]:
        problems = "; ".join(str(problem) for problem in record.problems)
        yield f"  invalid: {record.position} ({record.foreign_id or 'no id'}): {problems}"
    if len(records) > LISTED:
        yield f"  invalid: and {len(records) - LISTED} more (`syncd failures` lists them after a run)"
