"""docs/operations.md: what it says to type is typed here, on the office's machine; containers are in test_deploy.py."""

import re
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from office import Office, open_office, person
from parts import tool
from stack import DEPLOY, OPERATIONS, shell_block

PAGE = OPERATIONS.read_text(encoding="utf-8")
NO_SERVICE = "systemctl() { :; }\n"  # nothing runs here but what a test starts


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def run(office: Office, commands: str) -> str:
    shell = [tool("bash", "bash"), "-euo", "pipefail", "-c", NO_SERVICE + commands]
    return subprocess.run(shell, cwd=office.folder, check=True, capture_output=True, text=True).stdout


def enter(office: Office, heading: str, before: str = "") -> None:
    commands = shell_block(heading).replace("-o syncd -g syncd ", "")
    for folder, ours in {"/var/lib/syncd": "state", "/srv/backup": "backup"}.items():
        commands = commands.replace(folder, str(office.folder / ours))
    run(office, before + commands)


def foreign_ids(office: Office) -> list[str]:
    return sorted(str(customer.foreign_id) for customer in office.sandbox.customers)


def test_a_backup_of_sqlite_is_whole_and_private_even_while_somebody_writes(office: Office) -> None:
    office.syncd("--once")
    writer = sqlite3.connect(office.folder / "state/syncd.db", isolation_level=None)
    writer.execute("begin immediate")
    enter(office, "SQLite")
    writer.close()
    copy, key = sorted(office.folder.glob("backup/*/*"))
    assert {stat.S_IMODE(file.stat().st_mode) for file in (copy, key)} == {0o600}
    kept = sqlite3.connect(copy)
    assert kept.execute("select count(*) from known").fetchone() == (40,)
    kept.close()


def test_a_restored_sqlite_catches_up_and_deletes_nobody(office: Office) -> None:
    office.syncd("--once")
    enter(office, "SQLite")
    office.rows = [*office.rows[1:], person(41), person(42)]
    office.export()
    office.syncd("--once")
    assert len(office.sandbox.deleted) == 1
    enter(office, "Restore SQLite", "backup=$(echo backup/*)\n")
    office.rows = [*office.rows[1:], person(43)]
    office.export()
    ended = office.syncd("--once")
    assert (ended.code, len(ended.named("state.restored"))) == (0, 1)
    assert len(office.sandbox.deleted) == 1
    assert foreign_ids(office) == [f"M-{number:04d}" for number in range(2, 44)]


def test_a_new_digest_key_costs_one_call_a_customer_and_writes_nothing(office: Office) -> None:
    office.syncd("--once")
    before = (office.folder / "state/syncd.key").read_text()
    enter(office, "The digest key")
    office.sandbox.reset_calls()
    assert office.syncd("--once").code == 0
    calls = [call.method for call in office.sandbox.calls if "/customers" in call.route]
    assert calls == ["GET"] * 40
    assert (office.folder / "state/syncd.key").read_text() != before


def test_every_question_to_the_log_has_an_answer(office: Office) -> None:
    tool("jq", "jq")
    office.syncd("--once")
    office.rows[0][4] = "030 23125999"
    office.rows[1][2] = ""  # go~mus wants a surname
    office.rows = office.rows[:10]  # more would go than a guard lets through
    office.export()
    (office.folder / "syncd.log").write_text(office.syncd("--once").out)
    questions = [line for line in shell_block("Read the log").splitlines() if line.startswith("jq")]
    answers = {question: run(office, question) for question in questions}
    assert [question for question, answer in answers.items() if not answer] == []


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", PAGE))
    assert named
    assert [name for name in named if not (DEPLOY.parent / name).exists()] == []


def test_every_alarm_of_prometheus_is_on_the_page() -> None:
    (group,) = yaml.safe_load((DEPLOY / "monitoring/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert [rule["alert"] for rule in group["rules"] if f"| `{rule['alert']}` |" not in PAGE] == []
