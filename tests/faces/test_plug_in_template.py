"""The template of a plug-in, installed from its folder as somebody does who has just copied it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from office import open_office
from source_contract import SourceContract

TEMPLATE = Path(__file__).parents[2] / "examples/plugin"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    return Path(shutil.copytree(TEMPLATE, tmp_path_factory.mktemp("copied") / "plugin"))


@pytest.fixture(scope="module")
def installed(copied, tmp_path_factory):
    """Without what it needs, for that is here: nothing is fetched."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--disable-pip-version-check", "--target", target, copied], check=True)
    return target


def test_its_example_is_synced(tmp_path, copied, installed, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)
    with open_office(tmp_path) as office:
        shutil.copy(copied / "members.jsonl", office.folder)
        office.configure((copied / "config.toml").read_text().replace("http://127.0.0.1:8022", office.url))
        ended = office.syncd("--once")
        assert (ended.code, ended.err) == (0, "")
        surnames = [customer.fields["surname"] for customer in office.sandbox.customers]
        assert surnames == ["Quandt", "Rößler", "Meyer-Lübke"]


def test_its_own_tests_pass(copied, installed):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=copied, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_imports_of_syncd_only_what_is_public():
    text = (TEMPLATE / "syncd_jsonlines/__init__.py").read_text(encoding="utf-8")
    assert {line.split()[1] for line in text.splitlines() if line.startswith(("from syncd", "import syncd"))} == {
        "syncd.errors",
        "syncd.sources.base",
    }


class TestContract(SourceContract):
    @pytest.fixture
    def source_of(self, installed, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(installed)
        adapter = __import__("syncd_jsonlines").JsonLinesSource

        def source_of(rows, columns=None):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / "members.jsonl").write_text(lines, encoding="utf-8")
            return self.make(adapter, tmp_path, "members.jsonl")

        return source_of

    def make(self, adapter, folder, path):
        options = adapter.Options(type="jsonlines", path=path)
        return adapter(options, base=folder, sleep=lambda _: None, clock=lambda: None)

    @pytest.fixture
    def cut_short(self, source_of, tmp_path):
        def cut_short(rows):
            source, file = source_of(rows), tmp_path / "members.jsonl"
            file.write_bytes(file.read_bytes()[:-5])
            return source

        return cut_short

    @pytest.fixture
    def nowhere(self, source_of, tmp_path):
        return self.make(type(source_of([])), tmp_path, "nowhere.jsonl")
