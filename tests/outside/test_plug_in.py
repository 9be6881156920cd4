"""The plug-in of docs/sources.md, installed as it stands there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import CONFIG, Office, open_office
from source_contract import SourceContract

PAGE = (Path(__file__).parents[2] / "docs/sources.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its entry point, as pip installs them; what builds it is here already."""
    package, target = tmp_path_factory.mktemp("plug-in"), tmp_path_factory.mktemp("installed")
    for name, kind in (("pyproject.toml", "toml"), ("syncd_jsonfile.py", "python")):
        (block,) = re.findall(rf"`{re.escape(name)}`\n\n```{kind}\n(.*?)```", PAGE, re.DOTALL)
        (package / name).write_text(block, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--disable-pip-version-check", "--target", str(target), str(package)], check=True)
    return target


def test_it_is_complete_in_some_30_lines() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 30


@pytest.fixture
def office(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)
    with open_office(tmp_path) as office:
        old, new = 'type = "csv"\npath = "members.csv"\nsettled = "0s"', 'type = "jsonfile"\npath = "members.json"'
        assert old in CONFIG
        office.reconfigure(old, new)
        people = [{"Nr": f"{number:04d}", "Vorname": "Ada", "Nachname": "Quandt"} for number in range(1, 4)]
        for person in people:
            person |= {"E-Mail": "", "Telefon": "", "Geboren": "", "Land": ""}
        (tmp_path / "members.json").write_text(json.dumps(people), encoding="utf-8")
        yield office


@pytest.mark.parametrize("command", [["check"], ["plan"], ["--once"]])
def test_it_works_like_a_built_in_source(office: Office, command: list[str]) -> None:
    ended = office.syncd(*command)
    assert (ended.code, ended.err) == (0, "")
    assert len(office.sandbox.customers) == (3 if command == ["--once"] else 0)


def test_its_options_are_in_the_schema_and_its_mistakes_are_told(office: Office) -> None:
    assert '"JsonFileOptions"' in office.syncd("config", "schema").out
    office.reconfigure('path = "members.json"', 'paht = "members.json"')
    ended = office.syncd("check")
    assert ended.code == 2
    assert "did you mean 'path'?" in ended.out


def test_what_breaks_in_it_fails_the_run_with_its_words(office: Office) -> None:
    (office.folder / "members.json").write_text("[{", encoding="utf-8")
    ended = office.syncd("--once")
    assert ended.code == 1
    assert ended.named("run.failed")[0]["error"] == "members.json: can't be read as JSON"


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, installed, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(installed)
        adapter = __import__("syncd_jsonfile").JsonFileSource

        def source_of(rows, columns=None):
            (tmp_path / "members.json").write_text(json.dumps(rows), encoding="utf-8")
            return self.make(adapter, tmp_path, "members.json")

        return source_of

    def make(self, adapter, folder, path):
        options = adapter.Options(type="jsonfile", path=path)
        return adapter(options, base=folder, sleep=lambda _: None, clock=lambda: None)

    @pytest.fixture
    def cut_short(self, source_of, tmp_path):
        def cut_short(rows):
            source, file = source_of(rows), tmp_path / "members.json"
            file.write_text(file.read_text(encoding="utf-8")[:-5], encoding="utf-8")
            return source

        return cut_short

    @pytest.fixture
    def nowhere(self, source_of, tmp_path):
        return self.make(type(source_of([])), tmp_path, "nowhere.json")
