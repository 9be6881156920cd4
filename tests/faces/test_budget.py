"""One instance, many real processes of syncd: how many calls at once and a second it sees, and who waits how long.

Each test tells its figures; `pytest -s` shows them.
"""

import csv
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from daemons import started
from meter import Meter
from office import COLUMNS, CONFIG, Ended, Office, open_office, person

PROCESSES = 3  # of each sync
SIZE = 80
SYNC = CONFIG[CONFIG.index("[sync.members]") :].replace("{{", "{").replace("}}", "}")
BUSY = 5  # the exit code of who finds the sync under way


@pytest.fixture
def office(tmp_path: Path, state_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Two lists for one instance, which takes 20 ms for each call."""
    monkeypatch.setenv("SYNCD_DIGEST_KEY", "a key for tests")
    with open_office(tmp_path) as made:
        made.sandbox.hook = Meter(0.02)
        donors = SYNC.replace("sync.members", "sync.donors").replace("members.csv", "donors.csv").replace("M-", "D-")
        made.configure(CONFIG.format(url=made.url) + donors)
        made.reconfigure('"sqlite:///state/syncd.db"', f'"{state_url}"\ndigest_key = {{ env = "SYNCD_DIGEST_KEY" }}')
        made.reconfigure("attempts = 2", "attempts = 2\nbatch_size = 1\nconcurrency = 2")
        export(made, "a")
        yield made


def export(office: Office, name: str) -> None:
    """Every second person has another name than in the last one: just as many as no guard holds."""
    office.rows = [person(number) for number in range(1, SIZE + 1)]
    for row in office.rows[::2]:
        row[1] += name
    office.export()
    with (office.folder / "donors.csv").open("w", newline="", encoding="cp1252") as file:
        csv.writer(file, delimiter=";").writerows([COLUMNS, *office.rows])


def meter(office: Office) -> Meter:
    hook = office.sandbox.hook
    assert isinstance(hook, Meter)
    return hook


def until_free(office: Office, *arguments: str) -> Ended:
    """Again and again while a run of the sync is under way."""
    while (ended := office.syncd(*arguments)).code == BUSY:
        time.sleep(0.1)
    return ended


def crowd(office: Office) -> tuple[Sequence[Ended], Ended, float]:
    """Runs of both syncs in several processes, a verification and an erasure, all at once; how long that one took."""
    runs = [("--once", "--sync", name) for name in ("members", "donors")] * PROCESSES
    with ThreadPoolExecutor(len(runs) + 1) as threads:
        running = [threads.submit(until_free, office, *arguments) for arguments in runs]
        verifying = threads.submit(until_free, office, "verify", "donors", "--fix")
        time.sleep(1)
        began = time.monotonic()
        erased = office.syncd("erase", "M-0003", "--yes")
        took = time.monotonic() - began
        ended = [one.result() for one in (*running, verifying)]
    return ended, erased, took


def tell(office: Office, took: float) -> None:
    counted = meter(office)
    print(
        f"calls {len(counted.starts)}, at once {counted.busiest}, in a second {counted.most_in_a_second}, "
        f"erase {took:.1f} s"
    )


def test_however_many_processes_there_are_an_instance_sees_no_more_calls_at_once(office: Office) -> None:
    assert office.syncd("--once").code == 0
    export(office, "b")
    ended, erased, took = crowd(office)
    tell(office, took)
    assert meter(office).busiest == 2
    assert {one.code for one in ended} <= {0, 3}
    assert erased.code == 0
    assert took < 15


def test_however_many_processes_there_are_an_instance_sees_no_more_calls_a_second(office: Office) -> None:
    office.reconfigure("concurrency = 2", "concurrency = 3\nrequests_per_second = 20")
    assert office.syncd("--once").code == 0
    export(office, "b")
    ended, erased, took = crowd(office)
    tell(office, took)
    assert meter(office).most_in_a_second <= 20
    assert meter(office).busiest <= 3
    assert {one.code for one in ended} <= {0, 3}
    assert erased.code == 0


def test_the_syncs_of_one_daemon_share_the_calls(office: Office) -> None:
    for name in ("members", "donors"):
        office.reconfigure(f"[sync.{name}]\n", f'[sync.{name}]\nschedule = "every 1s"\n')
    with started(office) as daemon:
        for name in ("members", "donors"):
            daemon.wait_for("run.finished", sync=name)
    tell(office, 0.0)
    assert meter(office).busiest == 2
