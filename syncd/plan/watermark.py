"""The watermark: up to where the changes of a source are settled, and when it must be read from its start."""

from dataclasses import dataclass

from syncd.plan.plan import Plan
from syncd.sources.base import Source
from syncd.state.recall import Recall
from syncd.state.runs import Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where one read begins; `context` is the digest of all that decides what is read and how it is mapped."""

    context: bytes
    since: Watermark | None

    @property
    def cursor(self) -> str | None:
        return self.since.cursor if self.since else None


def find_bounds(source: Source, recall: Recall, context: bytes, *, is_whole: bool = False) -> Bounds:
    """Where the next read begins: at the watermark, or at the start where changes alone are not enough.

    One that `is_whole` begins at the start in any case.
    """
    mark = recall.store.runs.watermark(recall.sync)
    is_of_use = (
        mark is not None
        and not is_whole
        and mark.context == context  # a field that is newly mapped concerns everybody
        and source.full_every is not None
        and recall.now - mark.full_at < source.full_every  # who is absent, no change tells
        and not recall.is_retry_due()  # whoever was refused does not change by waiting
        and not recall.resends
        and not recall.is_email_free()
        and not recall.lacks_emails()
    )
    return Bounds(context=context, since=mark if is_of_use else None)


def next_watermark(plan: Plan, bounds: Bounds, recall: Recall) -> Watermark | None:
    """Where the next read may begin once all changes of this one are settled. None: where this one began."""
    comparison = plan.read.comparison
    cursor = comparison.reading.cursor
    if cursor is None or plan.failure or comparison.is_doubtful or plan.counts.get("waiting"):
        return None
    full_at = bounds.since.full_at if bounds.since else recall.now
    return Watermark(cursor=cursor, context=bounds.context, full_at=full_at)
