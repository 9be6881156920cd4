"""The source `singer`, with a real tap in a process of its own."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import structlog
from source_contract import SourceContract, read, refused
from structlog.testing import capture_logs

from syncd.assembly import sleeping
from syncd.errors import IncompleteRead, Stopped
from syncd.sources.base import ReadKind
from syncd.sources.singer import SingerOptions, SingerSource

TAP = Path(__file__).parents[1] / "doubles/tap.py"
CHANGED = [{"id": str(day), "updated_at": f"2026-11-{day}T10:00:00Z"} for day in range(20, 23)]


@pytest.fixture
def tap(tmp_path: Path) -> Callable[..., SingerSource]:
    def tap(records: list[dict[str, Any]], *, options: dict[str, Any] | None = None, **script: Any) -> SingerSource:
        file = tmp_path / "script.json"
        file.write_text(json.dumps({"records": records, **script}), encoding="utf-8")
        command = [sys.executable, str(TAP), "script.json"]
        table = {"type": "singer", "command": command, "stream": "contacts", **(options or {})}
        parsed = SingerOptions.model_validate(table)
        return SingerSource(parsed, base=tmp_path, sleep=time.sleep, clock=lambda: datetime.now(UTC))

    return tap


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, tap):
        return lambda rows, columns=None: tap(rows)  # noqa: ARG005 - records have their own keys

    @pytest.fixture
    def cut_short(self, tap):
        return lambda rows: tap(rows, breaks_after=2, how="fails")

    @pytest.fixture
    def nowhere(self, tap):
        return tap([], options={"command": ["tap-nowhere"]})


# --- what makes it a snapshot ---


def test_a_full_table_is_a_snapshot_without_a_cursor(tap: Any) -> None:
    with tap(CHANGED).open() as reading:
        assert reading.kind is ReadKind.SNAPSHOT
        assert len(list(reading)) == 3
        assert reading.cursor is None


@pytest.mark.parametrize("after", [0, 2, 3])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("fails", "failed with exit code 3"),
        ("killed", "was killed by SIGKILL"),
        ("cut", "that is no Singer message"),
        ("noise", "that is no Singer message"),
    ],
)
def test_whatever_breaks_off_is_no_snapshot(tap: Any, how: str, words: str, after: int) -> None:
    assert words in refused(tap(CHANGED, breaks_after=after, how=how)).message


def test_a_silent_tap_is_ended(tap: Any) -> None:
    source = tap(CHANGED, breaks_after=2, how="silent", options={"timeout": "1s"})
    assert "silent for too long" in refused(source).message


def test_a_stream_that_is_not_given_is_told_with_those_that_are(tap: Any) -> None:
    error = refused(tap(CHANGED, options={"stream": "contact"}))
    assert "no stream 'contact' (it gives: contacts, others)" in error.shown
    assert "others" not in str(error)


def test_records_before_their_schema_are_refused(tap: Any) -> None:
    assert "before their schema" in refused(tap(CHANGED, no_schema=True)).message


def test_a_tap_that_ignores_the_end_is_ended_all_the_same(tap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.sources.singer.LAST_WORDS", 0.3)
    source = tap(CHANGED, breaks_after=2, how="deaf", options={"timeout": "1s"})
    assert "silent" in refused(source).message


def test_a_tap_that_does_not_end_is_ended(tap: Any) -> None:
    assert "does not end" in refused(tap(CHANGED, breaks_after=3, how="lingers", options={"timeout": "1s"})).message


@pytest.mark.parametrize("how", ["silent", "lingers"])
def test_a_tap_is_not_listened_to_once_it_is_time_to_stop(tap: Any, how: str) -> None:
    source, stopping = tap(CHANGED, breaks_after=3, how=how), threading.Event()
    source.sleep = sleeping(stopping)
    with source.open() as reading:
        records = iter(reading)
        assert len(list(islice(records, 3))) == 3
        stopping.set()
        with pytest.raises(Stopped):
            next(records)


# --- changes ---


def read_on(source: SingerSource, cursor: str | None) -> tuple[list[object], str | None]:
    with source.open(cursor) as reading:
        assert reading.kind is ReadKind.CHANGES
        return [record.values["id"] for record in reading], reading.cursor


def test_an_incremental_stream_tells_changes_and_goes_on_from_its_state(tap: Any) -> None:
    source = tap(CHANGED, incremental=True)
    found, cursor = read_on(source, None)
    assert found == ["20", "21", "22"]
    assert json.loads(cursor or "") == {"bookmarks": {"contacts": {"updated_at": "2026-11-22T10:00:00Z"}}}
    assert read_on(source, cursor) == (["22"], cursor)


def test_no_change_is_no_error(tap: Any) -> None:
    cursor = '{"bookmarks":{"contacts":{"updated_at":"2026-12-01"}}}'
    assert read_on(tap(CHANGED, incremental=True), cursor) == ([], cursor)


def test_the_state_of_a_tap_that_failed_is_not_taken(tap: Any) -> None:
    source = tap(CHANGED, incremental=True, breaks_after=3, how="fails")
    with source.open() as reading, pytest.raises(IncompleteRead):
        list(reading)
    assert reading.cursor is None


def test_the_state_is_handed_over_in_a_file_that_is_gone_afterwards(tap: Any, tmp_path: Path) -> None:
    os.environ["TMPDIR"], before = str(tmp_path), os.environ.get("TMPDIR")
    try:
        read_on(tap(CHANGED, incremental=True), '{"bookmarks":{"contacts":{"updated_at":"2026-11-21"}}}')
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
    assert [file.name for file in tmp_path.iterdir()] == ["script.json"]


@pytest.mark.parametrize(("replication", "every"), [("auto", 7), ("incremental", 7), ("full-table", None)])
def test_only_a_stream_that_may_tell_changes_is_read_whole_in_turns(tap: Any, replication: str, every: int) -> None:
    expected = timedelta(days=every) if every else None
    assert tap([], options={"replication": replication}).full_every == expected


def test_the_configuration_may_say_what_a_stream_is(tap: Any) -> None:
    with tap(CHANGED, options={"replication": "incremental"}).open() as reading:
        assert reading.kind is ReadKind.CHANGES
    with tap(CHANGED, incremental=True, options={"replication": "full-table"}).open() as reading:
        assert reading.kind is ReadKind.SNAPSHOT


def test_deletions_are_told_by_their_time(tap: Any) -> None:
    records = [{"id": "1", "_sdc_deleted_at": None}, {"id": "2", "_sdc_deleted_at": "2026-11-20"}, {"id": "3"}]
    assert [record.deleted for record in read(tap(records))] == [False, True, False]


# --- the process ---


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return state != "Z"  # whoever adopted it has not looked yet


def test_left_midway_nobody_is_left_behind(tap: Any, tmp_path: Path) -> None:
    threads = threading.active_count()
    source = tap(CHANGED, forks=str(tmp_path / "pid"), breaks_after=1, how="silent")
    with source.open() as reading:
        next(iter(reading))
        child = int((tmp_path / "pid").read_text(encoding="utf-8"))
        assert is_alive(child)
    until = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)
    assert threading.active_count() == threads


def test_what_a_tap_says_beside_its_messages_is_counted_and_not_told(tap: Any) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        read(tap(CHANGED))
    assert logs == [{"event": "source.tap_spoke", "source": Path(sys.executable).name, "count": 1, "log_level": "info"}]


def test_a_tap_is_not_given_our_own_secrets(tap: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOMUS_TOKEN", "s3cret")
    source = tap([], options={"command": ["sh", "-c", "env > seen"]})
    refused(source)
    assert "s3cret" not in (tmp_path / "seen").read_text(encoding="utf-8")


MEASURE = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from syncd.sources.singer import SingerOptions, SingerSource
tap = 'import json\\nprint(json.dumps(dict(type="SCHEMA", stream="c", schema={}, key_properties=[])))\\n'
tap += 'for n in range(100_000): print(json.dumps(dict(type="RECORD", stream="c", record=dict(id=n, x="y" * 500))))'
options = SingerOptions(command=[sys.executable, "-c", tap], stream="c")
source = SingerSource(options, base=Path(), sleep=time.sleep, clock=lambda: datetime.now(UTC))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with source.open() as reading:
    assert sum(1 for _ in reading) == 100_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_long_stream_takes_no_more_memory_than_a_short_one() -> None:
    ended = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True)
    assert int(ended.stdout) < 20 * 1024  # KiB; the whole stream is 50 MB
