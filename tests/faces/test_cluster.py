"""Scheduler and workers on one PostgreSQL, as real processes."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import sqlalchemy as sa
from daemons import DaemonProcess, started, until
from office import Office, open_office
from relay import Relay

from syncd.daemon import worker as working


@pytest.fixture
def office(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Whose runs workers carry out, one call after the other, four customers each."""
    monkeypatch.setenv("SYNCD_DIGEST_KEY", "a key for tests")
    with open_office(tmp_path) as office:
        url = f'"{postgres_url}"\ndigest_key = {{ env = "SYNCD_DIGEST_KEY" }}'
        office.reconfigure('"sqlite:///state/syncd.db"', url)
        office.reconfigure('timeout = "5s"', 'timeout = "5s"\nbatch_size = 4\nconcurrency = 1')
        office.configure('[daemon]\nqueue = "procrastinate"\n' + (office.folder / "config.toml").read_text())
        yield office


@contextmanager
def crew(office: Office, workers: int) -> Iterator[tuple[DaemonProcess, list[DaemonProcess]]]:
    """A scheduler, and workers that are ready."""
    with ExitStack() as stack:
        scheduler = stack.enter_context(started(office))
        yield scheduler, [stack.enter_context(started(office, "worker.ready", "worker")) for _ in range(workers)]


def busy_first(workers: list[DaemonProcess]) -> list[DaemonProcess]:
    return sorted(workers, key=lambda worker: not worker.named("run.started"))


def test_what_is_asked_for_is_carried_out_by_a_worker_and_answered(office: Office) -> None:
    with crew(office, 1) as (scheduler, [worker]):
        answer = json.loads(office.syncd("trigger", "members", "--wait", "--json").out)
        assert answer["status"] == "done"
        assert worker.named("run.finished", run=answer["run"])
        assert scheduler.named("run.started") == []
        assert [daemon.end() for daemon in (scheduler, worker)] == [0, 0]
    assert len(office.sandbox.customers) == 40


def test_a_schedule_is_kept_and_each_moment_is_run_once_by_one_of_them(office: Office) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nschedule = "every 1s"\n')
    with crew(office, 2) as (_, workers):
        until(lambda: sum(len(worker.named("run.finished")) for worker in workers) >= 6)
    starts = [event["timestamp"][:19] for worker in workers for event in worker.named("run.started")]
    assert len(starts) == len(set(starts)), "twice at one moment"


def test_where_a_worker_is_killed_another_goes_on_within_ten_seconds(office: Office) -> None:
    office.sandbox.latency = 0.2
    with crew(office, 2) as (scheduler, workers):
        office.syncd("trigger", "members")
        until(lambda: office.sandbox.calls_to("POST"))
        killed, left = busy_first(workers)
        killed.end(signal.SIGKILL)
        killed_at = time.monotonic()
        left.wait_for("run.started")
        assert time.monotonic() - killed_at < 10
        assert scheduler.named("daemon.worker_lost", sync="members")
        office.sandbox.latency = 0
        left.wait_for("run.finished", status="done")
    assert len(office.sandbox.customers) == 40
    assert office.sandbox.duplicates() == []


def test_a_frozen_worker_is_replaced_and_writes_no_more_when_it_wakes(office: Office) -> None:
    office.sandbox.latency = 0.2
    with crew(office, 2) as (_, workers):
        asked = office.start("trigger", "members", "--wait")
        until(lambda: office.sandbox.calls_to("POST"))
        frozen, left = busy_first(workers)
        frozen.send(signal.SIGSTOP)
        frozen_at = time.monotonic()
        left.wait_for("run.started")
        assert time.monotonic() - frozen_at < 11  # 10 s, and what a busy machine needs to tell
        office.sandbox.latency = 0
        left.wait_for("run.finished", status="done")
        asked.communicate(timeout=20)
        calls = len(office.sandbox.calls)
        frozen.send(signal.SIGCONT)
        frozen.wait_for("run.failed")
        assert {call.method for call in list(office.sandbox.calls)[calls:]} <= {"GET"}
        assert office.syncd("trigger", "members", "--wait").code == asked.returncode == 0
        assert frozen.end() == 0
    assert [len(office.sandbox.customers), office.sandbox.duplicates()] == [40, []]


def test_a_run_that_a_worker_was_stopped_in_is_gone_on_with_by_another(office: Office) -> None:
    office.sandbox.latency = 0.2
    with crew(office, 2) as (_, workers):
        asked = office.start("trigger", "members", "--wait")
        until(lambda: office.sandbox.calls_to("POST"))
        stopped, left = busy_first(workers)
        assert stopped.end() == 0
        assert stopped.named("run.finished")[0]["status"] == "stopped"
        office.sandbox.latency = 0
        left.wait_for("run.finished", status="done")
        asked.communicate(timeout=20)
        assert asked.returncode == 0
    assert office.sandbox.duplicates() == []


def test_who_schedules_may_change_while_a_run_is_under_way(office: Office) -> None:
    office.sandbox.latency = 0.2
    with crew(office, 1) as (scheduler, [worker]), started(office, "daemon.standby") as standby:
        asked = office.start("trigger", "members", "--wait")
        until(lambda: office.sandbox.calls_to("POST"))
        scheduler.end(signal.SIGKILL)
        standby.wait_for("daemon.took_over", syncs=[])
        office.sandbox.latency = 0
        asked.communicate(timeout=20)
        assert asked.returncode == 0
        worker.wait_for("run.finished", status="done")
        time.sleep(2)  # two looks of the one that took over
        assert len(worker.named("run.started")) == 1


def test_a_database_that_comes_back_is_worked_on_by_the_same_processes(office: Office, postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    assert url.host
    assert url.port
    with closing(Relay(url.host, url.port)) as relay:
        through = url.set(host="127.0.0.1", port=relay.port).render_as_string(hide_password=False)
        office.reconfigure(postgres_url, through)
        _go_on_after_a_cut(office, relay)


def _go_on_after_a_cut(office: Office, relay: Relay) -> None:
    with crew(office, 1) as (scheduler, [worker]):
        with relay.cut():
            worker.wait_for("daemon.database_lost")
        worker.wait_for("worker.ready", 2)
        until(lambda: office.syncd("trigger", "members", "--wait").code == 0)
        assert len(worker.named("daemon.database_lost")) == len(worker.named("daemon.database_back")) == 1
        assert scheduler.named("crashed") == worker.named("crashed") == []


def test_a_worker_serves_the_metrics_of_its_runs_where_it_is_told_to(office: Office) -> None:
    with crew(office, 0), started(office, "worker.ready", "worker", "--listen", "127.0.0.1:0") as worker:
        office.syncd("trigger", "members", "--wait")
        url = f"http://127.0.0.1:{worker.named('web.listening')[0]['port']}"
        told = httpx.get(f"{url}/metrics").text
        assert 'syncd_runs_total{status="done",sync="members"} 1.0' in told
        assert 'syncd_gomus_calls_total{gomus="main",method="POST",status="201"}' in told
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        assert httpx.get(f"{url}/").status_code == 404


HEALTH = Path(__file__).parents[2] / "deploy/healthcheck"


def test_a_worker_that_turns_is_well_and_one_that_hangs_is_not(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = office.folder / "beat"
    monkeypatch.setenv(working.BEAT, str(beat))
    with crew(office, 1) as (_, [worker]):
        until(beat.exists)
        first = beat.stat().st_mtime_ns
        until(lambda: beat.stat().st_mtime_ns > first)
        assert is_well(beat)
        worker.send(signal.SIGSTOP)
        assert not is_well(beat, later=61)
        worker.send(signal.SIGCONT)


def is_well(beat: Path, *, later: int = 0) -> bool:
    at = beat.stat().st_mtime - later
    os.utime(beat, (at, at))
    return subprocess.run(["bash", HEALTH], check=False).returncode == 0


def test_a_worker_goes_on_while_it_reads_the_configuration() -> None:
    """Of thousands of museums that takes longer than a worker may be silent."""
    is_read = threading.Event()
    worker = SimpleNamespace(reading=SimpleNamespace(is_due=lambda: True), read_anew=lambda: is_read.wait(5))

    async def follow() -> None:
        following = asyncio.create_task(working._follow_changes(worker))  # type: ignore[arg-type]
        await asyncio.sleep(1.2)
        assert not is_read.is_set()
        is_read.set()
        following.cancel()

    began = time.monotonic()
    asyncio.run(follow())
    assert time.monotonic() - began < 4


def test_a_worker_needs_a_queue(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        refused = office.syncd("worker")
    assert (refused.code, "queue" in refused.err) == (2, True)


def test_a_queue_needs_postgresql(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.configure('[daemon]\nqueue = "procrastinate"\n' + (office.folder / "config.toml").read_text())
        refused = office.syncd("check")
    assert refused.code == 2
    assert "PostgreSQL" in refused.out + refused.err
