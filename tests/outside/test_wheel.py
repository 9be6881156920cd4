"""The wheel, built and installed where there is nothing but what it depends on: no checkout, and no extra."""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from distributions import ROOT, needed_by_the_core, normalized

from syncd import __version__
from syncd.sandbox import TOKEN, Sandbox, create_app, serve

Syncd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the core needs is here already, and is lent to it."""
    folder, wheels = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), cwd=ROOT)
    venv.create(folder, with_pip=False)
    (wheel,) = wheels.iterdir()
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=wheels)
    (packages,) = folder.glob("lib/python*/site-packages")
    core = needed_by_the_core()
    for distribution in distributions():
        if normalized(distribution.name) in core:
            for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] != ".."}:
                if top != "__pycache__" and not (packages / top).exists():
                    (packages / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


@pytest.fixture
def syncd(environment: Path, tmp_path: Path) -> Syncd:
    """In an empty folder, with nothing of the checkout within reach."""
    path = f"{environment / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    variables = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "200", "GOMUS_TOKEN": TOKEN}

    def syncd(*arguments: str, program: str = "syncd") -> subprocess.CompletedProcess[str]:
        command = [str(environment / "bin" / program), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    return syncd


def run(*command: str, cwd: Path) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_it_says_its_version(syncd: Syncd) -> None:
    assert syncd("--version").stdout == f"syncd {__version__}\n"


HELP = """
import syncd.cli.app, sys, typer
from typer.testing import CliRunner
def ask(command, *words):
    for name in getattr(command, "list_commands", lambda _: [])(None):
        ask(command.get_command(None, name), *words, name)
    ended = CliRunner().invoke(syncd.cli.app.app, [*words, "--help"])
    assert ended.exit_code == 0, (words, ended.exception)
    print("syncd", *words)
ask(typer.main.get_command(syncd.cli.app.app))
"""


def test_every_command_explains_itself(syncd: Syncd) -> None:
    ended = syncd("-c", HELP, program="python")
    assert ended.returncode == 0, ended.stderr
    assert {"syncd", "syncd demo", "syncd db copy", "syncd config example"} <= set(ended.stdout.splitlines())


def test_it_holds_every_file_that_is_no_module(environment: Path) -> None:
    (installed,) = environment.glob("lib/python*/site-packages/syncd")
    others = {
        file.relative_to(ROOT / "syncd")
        for file in (ROOT / "syncd").rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert {file for file in others if not (installed / file).is_file()} == set()
    assert (installed / "migrations/script.py.mako").is_file()


def test_it_prints_the_example_of_a_configuration(syncd: Syncd) -> None:
    assert syncd("config", "example").stdout == (ROOT / "config.example.toml").read_text(encoding="utf-8")


def test_it_syncs_an_export_from_an_empty_folder(syncd: Syncd, tmp_path: Path) -> None:
    sandbox = Sandbox()
    people = "".join(f"{number:04d};Vor{number};Nach{number}\n" for number in range(1, 21))
    (tmp_path / "members.csv").write_text(f"Mitgliedsnummer;Vorname;Nachname\n{people}", encoding="utf-8")
    os.utime(tmp_path / "members.csv", (0, 0))
    with serve(create_app(sandbox)) as url:
        for command in ["init", "members.csv", "--url", url], ["check"], ["--once"]:
            ended = syncd(*command)
            assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(sandbox.customers) == 20


EXTRAS = """
[state]
url = "postgresql://syncd@db.example.org/syncd"
digest_key = "0123456789abcdef0123456789abcdef"
[notify]
urls = [{ env = "GOMUS_TOKEN" }]
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "GOMUS_TOKEN" }
""" + "".join(
    f"""
[sync.{name}]
source = {{ {source} }}
foreign_id = {{ from = "Nr", prefix = "{name.upper()}-" }}
fields = {{ surname = "Nachname" }}
"""
    for name, source in {
        "a": 'type = "csv", url = "sftp://files.example.org/members.csv"',
        "b": 'type = "excel", url = "s3://museum/members.xlsx"',
        "c": 'type = "sql", url = "postgresql://db.example.org/crm", query = "select 1"',
    }.items()
)


def test_what_an_extra_is_missing_for_is_told_with_the_command_that_installs_it(syncd: Syncd, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(EXTRAS, encoding="utf-8")
    ended = syncd("check", "--offline")
    assert ended.returncode == 2
    told = re.findall(r"([a-z.]+): (needs the extra '\w+': pip install 'syncd\[\w+\]')", ended.stdout)
    assert dict(told) == {
        key: f"needs the extra '{extra}': pip install 'syncd[{extra}]'"
        for key, extra in {
            "state.url": "postgres",
            "notify.urls": "notify",
            "sync.a.source.url": "remote",
            "sync.b.source.url": "remote",
            "sync.c.source.url": "postgres",
        }.items()
    }
