"""What contributors and those who upgrade read is true of the repository as it stands."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "syncd"
SCHEMAS = sorted(file.name[:4] for file in (ROOT / "migrations/versions").glob("0*.py"))


@pytest.mark.parametrize("page", ["architecture.md", "development.md"])
def test_every_module_that_the_page_names_is_there(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`(\w+(?:/\w+)+)`", text) if (PACKAGE / name.partition("/")[0]).is_dir()}
    assert named
    assert {name for name in named if not ((PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file())} == set()


def test_every_schema_of_the_state_is_told_to_those_who_upgrade():
    text = (ROOT / "docs/upgrading.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| (\d{4}) \|", text) == SCHEMAS


def test_hooks_are_tools_that_make_installs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [one["repo"] for one in hooks] == ["local"]
    places = {hook["entry"].split()[0] for hook in hooks[0]["hooks"]}
    installed = str(Path(sys.executable).parent)
    assert [tool for tool in places if not shutil.which(tool.removeprefix(".venv/bin/"), path=installed)] == []


def test_whoever_has_no_make_is_told_the_line_of_make():
    (line,) = re.findall(r"(?m)^python -m pytest (.*)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    workflow = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    assert f"python -m pytest {line}\n" in workflow
