"""The command where the world around it is in trouble: lost keys, closed pipes, refused lists, other encodings."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from office import CONFIG, MARKS, Office, open_office
from terminal import on_a_terminal

from syncd.cli.running import run_syncs
from syncd.sandbox import Sandbox, create_app, serve

TIMESTAMP = b"\x1b[2m20"  # how a line of the readable log begins


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


@contextmanager
def refusing_countries(folder: Path) -> Iterator[Office]:
    """An instance whose token may do everything but read the list of countries."""
    sandbox = Sandbox()
    app = create_app(sandbox)

    def refusing(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"].endswith("/countries"):
            start("403 Forbidden", [("Content-Type", "application/json")])
            return [b'{"error": "forbidden"}']
        return app(environ, start)

    with serve(refusing) as url:
        yield Office(folder, url, sandbox)


# --- check ---


def test_check_goes_on_where_a_lookup_is_refused_and_does_not_blame_the_records(tmp_path: Path) -> None:
    with refusing_countries(tmp_path) as office:
        office.rows[0][6] = "Deutschland"
        office.export()
        ended = office.syncd("check")
    lines = ended.out.splitlines()
    assert (ended.code, ended.err, [line[0] for line in lines]) == (1, "", ["✓", "✓", "✓", "✗", "✓", "!"])
    assert lines[-1].startswith("! members: mapping: all 40 records; any word counted as a country")


@pytest.mark.parametrize("command", [["check"], ["plan"], ["status"]])
def test_a_lost_key_is_noticed_by_every_look_at_the_state(office: Office, command: list[str]) -> None:
    office.syncd("--once")
    (office.folder / "state/syncd.key").unlink()
    ended = office.syncd(*command)
    assert ended.code == 1
    assert "is gone" in ended.out + ended.err
    assert not (office.folder / "state/syncd.key").exists()


def test_a_plan_is_not_drawn_up_under_another_key(office: Office) -> None:
    office.syncd("--once")
    (office.folder / "state/syncd.key").write_text("another\n", encoding="ascii")
    ended = office.syncd("plan")
    assert (ended.code, ended.out) == (1, "")
    assert "is not the one that the state database was written under" in ended.err


def test_check_misses_the_folder_that_a_run_would_miss(office: Office) -> None:
    office.reconfigure("sqlite:///state/", "sqlite:///elsewhere/")
    ended = office.syncd("check")
    assert ended.code == 1
    assert f"✗ state database: the folder of the state database, {office.folder / 'elsewhere'}, does not" in ended.out


@pytest.mark.parametrize("options", [["--json"], []])
def test_of_a_customer_no_value_is_shown_without_a_terminal(office: Office, options: list[str]) -> None:
    office.syncd("--once")
    told = office.syncd("check", *options, "--customer", "M-0003").out
    assert "main: customer M-0003" in told
    assert "name is filled, surname is filled, they differ" in told
    assert [mark for mark in MARKS if mark in told] == []


def test_check_understands_an_id_without_its_prefix(office: Office) -> None:
    office.syncd("--once")
    found = json.loads(office.syncd("check", "--json", "--customer", "0003").out)[-1]
    assert (found["what"], found["ok"]) == ("main: customer M-0003", True)


def test_a_customer_that_go_mus_does_not_have_is_told(office: Office) -> None:
    assert "✓ main: customer M-9: go~mus has none" in office.syncd("check", "--customer", "M-9").out


# --- plan ---


def test_a_plan_knows_of_an_approval(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    assert office.syncd("plan").code == 4
    office.syncd("approve", "members")
    ended = office.syncd("plan", "--json")
    (plan,) = json.loads(ended.out)["plans"]
    assert (ended.code, plan["held"], plan["approved"], plan["rejected"]) == (0, [], {"delete": 30}, {})


def test_a_plan_that_fails_names_its_sync_and_quotes_paths_and_questions_as_they_are(office: Office) -> None:
    text = CONFIG.format(url=office.url)
    other = text[text.index("[sync.members]") :].replace("sync.members", "sync.other").replace('"M-"', '"O-"')
    office.configure(text.replace('"E-Mail"', '"Email"') + other.replace('"members.csv"', '"../gone/members.csv"'))
    ended = office.syncd("plan")
    assert (ended.code, ended.out) == (1, "")
    assert "members: " in ended.err
    assert "did you mean 'E-Mail'?\n" in ended.err
    assert "other: " in ended.err
    assert "../gone/members.csv: there is no such file.\n" in ended.err


# --- a run ---


def test_a_log_that_nobody_reads_any_more_does_not_end_a_run(office: Office) -> None:
    process = office.start("--once")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert (process.returncode, len(office.sandbox.customers)) == (0, 40)
    assert err.count("\n") == 1
    assert json.loads(office.syncd("history", "--json").out)[0]["status"] == "done"


def test_syncs_that_a_signal_kept_from_running_are_no_success() -> None:

    assert run_syncs(["one", "other"], lambda _sync: 0, is_stopping=lambda: True) == 1

    assert run_syncs(["one", "other"], lambda _sync: 0, is_stopping=lambda: False) == 0


def test_a_sync_that_crashes_leaves_the_others_their_turn(capsys: pytest.CaptureFixture[str]) -> None:
    codes: dict[str, Callable[[], int]] = {"one": lambda: 1 // 0, "other": lambda: ran.append("other") or 0}
    ran: list[str] = []
    assert run_syncs(list(codes), lambda sync: codes[sync](), is_stopping=lambda: False) == 1
    assert (ran, "ZeroDivisionError" in capsys.readouterr().err) == (["other"], True)


def test_on_a_terminal_no_log_line_is_written_into_the_bar(office: Office) -> None:
    _, shown = on_a_terminal(office, "-v", "--once")
    assert shown.count(TIMESTAMP) == 43
    starts = [at for at in range(len(shown)) if shown.startswith(TIMESTAMP, at)]
    before = [shown[max(0, at - 200) : at].rpartition(b"\n")[2] for at in starts]
    assert [line for line in before if "━".encode() in line.rpartition(b"\x1b[2K")[2]] == []


def test_a_plan_on_a_terminal_shows_how_far_it_is(office: Office) -> None:
    assert b"members: reading" in on_a_terminal(office, "plan")[1]


# --- answers ---


def test_a_list_that_cannot_be_written_is_told_in_words(office: Office) -> None:
    ended = office.syncd("failures", "--csv", "nowhere/list.csv")
    assert (ended.code, ended.err) == (1, "nowhere/list.csv can't be written (No such file or directory).\n")


@pytest.mark.parametrize("command", [["check"], ["status"], ["check", "--json", "--customer", "M-Ä"]])
def test_an_output_that_lacks_characters_is_answered_all_the_same(office: Office, command: list[str]) -> None:
    office.syncd("--once")
    environment = {**os.environ, "GOMUS_TOKEN": office.token, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [sys.executable, "-m", "syncd", *command], cwd=office.folder, env=environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    if "--json" in command:
        assert json.loads(ended.stdout)[-1]["what"] == "main: customer M-Ä"


@pytest.mark.parametrize(
    "arguments",
    [("--port", "-1"), ("--switch", "errors_quote_values=yes"), ("--switch", "batch_cap=many"), ("--switch", "x=1")],
)
def test_a_sandbox_refuses_what_it_does_not_understand(tmp_path: Path, arguments: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "syncd", "sandbox", *arguments]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, err = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            raise
    assert process.returncode == 2
    assert "crashed" not in err
