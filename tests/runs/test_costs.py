"""What a fault costs: the calls, the waits and the outcomes of each way to write, for each call that it may meet.

`costs.txt` holds them as they are, so that whoever changes how syncd sends, looks or waits sees what else that changes.
With `SYNCD_TEST_WRITE_COSTS` in the environment it is written anew: read what has changed before it is committed.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from faults import Killed
from museum import Museum
from spoiling import FAULTS, spoilt
from ways import A_WHILE, WAYS, about_to, call

from syncd.domain.runs import Summary
from syncd.sandbox.switches import each_turned

pytestmark = pytest.mark.usefixtures("silence")
COSTS = Path(__file__).with_name("costs.txt")
LETTERS = {"GET": "R", "POST": "C", "PUT": "U", "DELETE": "D"}  # read, create, update, delete
TRIED = (
    *("lost before", "lost after", "late", "killed after", "429", "500 in json before"),
    *("page 503 after", "page 404 after", "{} before", "{} after", "202", "a mate's answer"),
)
MOST_CALLS = 8  # of one way; spread evenly
# They are faults, or of words
NO_HABITS = ("busy", "proxy", "errors_tell", "lookup_key", "lookup_name", "lookup_pages")
LEAVING = [name for name, way in WAYS.items() if way.left]
STAYING = [name for name in WAYS if name not in LEAVING]
TURNED = ("create a batch but for a bad one", "empty fields", "update a batch", "adopt", "erase the absent", "release")


def cost_of(museum: Museum, act: Callable[[Museum], Summary]) -> str:
    """The calls that reached go~mus, how long it took, and how it ended: `RUU 3.5 s done: update ok 1`."""
    began, summary = museum.clock.now, None
    with suppress(Killed):
        summary = act(museum)
    seconds = int(2 * (museum.clock.now - began).total_seconds()) / 2  # the clock goes on a little with every look
    calls = "".join(LETTERS[one.method] for one in museum.transport.happened)
    if summary is None:
        museum.reopen()
        return f"{calls} {seconds} s killed"
    outcomes = [f"{action} {result} {count}" for (action, result), count in sorted(summary.outcomes.items())]
    return f"{calls} {seconds} s {summary.status.value}: {', '.join(outcomes)}" if calls else summary.status.value


def costs_of_all(museum: Museum, way: str) -> str:
    """Run after run, until there is nothing to do."""
    costs = [cost_of(museum, WAYS[way].act)]
    museum.sandbox.hook = None
    while museum.transport.happened and len(costs) < 4:
        museum.clock.sleep(A_WHILE)
        call(museum)
        costs.append(cost_of(museum, Museum.run))
    return " | ".join(costs)


def costs_of_faults(way: str, folder: Path) -> Iterator[str]:
    with about_to(way, folder, foreign_ids="repeatable") as museum:
        usual = costs_of_all(museum, way)
    yield f"{way}: {usual}"
    calls = usual.partition(" ")[0]
    for number in range(0, len(calls), 1 + (len(calls) - 1) // MOST_CALLS):
        yield f"  call {number + 1}, {calls[number]}"
        for fault in TRIED:
            with about_to(way, folder, foreign_ids="repeatable") as museum, spoilt(museum, FAULTS[fault], number):
                yield f"    {fault:20}{costs_of_all(museum, way)}"


def costs_of_habits(way: str, folder: Path) -> Iterator[str]:
    """Where another habit of go~mus makes a difference."""
    with about_to(way, folder) as museum:
        usual = costs_of_all(museum, way)
    yield f"{way}, where go~mus has another habit than: {usual}"
    for habit, switches in each_turned():
        if habit.partition("=")[0] in NO_HABITS:
            continue
        with about_to(way, folder, **asdict(switches)) as museum:
            if (costs := costs_of_all(museum, way)) != usual:
                yield f"  {habit:32}{costs}"


def check(costs: Iterable[str]) -> None:
    """Against the paragraph of the file that begins with the same line."""
    lines = list(costs)
    if "SYNCD_TEST_WRITE_COSTS" in os.environ:
        with COSTS.open("a", encoding="utf-8") as file:
            file.write("\n".join([*lines, "", ""]))
    paragraphs = [one.splitlines() for one in COSTS.read_text(encoding="utf-8").split("\n\n")]
    name = lines[0].partition(":")[0]
    assert lines == next((one for one in paragraphs if one and one[0].partition(":")[0] == name), [])


@pytest.mark.in_part(6)
@pytest.mark.parametrize("way", STAYING)
def test_what_a_fault_costs_who_comes_or_stays(tmp_path: Path, way: str) -> None:
    check(costs_of_faults(way, tmp_path))


@pytest.mark.in_part(6)
@pytest.mark.parametrize("way", LEAVING)
def test_what_a_fault_costs_who_leaves(tmp_path: Path, way: str) -> None:
    check(costs_of_faults(way, tmp_path))


@pytest.mark.in_part(6)
@pytest.mark.parametrize("way", TURNED)
def test_what_another_habit_of_gomus_costs(tmp_path: Path, way: str) -> None:
    check(costs_of_habits(way, tmp_path))
