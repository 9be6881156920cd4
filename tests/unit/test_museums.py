"""A folder as the configuration: a file for each museum, and whose a mistake is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.assembly import make_sync
from syncd.config import load
from syncd.config.folder import keep_what_is_broken
from syncd.config.model import Config
from syncd.errors import Misconfigured

ENV = {"LOUVRE_TOKEN": "token-of-louvre", "PRADO_TOKEN": "token-of-prado", "OWN_KEY": "a key of one museum's own"}
COMMON = """\
[state]
url = "sqlite:///syncd.db"

[template.club]
schedule = "every 15m"
source = { type = "csv", settled = "1m" }
foreign_id.from = "Nr"
fields.surname = "Nachname"
delete.grace = "14d"
"""
LOUVRE = """\
[gomus.main]
url = "https://louvre.gomus.de"
token = { env = "LOUVRE_TOKEN" }

[sync.members]
use = "club"
source.path = "louvre/members.csv"
foreign_id.prefix = "M-"

[sync.friends]
use = "club"
source.path = "louvre/friends.csv"
foreign_id.prefix = "F-"
foreign_id.same_as = { sync = "members", from = "Mitglied" }
"""
PRADO = """\
[gomus.main]
url = "https://prado.gomus.de"
token = { env = "PRADO_TOKEN" }

[sync.members]
use = "club"
source.path = "prado/members.csv"
foreign_id.prefix = "M-"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Config]:
    def read(**files: str) -> Config:
        for name, text in ({"syncd": COMMON, "louvre": LOUVRE, "prado": PRADO} | files).items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return load(tmp_path, ENV)

    return read


@pytest.fixture
def told(read: Callable[..., Config], tmp_path: Path) -> Callable[..., list[str]]:
    """What is said of the museums with mistakes; the others are there."""

    def told(**files: str) -> list[str]:
        config = read(**files)
        assert config.broken.keys() & {name.partition("/")[0] for name in config.syncs} == set()
        return [problem.located.removeprefix(f"{tmp_path}/") for problem in config.mistakes]

    return told


def test_each_name_has_its_museum_before_it(read: Callable[..., Config]) -> None:
    config = read()
    assert list(config.syncs) == ["louvre/members", "louvre/friends", "prado/members"]
    assert {name: sync.gomus for name, sync in config.syncs.items()} == {
        "louvre/members": "louvre/main",
        "louvre/friends": "louvre/main",
        "prado/members": "prado/main",
    }
    assert config.gomus["prado/main"].token.get_secret_value() == "token-of-prado"


def test_what_museums_have_in_common_stands_once(read: Callable[..., Config], tmp_path: Path) -> None:
    config = read()
    assert config.state.url == f"sqlite:///{tmp_path}/syncd.db"
    assert {sync.delete.grace.days for sync in config.syncs.values()} == {14}


def test_paths_are_those_of_the_folder(read: Callable[..., Config], tmp_path: Path) -> None:
    config = read()
    (tmp_path / "prado").mkdir()
    (tmp_path / "prado" / "members.csv").write_text("Nr,Nachname\n1,Goya\n", encoding="utf-8")
    made = make_sync(config, config.syncs["prado/members"], lambda _seconds: None)
    with made.source.open() as reading:
        assert [record.values["Nachname"] for record in reading] == ["Goya"]


def test_syncs_of_different_museums_are_beside_each_other_where_they_have_one_gomus(
    read: Callable[..., Config],
) -> None:
    def beside(**files: str) -> list[str]:
        config = read(**files)
        return [other.name for other in config.beside(config.syncs["prado/members"])]

    assert beside() == []
    assert beside(prado=PRADO.replace("prado.gomus", "louvre.gomus")) == ["louvre/members", "louvre/friends"]


def test_same_as_names_a_list_of_the_same_museum(read: Callable[..., Config]) -> None:
    friends = read().syncs["louvre/friends"].foreign_id.same_as
    assert friends is not None
    assert friends.sync == "louvre/members"


@pytest.mark.parametrize("table", ["state", "web", "notify", "daemon", "template.club"])
def test_a_museum_is_told_what_belongs_to_all(told: Callable[..., list[str]], table: str) -> None:
    (said,) = told(prado=f"{PRADO}\n[{table}]\n")
    name = table.partition(".")[0]
    assert said.startswith(f"prado.toml:10:1: {name}: belongs in syncd.toml beside this file")
    assert ("digest_key = { env" in said) == (table == "state")


def test_what_is_a_museums_does_not_stand_in_the_common_file(read: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(syncd=PRADO)
    there = "belongs in the file of a museum, such as louvre.toml beside this one"
    places = [f"{tmp_path}/syncd.toml:1:1: gomus: {there}", f"{tmp_path}/syncd.toml:5:1: sync: {there}"]
    assert [problem.located for problem in refusal.value.problems] == places


@pytest.mark.parametrize(
    ("prado", "said"),
    [
        (PRADO.replace('"M-"', "7"), ["prado.toml:8:21: sync.members.foreign_id.prefix: 7 must be text, in quotes"]),
        (PRADO.replace("PRADO_TOKEN", "NO_TOKEN"), ["prado.toml:3:1: gomus.main.token: the environment variable NO_"]),
        (PRADO.replace('"club"', '"clubs"'), ["prado.toml:6:7: sync.members.use: there is no [template.clubs]; did y"]),
        (PRADO + "[", ["prado.toml:9:1: "]),
        (PRADO.partition("[sync")[0], ["prado.toml: sync: is missing: add a table [sync.NAME] with source, foreign_i"]),
        (f'digest_key = "a key in plain text"\n{PRADO}', ["prado.toml:1:1: digest_key: a secret does not belong in "]),
    ],
    ids=["value", "secret", "template", "syntax", "nothing", "key"],
)
def test_a_mistake_of_a_museum_is_its_own(told: Callable[..., list[str]], prado: str, said: list[str]) -> None:
    found = told(prado=prado)
    assert [one[: len(start)] for one, start in zip(found, said, strict=True)] == said


def test_a_file_that_is_no_name_of_a_museum_is_told_so(told: Callable[..., list[str]]) -> None:
    (said,) = told(**{"musée d'Orsay": PRADO})
    assert said.startswith("musée d'Orsay.toml: the museum's name \"musée d'Orsay\" may have letters, digits")


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ('"14d"', '"14 days"', "syncd.toml:9:16: template.club.delete.grace"),
        ("sqlite:///syncd.db", "mysql://db", "syncd.toml:2:7: state.url"),
        ("[template.club]", "[sate]\n[template.club]", "syncd.toml:4:1: sate"),
    ],
    ids=["template in use", "state", "unknown table"],
)
def test_a_mistake_of_the_common_file_is_everybodys(
    read: Callable[..., Config], tmp_path: Path, right: str, wrong: str, place: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(syncd=COMMON.replace(right, wrong))
    (problem,) = refusal.value.problems
    assert problem.located.startswith(f"{tmp_path}/{place}: ")


def test_a_template_that_nobody_uses_is_looked_at_too(read: Callable[..., Config]) -> None:
    with pytest.raises(Misconfigured, match=r"syncd\.toml:12:9: template\.old\.delete\.grace"):
        read(syncd=f'{COMMON}\n[template.old.delete]\ngrace = "often"\n')


def test_no_museum_writes_over_a_list_of_another(told: Callable[..., list[str]]) -> None:
    mine = PRADO.replace('use = "club"', 'use = "club"\nworklist = "louvre/friends.csv"')
    (said,) = told(prado=mine)
    assert said.startswith(
        "prado.toml: sync.members.worklist: 'louvre/friends.csv' is the list that the sync 'louvre/f"
    )


def test_museums_with_one_gomus_have_one_digest_key(told: Callable[..., list[str]]) -> None:
    own = 'digest_key = { env = "OWN_KEY" }\n'
    assert told(prado=own + PRADO) == []
    said = told(prado=own + PRADO.replace("prado.gomus", "louvre.gomus"))
    assert [one.partition(",")[0] for one in said] == [
        "louvre.toml: digest_key: is not that of the museum 'prado'",
        "prado.toml: digest_key: is not that of the museum 'louvre'",
    ]


def test_a_folder_without_museums_is_one_to_begin_with(tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(COMMON, encoding="utf-8")
    config = load(tmp_path, ENV)
    assert (config.syncs, config.mistakes, config.zone_of(None).key) == ({}, [], "Europe/Berlin")


def test_what_a_broken_file_said_before_goes_on(read: Callable[..., Config]) -> None:
    before = read()
    broken = read(louvre=LOUVRE + "[", prado=PRADO.replace("members", "guests"))
    config = keep_what_is_broken(broken, before)
    assert sorted(config.syncs) == ["louvre/friends", "louvre/members", "prado/guests"]
    assert config.gomus["louvre/main"] == before.gomus["louvre/main"]
    assert list(config.broken) == ["louvre"]
