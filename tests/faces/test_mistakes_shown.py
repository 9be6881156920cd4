"""A mistake in the configuration as each command shows it: place, words, and the line with the place underlined."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

SHOWN = """\
config.toml:28:9: sync.members.delete.grace: '7 dys' is not a duration such as '7d', '12h', '30m'
  28 | grace = "7 dys"
     |         ^^^^^^^
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        lines = (
            (office.folder / "config.toml").read_text(encoding="utf-8").split("\n[sync.members.delete]")[0].split("\n")
        )
        wrong = [*lines, *[""] * (26 - len(lines)), "[sync.members.delete]", 'grace = "7 dys"', ""]
        office.configure("\n".join(wrong))
        yield office


@pytest.mark.parametrize("command", [["--once"], ["plan"], ["status"], []])
def test_every_command_shows_the_line_and_ends_with_2(office: Office, command: list[str]) -> None:
    ended = office.syncd(*command)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"The configuration has a mistake:\n  {SHOWN}"


def test_check_shows_the_line_among_its_findings(office: Office) -> None:
    ended = office.syncd("check")
    assert (ended.code, ended.out) == (2, f"✗ configuration: {SHOWN}")


def test_a_script_is_given_the_place_without_the_line(office: Office) -> None:
    ended = office.syncd("check", "--json")
    assert ended.code == 2
    assert json.loads(ended.out) == [
        {"what": "configuration", "ok": False, "weight": "mistake", "words": SHOWN.partition("\n")[0]}
    ]


def test_the_place_stays_below_its_word_where_the_line_has_tabs(office: Office) -> None:
    office.reconfigure("grace = ", "grace\t=\t")
    assert '28 | grace\t=\t"7 dys"\n     |      \t \t^^^^^^^\n' in office.syncd("check").out
