"""`[template.NAME]`: what a sync takes over, who wins, and where a mistake in it is told."""

import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from syncd.config import json_schema, load
from syncd.config.model import Config
from syncd.errors import Misconfigured, Problem

ENV = {"GOMUS_TOKEN": "token-of-nobody"}
CLUB = """\
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "GOMUS_TOKEN" }

[template.club]
schedule = "every 15m"
actions = ["create", "update"]
source = { type = "csv", settled = "1m" }

[template.club.foreign_id]
from = "Nr"

[template.club.fields]
surname = "Nachname"
email = { from = "E-Mail", transform = ["strip", "lower"] }

[template.club.delete]
grace = "14d"
max_count = 7

[sync.members]
use = "club"
source.path = "members.csv"
foreign_id.prefix = "M-"

[sync.friends]
use = "club"
schedule = "0 3 * * *"
actions = ["update"]
source = { path = "friends.csv", settled = "5s" }
foreign_id.prefix = "F-"
fields.email = { transform = ["strip"] }
fields.surname = { from = "Name" }
delete.grace = "30d"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Config]:
    def read(text: str = CLUB) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, ENV)

    return read


def mistakes(read: Callable[..., Config], old: str, new: str) -> list[Problem]:
    assert old in CLUB
    with pytest.raises(Misconfigured) as refusal:
        read(CLUB.replace(old, new))
    return list(refusal.value.problems)


def told(problem: Problem) -> tuple[int, str]:
    """The line, and what is said."""
    return int(problem.place.split(":")[-2]), str(problem)


# --- what comes out ---


def test_a_sync_takes_over_what_it_does_not_say_itself(read: Callable[..., Config]) -> None:
    members = read().syncs["members"]
    assert (members.written_schedule, members.actions) == ("every 15m", ("create", "update"))
    assert (members.foreign_id.from_, members.foreign_id.prefix) == ("Nr", "M-")
    assert (members.delete.grace, members.delete.max_count) == (timedelta(days=14), 7)


def test_the_sync_wins_key_by_key_and_lists_are_replaced(read: Callable[..., Config]) -> None:
    friends = read().syncs["friends"]
    assert (friends.written_schedule, friends.actions) == ("0 3 * * *", ("update",))
    assert (friends.delete.grace, friends.delete.max_count) == (timedelta(days=30), 7)
    assert friends.source.model_dump()["settled"] == timedelta(seconds=5)
    assert (friends.fields["email"].from_, friends.fields["email"].transform) == ("E-Mail", ["strip"])


def test_a_table_takes_the_place_of_a_short_form(read: Callable[..., Config]) -> None:
    assert read().syncs["friends"].fields["surname"].from_ == "Name"


def test_a_value_that_stands_elsewhere_is_not_merged(read: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "zone").write_text("Europe/Vienna\n", encoding="utf-8")
    text = CLUB.replace("[template.club]\n", '[template.club]\ntimezone = { file = "zone" }\n')
    text = text.replace("[sync.friends]\n", '[sync.friends]\ntimezone = { env = "ZONE" }\n')
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "config.toml", {**ENV, "ZONE": "Europe/Zurich"})
    assert [config.syncs[name].zone for name in ("members", "friends")] == ["Europe/Vienna", "Europe/Zurich"]


# --- mistakes ---


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('grace = "14d"', 'grace = "14 dys"', 18, "template.club.delete.grace: '14 dys' is not a duration"),
        (
            "max_count = 7",
            "max_cuont = 7",
            19,
            "template.club.delete.max_cuont: unknown key; did you mean 'max_count'?",
        ),
        ('surname = "Nach', 'surnam = "Nach', 14, "template.club.fields.surnam: go~mus has no customer field 'surnam'"),
        ('["strip", "lower"]', '["strip", "lwer"]', 15, "template.club.fields.email.transform"),
        (
            '"every 15m"',
            '{ env = "NOWHERE" }',
            6,
            "template.club.schedule: the environment variable NOWHERE is not set",
        ),
    ],
)
def test_a_mistake_in_a_template_is_told_at_its_place(
    read: Callable[..., Config], old: str, new: str, line: int, message: str
) -> None:
    (number, said), *others = map(told, mistakes(read, old, new))
    assert (number, said.startswith(message), others) == (line, True, []), said


def test_a_mistake_of_the_sync_is_told_in_the_sync(read: Callable[..., Config]) -> None:
    (problem,) = mistakes(read, 'delete.grace = "30d"', 'delete.grace = "30 dys"')
    assert told(problem)[1].startswith("sync.friends.delete.grace: ")


def test_what_neither_has_is_missing_in_the_sync(read: Callable[..., Config]) -> None:
    (problem,) = mistakes(read, 'source.path = "members.csv"\n', "")
    assert told(problem)[1].startswith("sync.members.source.path: is missing")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('"clbu"', "there is no [template.clbu]; did you mean 'club'?"),
        ('"museum"', "there is no [template.museum]; there is [template.club]"),
        ('["club"]', 'must be the name of one template, in quotes, as in use = "club"'),
        ('{ env = "GOMUS_TOKEN" }', 'must be the name of one template, in quotes, as in use = "club"'),
    ],
)
def test_a_template_that_is_not_there_is_the_only_mistake(read: Callable[..., Config], name: str, said: str) -> None:
    (problem,) = mistakes(read, 'use = "club"\nsource.path', f"use = {name}\nsource.path")
    assert told(problem) == (22, f"sync.members.use: {said}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[template.club]\n",
            '[template.club]\nuse = "other"\n',
            "template.club.use: a template can't use another one",
        ),
        ("[gomus.main]", 'template.grace = "1d"\n[gomus.main]', "template.grace: lacks a name before it"),
    ],
)
def test_a_template_that_is_none_is_told(read: Callable[..., Config], old: str, new: str, message: str) -> None:
    assert str(mistakes(read, old, new)[0]).startswith(message)


def test_a_secret_in_a_template_is_refused_and_not_shown(read: Callable[..., Config]) -> None:
    auth = 'source = { type = "rest", url = "https://crm.example.org", auth = { type = "bearer", token = "s3cr3t" } }'
    problems = mistakes(read, 'source = { type = "csv", settled = "1m" }', auth)
    (problem,) = [one for one in problems if "plain text" in one.message]
    assert problem.path == "template.club.source.auth.token"
    assert "s3cr3t" not in problem.excerpt + problem.message


# --- templates that nobody uses ---


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('grace = "1 dy"', "'1 dy' is not a duration"),
        ('garce = "1d"', "unknown key; did you mean 'grace'?"),
        ("max_percent = 101", "101 must be at most 100"),
    ],
)
def test_of_one_that_nobody_uses_is_told_what_is_wrong_for_sure(
    read: Callable[..., Config], table: str, said: str
) -> None:
    (problem,) = mistakes(read, "[sync.members]\n", f"[template.spare.delete]\n{table}\n[sync.members]\n")
    assert (problem.path.startswith("template.spare.delete."), said in problem.message) == (True, True)


def test_one_that_nobody_uses_needs_neither_all_keys_nor_its_variables(read: Callable[..., Config]) -> None:
    spare = '[template.spare]\nschedule = { env = "NOWHERE" }\nfields.email = { transform = ["lower"] }\n'
    assert set(read(CLUB + spare).syncs) == {"members", "friends"}


# --- the schema ---


def test_the_schema_takes_templates_and_tells_a_key_that_no_sync_has() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    document = tomllib.loads(CLUB)
    assert list(validator.iter_errors(document)) == []
    document["template"]["club"]["delete"]["garce"] = "1d"
    (error,) = validator.iter_errors(document)
    assert "garce" in error.message


def test_what_a_list_of_the_template_lacks_is_told_in_the_template(read: Callable[..., Config]) -> None:
    (problem,) = mistakes(read, "[template.club]\n", '[template.club]\nwhere = [{ is = "aktiv" }]\n')
    assert told(problem)[0] == 6
    assert str(problem).startswith("template.club.where[0].from: is missing")
