"""What must be true of the repository as a whole."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from parts import tool

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
LOCK = ROOT / "deploy/requirements.lock"
BUILD_LOCK = ROOT / "deploy/build.lock"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = [
    line for name, lines in PROJECT["optional-dependencies"].items() if name not in ("dev", "docs") for line in lines
]
# Hosts of package indexes, and options that name one; spelt so that this file does not match itself.
INDEX = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|(?:index-url|find-links|trusted-host)[ =]+[\w/]*[:/]")
SECRET = re.compile(r"""(?m)^\s*\w*(?:token|password|secret|api_key) *[=:] *"[^"{]+"|BEGIN [A-Z ]*PRIVATE KEY""")
COMES_WITH = {"click": "typer", "pydantic_core": "pydantic", "werkzeug": "flask"}


def text_of(file):
    return file.read_bytes().decode("utf-8", errors="ignore")


def name_of(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def tracked_files():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    # It may be another's: root's, or that of whoever mounted it.
    command = [tool("git", "git"), "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [file for name in listed.split("\0") if name and (file := ROOT / name).is_file()]


def test_names_no_package_index():
    assert [file for file in tracked_files() if INDEX.search(text_of(file))] == []


def test_holds_no_secret_in_plain_text():
    outside_tests = [file for file in tracked_files() if "tests" not in file.parts]
    assert [file for file in outside_tests if SECRET.search(text_of(file))] == []


@pytest.mark.parametrize("lock", [LOCK, BUILD_LOCK], ids=lambda lock: lock.name)
def test_a_lock_holds_versions_and_hashes_only(lock):
    line = re.compile(r"[\w.-]+==[\w.+!]+ (; .* )?\\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [found for found in text_of(lock).splitlines() if not line.fullmatch(found)] == []


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [(LOCK, [*PROJECT["dependencies"], *EXTRAS]), (BUILD_LOCK, PYPROJECT["build-system"]["requires"])],
    ids=["requirements.lock", "build.lock"],
)
def test_every_dependency_is_locked(lock, requirements):
    """Where this fails, `make lock` puts it right; the image has every extra."""
    locked = set(re.findall(r"(?m)^[\w.-]+(?===)", text_of(lock)))
    assert {name_of(requirement) for requirement in requirements} - locked == set()


def test_every_import_is_of_a_declared_dependency():
    declared = {name_of(requirement) for requirement in [*PROJECT["dependencies"], *EXTRAS]}
    providers = packages_distributions()
    lines = "\n".join(text_of(file) for file in (ROOT / "syncd").rglob("*.py"))
    imported = {COMES_WITH.get(name, name) for name in re.findall(r"(?m)^\s*(?:from|import) (\w+)", lines)}
    others = imported & providers.keys() - sys.stdlib_module_names - {"syncd"}
    assert {
        name for name in others if not {one.lower().replace("_", "-") for one in providers[name]} & declared
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", text_of(page))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_targets_of_make_that_exist():
    targets = re.findall(r"(?m)^make (\w+)", text_of(ROOT / "README.md"))
    assert [target for target in targets if f"\n{target}:" not in text_of(ROOT / "Makefile")] == []


def test_the_readme_names_commands_that_exist():
    commands = re.findall(r"(?m)(?:^|`)syncd (\w+)", text_of(ROOT / "README.md"))
    shown = subprocess.run([sys.executable, "-m", "syncd", "--help"], check=True, capture_output=True, text=True).stdout
    assert [command for command in commands if not re.search(rf"\b{command}\b", shown)] == []
