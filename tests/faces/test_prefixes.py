"""Two syncs of one instance whose prefixes do not keep their ids apart: refused without a state, an alarm with one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from daemons import started
from office import CONFIG, Office, open_office, person

from syncd.alerts.alarms import Alarms
from syncd.assembly import now, opening_state
from syncd.config import load
from syncd.config.model import NotifyOptions
from syncd.domain.runs import Status, Summary
from syncd.state.conditions import Conditions

MAIN = """[gomus.main]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened
    structlog.reset_defaults()


def second(office: Office, prefix: str, *, gomus: str = "main", first: str = "M-", before: bool = False) -> None:
    """Another sync beside the first, with a list of its own."""
    text = CONFIG.format(url=office.url).replace('prefix = "M-"', f'prefix = "{first}"')
    cut = text.index("[sync.members]")
    head, members = text[:cut], text[cut:].replace("[sync.members]\n", '[sync.members]\ngomus = "main"\n')
    friends = members.replace("sync.members", "sync.friends").replace(f'prefix = "{first}"', f'prefix = "{prefix}"')
    friends = friends.replace('gomus = "main"', f'gomus = "{gomus}"').replace("members.csv", "friends.csv")
    office.configure(head + "".join([friends, members] if before else [members, friends]))
    rows, office.rows = office.rows, [person(number) for number in range(101, 104)]
    office.export()
    (office.folder / "members.csv").rename(office.folder / "friends.csv")
    office.rows = rows
    office.export()


def begin(office: Office, first: str = "M-") -> None:
    """Let the first sync have a state."""
    text = CONFIG.format(url=office.url).replace('prefix = "M-"', f'prefix = "{first}"')
    office.configure(text)
    assert office.syncd("--once").code == 0


SHARED = {
    "equal": ("M-", "M-"),
    "nested": ("M-", "M-F-"),
    "nested the other way": ("MUSEUM-M-", "MUSEUM-"),
    "beginning alike": ("MEM", "MEMBER-"),
    "none": ("M-", ""),
    "capitals": ("M-", "m-"),
}


@pytest.mark.parametrize(("first", "prefix"), SHARED.values(), ids=SHARED)
def test_two_syncs_without_a_state_are_refused(office: Office, first: str, prefix: str) -> None:
    second(office, prefix, first=first)
    ended = office.syncd("--once")
    assert (ended.code, office.sandbox.customers) == (2, [])
    for name in ("members", "friends"):
        assert f"sync.{name}.foreign_id.prefix: " in ended.err
        assert f"sync {name!r}" in ended.err
    assert "foreign_id.prefix of its own" in ended.err


@pytest.mark.parametrize(("first", "prefix"), SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("before", [False, True])
def test_the_one_with_a_state_goes_on(office: Office, first: str, prefix: str, before: bool) -> None:
    begin(office, first)
    second(office, prefix, first=first, before=before)
    office.rows.append(person(77))
    office.export()
    ended = office.syncd("--once")
    assert (ended.code, len(office.sandbox.customers)) == (2, 41)
    assert [one["sync"] for one in ended.named("run.finished")] == ["members"]
    assert [one["sync"] for one in ended.named("run.failed")] == ["friends"]
    [warned] = ended.named("prefix.shared")
    assert (warned["sync"], "'friends'" in warned["error"]) == ("members", True)


@pytest.mark.parametrize("prefix", ["F-", "MM-", "N-M-", "-M-"])
def test_prefixes_that_keep_ids_apart_are_none_of_it(office: Office, prefix: str) -> None:
    second(office, prefix)
    assert (office.syncd("--once").code, len(office.sandbox.customers)) == (0, 43)


def test_one_that_is_named_alone_is_judged_all_the_same(office: Office) -> None:
    begin(office)
    second(office, "M-F-")
    assert [office.syncd("--once", "--sync", name).code for name in ("members", "friends")] == [0, 2]


@pytest.mark.parametrize("spelling", ["{url}", "{url}/"])
def test_two_names_of_one_address_are_one_instance(office: Office, spelling: str) -> None:
    second(office, "M-", gomus="other")
    text = (office.folder / "config.toml").read_text(encoding="utf-8")
    other = MAIN.format(url=spelling.format(url=office.url)).replace("gomus.main", "gomus.other")
    office.configure(text.replace("[gomus.main]", other + "[gomus.main]"))
    assert office.syncd("--once").code == 2


def test_two_instances_may_have_the_same_prefix(office: Office, tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_office(tmp_path_factory.mktemp("other")) as there:
        second(office, "M-", gomus="other")
        text = (office.folder / "config.toml").read_text(encoding="utf-8")
        other = MAIN.format(url=there.url).replace("gomus.main", "gomus.other")
        office.configure(text.replace("[gomus.main]", other + "[gomus.main]"))
        assert office.syncd("--once").code == 0
        assert (len(office.sandbox.customers), len(there.sandbox.customers)) == (40, 3)


def test_check_says_both(office: Office) -> None:
    second(office, "M-F-")
    ended = office.syncd("check")
    lines = [line for line in ended.out.splitlines() if "prefix" in line]
    assert (ended.code, [line.split(":")[0] for line in lines]) == (2, ["✗ members", "✗ friends"])
    assert all("foreign_id.prefix of its own" in line for line in lines)


def test_check_says_both_of_two_with_a_state(office: Office) -> None:
    second(office, "F-")
    office.syncd("--once")
    office.reconfigure('prefix = "F-"', 'prefix = "M-F-"')
    ended = office.syncd("check")
    assert (ended.code, len([line for line in ended.out.splitlines() if ": prefix:" in line])) == (3, 2)


@pytest.mark.parametrize("command", [["plan"], ["--once", "--dry-run"]])
def test_a_plan_says_so_and_shows_the_other_one(office: Office, command: list[str]) -> None:
    begin(office)
    second(office, "M-F-", before=True)
    ended = office.syncd(*command)
    assert ended.code == 2
    assert "members" in ended.out
    assert "sync.friends.foreign_id.prefix: " in ended.err


@pytest.mark.parametrize("prefix", ["M-", "M-F-", ""])
def test_it_is_an_alarm_until_it_is_mended(office: Office, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    begin(office)
    second(office, prefix)
    monkeypatch.setenv("GOMUS_TOKEN", office.token)
    raised = []
    for there in (prefix, "F-"):
        office.reconfigure(f'prefix = "{prefix}"', f'prefix = "{there}"') if prefix != "M-" else second(office, there)
        config = load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token})
        with opening_state(config) as state:
            alarms = Alarms(config, NotifyOptions(), store=state.store, conditions=Conditions(state.engine))
            alarms.after_run(Summary(sync="members", run_id="r", status=Status.DONE, counts={}), now())
            raised.append([one.words for one in Conditions(state.engine).all()])
    assert (len(raised[0]), raised[1]) == (1, [])
    assert "'friends'" in raised[0][0]
    assert "foreign_id.prefix of its own" in raised[0][0]


def test_a_daemon_refuses_the_one_and_runs_the_other(office: Office) -> None:
    begin(office)
    second(office, "M-F-")
    text = (office.folder / "config.toml").read_text(encoding="utf-8")
    office.configure(text.replace('gomus = "main"\n', 'gomus = "main"\nschedule = "every 1s"\n'))
    with started(office) as daemon:
        assert "'members'" in daemon.wait_for("run.failed", sync="friends")["error"]
        assert daemon.wait_for("run.finished", sync="members")["status"] == "done"
        assert daemon.named("run.started", sync="friends") == []
