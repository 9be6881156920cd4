"""A sync that a person lets rest: what every face says of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from syncd.assembly import now, opening_state
from syncd.config import load


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def until_of(office: Office) -> datetime | None:
    config = load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token})
    with opening_state(config) as state:
        found = state.store.pauses.find("members", now())
    assert found
    return found.until


def test_status_says_who_lets_it_rest_and_why(office: Office) -> None:
    office.syncd("pause", "members", "--by", "Ada", "--why", "ticket 7")
    told = office.syncd("status").out
    assert "PAUSED: paused since" in told
    assert "by Ada (ticket 7); its schedule and the web trigger rest" in told
    (standing,) = json.loads(office.syncd("status", "--json").out)
    assert (standing["paused"]["by"], standing["paused"]["until"], standing["next_run"]) == ("Ada", None, None)


def test_check_says_so_and_is_content(office: Office) -> None:
    office.syncd("pause", "members")
    checked = office.syncd("check", "--offline")
    assert "members: pause: paused since" in checked.out.replace("  ", " ").replace("  ", " ")
    assert checked.code == 0


def test_once_goes_on_and_says_so(office: Office) -> None:
    office.syncd("pause", "members")
    ran = office.syncd("--once")
    assert (ran.code, len(ran.named("sync.paused")), len(ran.named("run.finished"))) == (0, 1, 1)


def test_whoever_has_paused_it_is_named_in_no_log(office: Office) -> None:
    office.syncd("pause", "members", "--by", "Zzname", "--why", "zzwhy")
    assert "zz" not in office.syncd("--once").out.casefold()


def test_resume_ends_it(office: Office) -> None:
    office.syncd("pause", "members")
    assert office.syncd("resume", "members").out == "members: its schedule goes on.\n"
    assert "PAUSED" not in office.syncd("status").out
    assert office.syncd("resume", "members").out == "members is not paused.\n"


def test_a_date_is_when_that_day_begins_where_the_museum_is(office: Office) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\ntimezone = "Asia/Tokyo"\n')
    office.syncd("pause", "members", "--until", "2126-01-01")
    assert until_of(office) == datetime(2125, 12, 31, 15, tzinfo=UTC)


def test_a_time_may_have_a_zone_of_its_own(office: Office) -> None:
    office.syncd("pause", "members", "--until", "2126-01-01T08:00-05:00")
    assert until_of(office) == datetime(2126, 1, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"), [("tomorrow", "is no time; write a date such as"), ("2020-01-01", "is over already")]
)
def test_a_time_that_is_of_no_use_is_told(office: Office, text: str, words: str) -> None:
    ended = office.syncd("pause", "members", "--until", text)
    assert ended.code == 2
    assert words in ended.err


def test_a_second_pause_takes_the_place_of_the_first_and_rests_since_then(office: Office) -> None:
    office.syncd("pause", "members")
    (first,) = json.loads(office.syncd("status", "--json").out)
    office.syncd("pause", "members", "--until", f"{now() + timedelta(days=1):%Y-%m-%dT%H:%MZ}")
    (second,) = json.loads(office.syncd("status", "--json").out)
    assert second["paused"]["since"] == first["paused"]["since"]
    assert second["paused"]["until"] is not None


def test_an_unknown_sync_is_a_mistake(office: Office) -> None:
    assert [office.syncd(command, "nobody").code for command in ("pause", "resume")] == [2, 2]
