"""The start is quick: it imports only what is needed. Told by the imports, for a time depends on the machine."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

SLOW = {"alembic", "apprise", "flask", "httpx", "jinja2", "prometheus_client", "pydantic", "sqlalchemy", "structlog"}
SELDOM = {"alembic", "apprise", "email_validator", "flask", "jinja2", "obstore", "paramiko", "prometheus_client"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def imported(folder: Path, *arguments: str, token: str = "") -> set[str]:
    """Every module that a process of its own imports, and every package above one."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "syncd", *arguments],
        cwd=folder,
        env={**os.environ, "GOMUS_TOKEN": token},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    modules = re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", ended.stderr, re.MULTILINE)
    return {*modules, *(module.partition(".")[0] for module in modules)}


def test_the_version_needs_no_library(tmp_path: Path) -> None:
    assert imported(tmp_path, "--version") & {*SLOW, "typer", "rich"} == set()


def test_help_needs_no_command(tmp_path: Path) -> None:
    found = imported(tmp_path, "--help")
    assert found & {*SLOW, "syncd.assembly", "syncd.cli.planning", "syncd.cli.starting"} == set()


@pytest.mark.parametrize("arguments", [("--once",), ("status",), ("plan",)])
def test_a_sound_configuration_and_the_newest_state_need_neither_words_nor_scripts(
    office: Office, arguments: tuple[str, ...]
) -> None:
    office.syncd("--once")
    found = imported(office.folder, *arguments, token=office.token)
    others = {"syncd.config.mistakes", "syncd.sandbox", "syncd.web", "syncd.sources.rest.source", "syncd.sources.sql"}
    assert found & {*SELDOM, *others} == set()


def test_a_question_to_the_state_needs_neither_http_nor_telephones(office: Office) -> None:
    office.syncd("--once")
    assert (
        imported(office.folder, "status", token=office.token) & {"httpx", "phonenumbers", "syncd.gomus.client"} == set()
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("asked", ["--version", "--help"])
def test_what_needs_no_command_tells_of_a_full_disk_in_words(asked: str, unbuffered: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "syncd", asked],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "The answer can't be written (No space left on device).\n")
