"""What Windows lacks, syncd does without: the real commands in a process that plays Windows, see `like_windows`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import like_windows
import pytest
import tap
from office import Office, open_office
from sqlalchemy import make_url

from syncd.config.checks import check_ledger
from syncd.config.model import StateOptions
from syncd.errors import StateUnusable
from syncd.machine.files import file_system
from syncd.sources.files.csv import CsvOptions
from syncd.state import connect

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux plays Windows; Windows is itself")
NARROW = {"PYTHONIOENCODING": "cp1252"}
PATIENCE = 60


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def python(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start(office: Office, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    return python(office.folder, like_windows.__file__, *arguments, GOMUS_TOKEN=office.token, **environment)


def syncd(office: Office, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Its exit code, and what it says."""
    process = start(office, *arguments, **environment)
    out, err = process.communicate(timeout=PATIENCE)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    said = process.returncode, out.decode(encoding), err.decode(encoding)
    assert "Traceback" not in said[1] + said[2]
    return said


IMPORT_ALL = """
import importlib, like_windows, pkgutil
like_windows.become()
import syncd
names = [module.name for module in pkgutil.walk_packages(syncd.__path__, "syncd.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    doubles = str(Path(like_windows.__file__).parent)
    out, err = python(tmp_path, "-c", IMPORT_ALL, PYTHONPATH=doubles).communicate(timeout=PATIENCE)
    assert (int(out or 0) > 300, err.decode()) == (True, "")


def test_a_sync_runs_and_notices_that_nothing_has_changed(office: Office) -> None:
    code, out, err = syncd(office, "check")
    assert (code, "✓ rights: whoever may read the folder" in out) == (0, True), out + err
    code, out, err = syncd(office, "--once")
    assert (code, err, len(office.sandbox.customers)) == (0, "", 40), out
    office.rows[0][1] = "Zzanders"
    office.export()
    for arguments in (("plan",), ("--once",), ("status",)):
        code, out, err = syncd(office, *arguments)
        assert (code, err) == (0, ""), out
    summary = json.loads(syncd(office, "--once")[1].splitlines()[-1])
    assert summary["event"] == "run.finished"


def test_the_demo_goes_to_its_end(office: Office) -> None:
    code, out, err = syncd(office, "demo")
    assert (code, err, out.splitlines()[-1][:25]) == (0, "", "That was a whole sync. `s")


def hold(office: Office) -> "subprocess.Popen[bytes]":
    """A process that has the lease, and says so."""
    code = (
        "import like_windows, sys, time; like_windows.become()\n"
        "from syncd.state.connect import open_engine; from syncd.state.lease import take_lease\n"
        "with take_lease(open_engine(sys.argv[1]), 'members') as held:\n"
        "    held.note(7); held.confirm(); print('held', held.is_older(7), flush=True); time.sleep(60)\n"
    )
    doubles = str(Path(like_windows.__file__).parent)
    return python(office.folder, "-c", code, f"sqlite:///{office.folder}/state/syncd.db", PYTHONPATH=doubles)


def test_a_lease_is_taken_once_and_dies_with_its_holder(office: Office) -> None:
    """What is locked can't be read by others, and yet they are told who has it."""
    holder = hold(office)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == b"held True"
    try:
        code, out, err = syncd(office, "--once")
        assert (code, f"pid {holder.pid}" in out + err, f"taskkill /F /PID {holder.pid}" in out + err) == (
            5,
            True,
            True,
        )
    finally:
        holder.kill()
        holder.communicate()
    assert syncd(office, "--once")[0] == 0


def test_an_erasure_is_noted_in_a_ledger(office: Office) -> None:
    office.reconfigure(
        'url = "sqlite:///state/syncd.db"',
        'url = "sqlite:///state/syncd.db"\nledger = "erasures.ledger"\nledger_key = { env = "LEDGER_KEY" }',
    )
    key = {"LEDGER_KEY": "the key of the ledger, which is long"}
    assert syncd(office, "--once", **key)[0] == 0
    assert syncd(office, "erase", "M-0002", **key)[0] == 0
    assert not office.sandbox.by_foreign_id("M-0002")
    assert syncd(office, "erasures", **key)[0] == 3
    assert len((office.folder / "erasures.ledger").read_text(encoding="utf-8").splitlines()) == 1


def test_the_daemon_runs_and_stops(office: Office) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nschedule = "every 1s"\n')
    process = start(office)
    assert process.stdout is not None
    events: list[dict[str, Any]] = []
    while not events or events[-1]["event"] != "run.finished":
        events.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGINT)  # as Ctrl-C does
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err, json.loads(out.splitlines()[-1])["event"]) == (0, b"", "daemon.stopped")


def test_runs_apart_are_told_to_stop(office: Office) -> None:
    """Their processes play nothing, and would not have a key file that others can read."""
    office.reconfigure('syncd.db"\n', 'syncd.db"\ndigest_key = { env = "DIGEST_KEY" }\n')
    office.configure((office.folder / "config.toml").read_text(encoding="utf-8") + "[daemon]\nisolate_runs = true\n")
    office.reconfigure("[sync.members]\n", '[sync.members]\nschedule = "every 1s"\n')
    process = start(office, DIGEST_KEY="the key of the digests")
    assert process.stdout is not None
    assert any(b"run.finished" in line for line in process.stdout)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_memory_is_not_promised_to_be_limited(office: Office) -> None:
    office.configure((office.folder / "config.toml").read_text(encoding="utf-8") + "[daemon]\nrun_memory = 128\n")
    code, out, err = syncd(office, "check")
    assert (code, "daemon.run_memory: can't be held to on this system: leave it out" in out + err) == (2, True)


def test_a_tap_is_read_and_ended(office: Office) -> None:
    records = [{"id": f"{number}", "name": "Zzvor", "surname": "Zznäch"} for number in range(3)]
    script = {"records": records, "breaks_after": 3, "how": "silent"}
    (office.folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
    command = json.dumps([sys.executable, tap.__file__, "script.json"])
    office.configure(f"""
        [state]
        url = "sqlite:///state/syncd.db"
        [gomus.main]
        url = "{office.url}"
        token = {{ env = "GOMUS_TOKEN" }}
        [sync.members.source]
        type = "singer"
        command = {command}
        stream = "contacts"
        timeout = "2s"
        [sync.members.foreign_id]
        from = "id"
        prefix = "M-"
        [sync.members.fields]
        name = "name"
        surname = "surname"
        """)
    code, out, err = syncd(office, "--once")
    assert (code, "has been silent for too long" in out + err) == (1, True)
    (office.folder / "script.json").write_text(json.dumps({"records": records}), encoding="utf-8")
    assert syncd(office, "--once")[0] == 0
    assert len(office.sandbox.customers) == 3


@pytest.mark.parametrize("arguments", [["check"], ["plan"], ["--once"], ["status"], ["plan", "--json"]])
def test_a_console_of_cp1252_is_survived(office: Office, arguments: Sequence[str]) -> None:
    office.columns[1] = "Imię"
    office.rows[3][2] = "zażółć"
    office.reconfigure('"Vorname"', '"Imię"')
    office.reconfigure('settled = "0s"', 'settled = "0s"\nencoding = "utf-8"')
    (office.folder / "members.csv").write_text(
        "\n".join(";".join(row) for row in [office.columns, *office.rows, ["ż", "Łucja", "", "", "", "", ""]]),
        encoding="utf-8",
    )
    office.age("members.csv")
    code, out, err = syncd(office, *arguments, **NARROW)
    assert code in (0, 3), out + err


# --- paths ---


def test_a_state_on_another_drive_stays_there() -> None:
    here: Any = PureWindowsPath(r"D:\syncd")
    options = StateOptions(
        url="sqlite:///C:/state/syncd.db", ledger="C:/ledger/erasures", ledger_key="k" * 8 + "abcdefgh"
    )
    found = options.anchored(here)
    assert (make_url(found.url).database, found.ledger) == (r"C:\state\syncd.db", r"C:\ledger\erasures")


def test_a_state_without_a_drive_is_beside_the_configuration() -> None:
    here: Any = PureWindowsPath(r"\\server\share\syncd")
    found = StateOptions(url="sqlite:///syncd.db").anchored(here)
    assert make_url(found.url).database == r"\\server\share\syncd\syncd.db"


@pytest.mark.parametrize("path", [r"C:\lists\members.csv", "C:/lists/members.csv", r"\\server\share\members*.csv"])
def test_an_export_may_be_anywhere(path: str) -> None:
    assert CsvOptions(path=path).path == path


def test_a_ledger_with_a_drive_is_a_path() -> None:
    assert check_ledger("C:/ledger/erasures") == "C:/ledger/erasures"


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        (r"\\server\share\state", "smb"),
        ("//server/share/state", "smb"),
        (r"\\?\UNC\server\share\state", "smb"),
        (r"C:\state", ""),
        (r"\\?\C:\state", ""),
    ],
)
def test_a_share_is_known_by_its_path(folder: str, kind: str, tmp_path: Path) -> None:
    assert file_system(PureWindowsPath(folder), tmp_path / "none") == kind


def test_a_state_on_a_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateUnusable, match=r"a network share \(smb\)"):
        connect._refuse_network(PureWindowsPath(r"\\server\share\state\syncd.db"))  # type: ignore[arg-type]
