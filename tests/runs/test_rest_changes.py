"""Since when changes are asked for: the arithmetic, and a month of a museum's reads in which nothing may be missed."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import httpx
import pytest
from faults import Fault, Killed
from hypothesis import example, given, settings
from hypothesis import strategies as st
from museum import DEFAULT_LIMITS, Clock, Museum, member, sqlite_url

import syncd.state.ledger
import syncd.state.runs
from syncd.domain.runs import Status
from syncd.sources.cursors.times import LatestTime, TimeCursor, parse_stamp, parse_time_cursor
from syncd.sources.rest.options import RestOptions
from syncd.sources.rest.source import RestSource

EXAMPLES = int(os.environ.get("SYNCD_TEST_MONTHS", "4"))
MEMBERS = 12  # four pages
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

# --- times as sources spell them ---

SPELLINGS = {
    "2026-11-22T10:00:07Z": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "2026-11-22T10:00:07.250Z": datetime(2026, 11, 22, 10, 0, 7, 250_000, tzinfo=UTC),
    "2026-11-22T10:00:07.1234567+00:00": datetime(2026, 11, 22, 10, 0, 7, 123_456, tzinfo=UTC),
    "2026-11-22T11:00:07+0100": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "2026-11-22T11:00:07+01": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "2026-11-22T05:30:07-04:30": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "2026-11-22 10:00:07": datetime(2026, 11, 22, 10, 0, 7),  # noqa: DTZ001 - it has no zone
    "2026-11-22 10:00:07 UTC": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "2026-11-22T10:00": datetime(2026, 11, 22, 10, 0),  # noqa: DTZ001 - it has no zone
    "2026-11-22": datetime(2026, 11, 22),  # noqa: DTZ001 - it has no zone
    "1795341607": datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC),
    "1795341607250": datetime(2026, 11, 22, 10, 0, 7, 250_000, tzinfo=UTC),
    "1795341607.25": datetime(2026, 11, 22, 10, 0, 7, 250_000, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "moment"), SPELLINGS.items())
def test_every_spelling_is_understood(text: str, moment: datetime) -> None:
    stamp = parse_stamp(text)
    assert stamp
    assert stamp.moment == moment


@pytest.mark.parametrize("value", [None, True, "", "yesterday", "2026-02-31", "17", 4711, {"at": 1}, "22.11.2026"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_stamp(value) is None


spellings = st.sampled_from(list(SPELLINGS))
spans = st.timedeltas(timedelta(0), timedelta(days=400))


@given(spellings, spans)
def test_set_back_a_time_is_spelled_alike_and_never_later_than_it_may_be(text: str, span: timedelta) -> None:
    stamp = parse_stamp(text)
    assert stamp
    back = parse_stamp(stamp.set_back(span))
    assert back
    assert timedelta(0) <= (stamp.moment - span) - back.moment < timedelta(days=1)
    assert len(back.text) == len(text)
    assert back.is_aware == stamp.is_aware
    assert back.moment.utcoffset() == stamp.moment.utcoffset()


@pytest.mark.parametrize("text", SPELLINGS)
def test_not_set_back_it_is_the_sources_own_text(text: str) -> None:
    stamp = parse_stamp(text)
    assert stamp
    assert stamp.set_back(timedelta(0)) == text


@given(spellings, st.timedeltas(timedelta(0), timedelta(hours=5)))
def test_a_cursor_survives_being_written_down(text: str, lag: timedelta) -> None:
    stamp = parse_stamp(text)
    assert stamp
    cursor = TimeCursor(stamp=stamp, lag=lag)
    assert parse_time_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "17", "{}", "[]", '{"changed": "x", "lag": 0}', '{"changed": "2026-11-22", "lag": "x"}']
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert parse_time_cursor(text) is None


def latest(*values: object) -> LatestTime:
    found = LatestTime(NOW)
    for value in values:
        found.take(value, 1)
    return found


def test_the_latest_is_found_across_zones() -> None:
    cursor = latest("2026-11-22T11:30:00+02:00", "2026-11-22T10:00:00Z").cursor(None, timedelta(0))
    assert cursor
    assert cursor.stamp.text == "2026-11-22T10:00:00Z"


@pytest.mark.parametrize("future", ["2099-01-01T00:00:00Z", "2026-11-23T12:00:01Z", "2026-11-25T00:00:00"])
def test_times_in_the_future_do_not_move_the_cursor(future: str) -> None:
    assert latest(future).cursor(None, timedelta(0)) is None


def test_a_cursor_never_goes_back() -> None:
    before = latest("2026-11-22T10:00:00Z").cursor(None, timedelta(seconds=5))
    assert latest("2026-11-22T09:00:00Z").cursor(before, timedelta(0)) == before


def test_a_clock_without_a_zone_is_given_the_hour_that_it_may_show_twice() -> None:
    cursor = latest("2026-10-25T02:59:00").cursor(None, timedelta(0))
    assert cursor
    assert cursor.since(timedelta(minutes=5)) == "2026-10-25T01:54:00"


# --- a month of reads ---

ZONE = ZoneInfo("Europe/Berlin")
STYLES: dict[str, Callable[[datetime], object]] = {
    "UTC": lambda now: now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda now: now.astimezone(ZONE).isoformat(timespec="seconds"),
    "wall clock": lambda now: now.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
    "milliseconds": lambda now: int(now.timestamp() * 1000),
    "wrong by a day": lambda now: (now - timedelta(days=1)).astimezone(timezone(timedelta(hours=-9))).isoformat(),
}


class Month:
    """A CRM whose changes get their time first and are committed a little later; its answers come page by page.

    `during` are changes to be made while a read is under way: whose, and at its how-manieth question.
    """

    def __init__(self, clock: Clock, style: str) -> None:
        self.clock = clock
        self.pace = 2.0  # seconds a page takes
        self.questions = 0
        self.during: list[tuple[int, int]] = []
        self.spell = STYLES[style]
        self.records: dict[str, dict[str, Any]] = {}
        self.pending: list[tuple[datetime, dict[str, Any]]] = []

    def change(self, number: int, text: str, *, commits_after: timedelta, is_deleted: bool = False) -> None:
        record = member(number, notes=text, is_deleted=is_deleted, updated_at=self.spell(self.clock.now))
        self.pending.append((self.clock.now + commits_after, record))

    def commit(self) -> None:
        due = [entry for entry in self.pending if entry[0] <= self.clock.now]
        self.pending = [entry for entry in self.pending if entry not in due]
        for _, record in sorted(due, key=lambda entry: entry[0]):
            self.records[record["id"]] = record

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.clock.sleep(self.pace)
        self.questions += 1
        for number, question in [entry for entry in self.during if entry[1] == self.questions]:
            self.change(number, f"at question {question}", commits_after=timedelta(0))
        self.commit()
        since = request.url.params.get("since")
        found = [one for _, one in sorted(self.records.items()) if since is None or _is_since(one["updated_at"], since)]
        after = request.url.params.get("after", "")
        page = [one for one in found if one["id"] > after][:3]
        return httpx.Response(200, json={"items": page, "next": page[-1]["id"] if page else None})

    def live(self) -> dict[str, str]:
        return {f"M-{name}": record["notes"] for name, record in self.records.items() if not record["is_deleted"]}


def _is_since(changed: object, since: str) -> bool:
    """As the CRM compares: by the instant, or where there is no zone by the text."""
    one, other = parse_stamp(changed), parse_stamp(since)
    assert one
    assert other
    return one.moment >= other.moment


Step: TypeAlias = tuple[str, int, int]
members = st.integers(1, MEMBERS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), members, st.integers(0, 4)),
        st.tuples(st.just("delete"), members, st.integers(0, 4)),
        st.tuples(st.just("during"), members, st.integers(1, 4)),
        st.tuples(st.just("wait"), st.sampled_from([0, 30, 900, 3600, 86_400]), st.just(0)),
        st.tuples(st.just("run"), st.sampled_from([2, 200]), st.just(0)),
        st.tuples(st.just("fail"), st.just(0), st.just(0)),
        st.tuples(st.just("crash"), st.integers(0, 6), st.just(0)),
    ),
    min_size=20,
    max_size=60,
)
# Each is missed by a reader that leaves one thing out
AN_HOUR_TOLD_TWICE: list[Step] = [
    *(("wait", 3600, 0), ("wait", 900, 0), ("change", 1, 0), ("run", 2, 0)),
    *(("wait", 900, 0), ("change", 2, 0), ("run", 2, 0)),
]
BEHIND_THE_READERS_BACK: list[Step] = [
    *(("wait", 3600, 0), *(("change", number, 0) for number in range(1, MEMBERS + 1))),
    *(("during", 1, 2), ("during", MEMBERS, 4), ("run", 200, 0)),
]
AFTER_A_FAILURE: list[Step] = [("change", 1, 0), ("wait", 900, 0), ("change", 2, 0), ("fail", 0, 0)]
UNCLEAR_UNTIL_IT_RESTS: list[Step] = [
    *(("delete", 5, 0), ("run", 2, 0), ("change", 5, 0)),
    *(("fail", 0, 0), ("wait", 900, 0)) * 4,
]
COMMITTED_LATE: list[Step] = [("change", 1, 4), ("wait", 30, 0), ("change", 2, 0), ("run", 2, 0)]


def make_museum(folder: Path, style: str) -> tuple[Museum, Month]:
    clock = Clock()
    clock.now = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # the clocks are about to show one hour twice
    month = Month(clock, style)
    options = RestOptions.model_validate(
        {
            "type": "rest",
            "url": "https://crm.example.org/api/members",
            "records": "items",
            "pagination": {"type": "cursor", "cursor_param": "after", "cursor": "next"},
            "incremental": {"param": "since", "cursor": "updated_at", "overlap": "4m", "full_every": "3650d"},
            "deleted": "is_deleted",
        }
    )
    source = RestSource(options, base=folder, sleep=clock.sleep, clock=clock)
    source.transport = httpx.MockTransport(month.handle)
    source.monotonic = lambda: clock().timestamp()
    limits = replace(DEFAULT_LIMITS, delete_percent=100)
    museum = Museum(state_url=sqlite_url(folder), clock=clock, grace=timedelta(0), limits=limits)
    museum.shelf = source  # type: ignore[assignment]
    return museum, month


@pytest.mark.long
@pytest.mark.in_part(3)
@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=EXAMPLES)
@example(steps=AN_HOUR_TOLD_TWICE)
@example(steps=BEHIND_THE_READERS_BACK)
@example(steps=AFTER_A_FAILURE)
@example(steps=UNCLEAR_UNTIL_IT_RESTS)
@example(steps=COMMITTED_LATE)
@given(steps=steps)
def test_in_a_month_of_changes_no_row_is_missed(
    tmp_path_factory: pytest.TempPathFactory, style: str, steps: list[Step]
) -> None:
    """Late commits, equal times, both sides of the clock change, crashes between settling and the cursor.

    The source is read whole once, at the start: everything after that has to come as a change.
    """
    museum, month = make_museum(tmp_path_factory.mktemp("month"), style)
    for number in range(1, MEMBERS + 1):
        month.change(number, "at first", commits_after=timedelta(0))
    try:
        assert museum.run().status is Status.DONE
        for place, step in enumerate(steps):
            take(step, museum, month, f"step {place}")
        for _ in range(3):  # longer each time than anything rests, be it unclear or refused again and again
            museum.clock.sleep(90_000)
            museum.run()
        there = {customer.foreign_id: customer["notes"] for customer in museum.sandbox.customers}
        assert there == month.live()
        assert museum.sandbox.duplicates() == []
    finally:
        museum.close()


def take(step: Step, museum: Museum, month: Month, text: str) -> None:
    what, number, minutes = step
    match what:
        case "change" | "delete":
            month.change(number, text, commits_after=timedelta(minutes=minutes), is_deleted=what == "delete")
        case "during":
            month.during.append((number, minutes))
        case "wait":
            museum.clock.sleep(number)
        case "crash":
            run_and_crash(museum, number)
        case "fail":
            museum.run(lambda request, _number: Fault.UNAVAILABLE if request.method != "GET" else None)
        case "run":
            month.pace, month.questions = number, 0
            museum.run()
            month.pace, month.during = 2.0, []


def run_and_crash(museum: Museum, writes: int) -> None:
    """Dies when it is about to write to the state for the n-th time, or between settling and the cursor."""
    left = [writes]
    move, settle = syncd.state.runs.Runs.move_watermark, syncd.state.ledger.Ledger.settle

    def die(then: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: Any) -> None:
            left[0] -= 1
            if left[0] < 0 or then is move:
                raise Killed
            then(*arguments)

        return step

    with pytest.MonkeyPatch.context() as patched, suppress(Killed):
        patched.setattr(syncd.state.ledger.Ledger, "settle", die(settle))
        patched.setattr(syncd.state.runs.Runs, "move_watermark", die(move))
        museum.run()
