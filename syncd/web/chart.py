"""The chart of recent runs: a column for each, as high as what it wrote, above a mark for how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from math import log1p

from syncd.report.standing import written
from syncd.report.words import Words, kind, uncapitalized
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
    """`most` is the most that one run wrote; `kinds` are the marks that occur."""

    columns: tuple[Column, ...]
    most: int
    kinds: tuple[str, ...]
    summary: str


def draw_chart(runs: Sequence[RunRow], zone: tzinfo, words: Words, *, is_running: bool) -> Chart:
    """Draw the given runs, which come with the latest first; the drawing has the latest on the right."""
    most = max((written(run.counts) for run in runs), default=0)
    kinds = [kind_of(run, is_under_way=is_running and place == 0) for place, run in enumerate(runs)]
    columns = tuple(
        Column(
            x=(SHOWN - place) * COLUMN - COLUMN // 2,
            height=_height(written(run.counts), most),
            kind=mark,
            words=words.say(
                "chart.column",
                moment=words.moment(run.started_at, zone),
                kind=uncapitalized(words.say(f"kinds.{mark}")),
                did=words.did(run),
            ),
        )
        for place, (run, mark) in enumerate(zip(runs, kinds, strict=True))
    )
    return Chart(
        columns=columns,
        most=most,
        kinds=tuple(sorted(set(kinds), key=ORDER.index)),
        summary=_summary(kinds, most, words),
    )


def kind_of(run: RunRow, *, is_under_way: bool) -> str:
    return "running" if run.finished_at is None and is_under_way else kind(run)


def _height(count: int, most: int) -> float:
    """Logarithmic, because the first run writes everybody and would flatten all others."""
    return round(max(LEAST, TALL * log1p(count) / log1p(most)), 1) if count else 0


def _summary(kinds: Sequence[str], most: int, words: Words) -> str:
    changes = words.say("chart.changes", most)
    return words.say("chart.summary", len(kinds), kinds=words.kinds(kinds), changes=changes)
