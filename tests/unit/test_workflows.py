"""What GitHub, GitLab and pre-commit do with the repository: each file is read by a program that knows its form."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from check_jsonschema import main
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
FORMS = [
    *[(file, "vendor.github-workflows") for file in WORKFLOWS],
    *[(file, "custom.github-workflows-require-timeout") for file in WORKFLOWS],
    (GITHUB / "dependabot.yml", "vendor.dependabot"),
    (GITHUB / "ISSUE_TEMPLATE/bug.yml", "vendor.github-issue-forms"),
    (GITHUB / "ISSUE_TEMPLATE/feature.yml", "vendor.github-issue-forms"),
    (GITHUB / "ISSUE_TEMPLATE/config.yml", "vendor.github-issue-config"),
    (GITLAB, "vendor.gitlab-ci"),
]


@pytest.mark.parametrize(("file", "form"), FORMS, ids=[f"{file.name}-{form}" for file, form in FORMS])
def test_it_has_the_form_that_its_reader_knows(file, form):
    transform = ["--data-transform", "gitlab-ci"] if file == GITLAB else []
    done = CliRunner().invoke(main, ["--builtin-schema", form, *transform, str(file)])
    assert (done.exit_code, done.output) == (0, "ok -- validation done\n")


def test_workflows_pin_what_they_use_and_may_do_no_more_than_they_need():
    """Actions by digest, permissions by job, no credentials left behind, no word of others in a command."""
    options = ["--offline", "--no-progress", "--color=never", "--strict-collection", "--min-severity=medium"]
    done = subprocess.run([BIN / "zizmor", *options, GITHUB], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "No findings to report. Good job!\n"), done.stderr


def test_the_lanes_without_make_are_those_of_make_test_fast():
    (fast,) = re.findall(r"(?m)^\t@\$\(PYTEST\) (--ignore.*) \$\(PYTEST_ARGS\)$", (ROOT / "Makefile").read_text())
    (spread,) = re.findall(r"(?m)^PYTEST = .*(--dist.*)$", (ROOT / "Makefile").read_text())
    for file in (GITHUB / "workflows/tests.yml", GITLAB):
        lines = re.findall(r"python -m pytest (.*)", file.read_text(encoding="utf-8"))
        assert lines
        assert set(lines) == {f"--numprocesses=auto {spread} {fast}"}


def test_targets_of_make_in_workflows_exist():
    made = {found for file in (*WORKFLOWS, GITLAB) for found in re.findall(r"\bmake ([\w-]+)", file.read_text())}
    assert made
    assert [target for target in made if f"\n{target}: " not in (ROOT / "Makefile").read_text()] == []
