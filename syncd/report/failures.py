"""The records that could not be synced: one by one for the source's owner, and by reason for an overview."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from syncd.domain.records import FieldProblem
from syncd.state.store import Store

EXAMPLES = 5
LOOKED_AT = 2000  # so many records are looked through for examples

_WHERE_ELSE = re.compile(r" \(first: .*\)$")  # another record of the same id: differs from record to record
_NUMBER = re.compile(r"(?<![(\d])\d+|(?<=\()\d+(?!\d*\))")  # but not a status in brackets: (422)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Records that failed for one reason. `field` is empty where the reason concerns the whole record."""

    kind: str  # invalid or refused
    field: str
    reason: str
    count: int
    examples: tuple[str, ...] = ()  # foreign_ids


def group_failures(store: Store, sync: str, *, with_ids: bool) -> list[FailureGroup]:
    """Group the failures of a sync by reason, the most frequent first. Without ids, no reason contains one either."""
    counted: dict[tuple[str, str, str], int] = {}
    for problem, count in store.failures.count_problems(sync).items():
        key = ("invalid", *of_problem(problem))
        counted[key] = counted.get(key, 0) + count
    for (action, reason), count in store.failures.count_refusals(sync).items():
        key = of_refusal(action, reason)
        counted[key] = counted.get(key, 0) + count
    examples = _examples(store, sync) if with_ids else {}
    groups = [
        FailureGroup(kind=key[0], field=key[1], reason=key[2], count=count, examples=tuple(examples.get(key, ())))
        for key, count in counted.items()
    ]
    return sorted(groups, key=lambda group: (-group.count, group.kind, group.field, group.reason))


def of_problem(problem: FieldProblem) -> tuple[str, str]:
    """The field, and the reason without what differs from record to record."""
    return problem.field, _WHERE_ELSE.sub("", problem.reason)


def of_refusal(action: str, reason: str) -> tuple[str, str, str]:
    """Take out numbers: go~mus may put counts or its own ids of customers into its words."""
    return f"refused ({action})", "", _NUMBER.sub("…", reason)


def _examples(store: Store, sync: str) -> dict[tuple[str, str, str], list[str]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for key, foreign_id in _each(store, sync):
        some = found.setdefault(key, [])
        if len(some) < EXAMPLES and foreign_id not in some:
            some.append(foreign_id)
    return found


def _each(store: Store, sync: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    for record in store.failures.invalid(sync, limit=LOOKED_AT):
        for problem in record.problems if record.foreign_id else ():
            yield ("invalid", *of_problem(problem)), record.foreign_id or ""
    for refused in store.failures.refused(sync, limit=LOOKED_AT):
        yield of_refusal(refused.action, refused.reason), refused.foreign_id
