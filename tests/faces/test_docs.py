"""Every syncd command that the pages show, run as it stands there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from office import CONFIG, Office, open_office

from syncd.sandbox import TOKEN, serve

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    """In the order in which a reader would type them; comments are none."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("#")[0].replace("/srv/syncd/", "").strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("syncd ")]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    receiver = Flask(__name__)
    receiver.add_url_rule("/", view_func=lambda: "heard", methods=["POST"])
    with open_office(tmp_path) as office, serve(receiver) as url:
        monkeypatch.setenv("SYNCD_WEBHOOK", url)
        office.configure(CONFIG.format(url=office.url) + '[notify]\nwebhook = { env = "SYNCD_WEBHOOK" }\n')
        yield office


def test_a_list_is_tried_against_the_sandbox_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "init.md").read_text(encoding="utf-8")
    serving, export, *lines = re.search(r"```text\n(syncd sandbox.*?)```", page, re.DOTALL)[1].splitlines()  # type: ignore[index]  # it is there
    assert (serving, export) == ("syncd sandbox &", f"export GOMUS_TOKEN={TOKEN}")
    monkeypatch.setenv("GOMUS_TOKEN", TOKEN)
    with open_office(tmp_path) as office:
        (tmp_path / "config.toml").unlink()
        asked = [line.replace("http://127.0.0.1:8022", office.url) for line in lines]
        assert [(ended.code, ended.err) for line in asked if (ended := office.syncd(*shlex.split(line)[1:])).code] == []
        assert len(office.sandbox.customers) == len(office.rows)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_on_the_page_works(office: Office, page: Path) -> None:
    office.syncd("--once")
    failed = [
        (command, ended.err)
        for command in commands(page)
        if (ended := office.syncd(*shlex.split(command)[1:])).code != 0
    ]
    assert failed == []
