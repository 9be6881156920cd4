"""The chart of recent runs: a column for each, as high as what it wrote, above a mark for how it ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from math import log1p

from syncd.report import words
from syncd.report.standing import written
from syncd.state.runs import RunRow

SHOWN = 30
ORDER = ("done", "problems", "held", "failed", "stopped", "open", "running")
COLUMN, TALL, LEAST = 20, 64, 4  # in units of the drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`x` is its middle; `height` 0 where nothing was written."""

    x: int
    height: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`most` is the most that one run wrote; `kinds` are the marks that occur, with their words."""

    columns: tuple[Column, ...]
    most: int
    kinds: tuple[tuple[str, str], ...]
    summary: str


def draw_chart(runs: Sequence[RunRow], zone: tzinfo, *, is_running: bool) -> Chart:
    """Draw the given runs, which come with the latest first; the drawing has the latest on the right."""
    most = max((written(run.counts) for run in runs), default=0)
    kinds = [kind_of(run, is_under_way=is_running and place == 0) for place, run in enumerate(runs)]
    columns = tuple(
        Column(
            x=(SHOWN - place) * COLUMN - COLUMN // 2,
            height=_height(written(run.counts), most),
            kind=kind,
            words=f"{words.moment(run.started_at, zone)}: {label.lower()}; {words.done(run)}",
        )
        for place, (run, (kind, label)) in enumerate(zip(runs, kinds, strict=True))
    )
    return Chart(
        columns=columns,
        most=most,
        kinds=tuple(sorted(set(kinds), key=lambda kind: ORDER.index(kind[0]))),
        summary=_summary(kinds, most),
    )


def kind_of(run: RunRow, *, is_under_way: bool) -> tuple[str, str]:
    if run.finished_at is None and is_under_way:
        return "running", "Under way"
    return words.kind(run), words.how_ended(run)


def _height(count: int, most: int) -> float:
    """Logarithmic, because the first run writes everybody and would flatten all others."""
    return round(max(LEAST, TALL * log1p(count) / log1p(most)), 1) if count else 0


def _summary(kinds: Sequence[tuple[str, str]], most: int) -> str:
    counts = ", ".join(_counts([label for _, label in kinds]))
    which = "The only run" if len(kinds) == 1 else f"The last {len(kinds)} runs"
    return f"{which}: {counts}. At most {words.number(most)} changes in one run."


def _counts(labels: Sequence[str]) -> Iterator[str]:
    for label in dict.fromkeys(labels):
        yield f"{labels.count(label)} {label[0].lower()}{label[1:]}"
