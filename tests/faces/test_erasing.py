"""Erasure on request as people ask for it: real processes, one of which may be running the sync."""

import json
import signal
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemons import until
from office import Office, open_office

from syncd.state.connect import open_engine
from syncd.state.lease import take_lease

LEDGER = 'url = "sqlite:///state/syncd.db"\nledger = "erasures.ledger"\nledger_key = { env = "LEDGER_KEY" }'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


@pytest.fixture
def with_ledger(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("LEDGER_KEY", "the key of the ledger, which is long")
    office.reconfigure('url = "sqlite:///state/syncd.db"', LEDGER)
    return office


def is_there(office: Office, *foreign_ids: str) -> list[str]:
    return [one for one in foreign_ids if office.sandbox.by_foreign_id(one)]


def listed(office: Office) -> list[dict[str, str]]:
    ended = office.syncd("erasures", "--json")
    found: list[dict[str, str]] = json.loads(ended.out)
    assert ended.code == (3 if found else 0)
    return found


def lose_state(office: Office) -> None:
    for file in (office.folder / "state").iterdir():
        file.unlink()


# --- whom ---


def test_several_are_erased_with_and_without_the_prefix(office: Office) -> None:
    office.syncd("--once")
    (office.folder / "list.txt").write_text("\ufeffM-0004\n\n 0005 \n", encoding="utf-8")
    ended = office.syncd("erase", "M-0002", "0003", "--file", str(office.folder / "list.txt"))
    assert ended.code == 0
    assert is_there(office, "M-0001", "M-0002", "M-0003", "M-0004", "M-0005", "M-0006") == ["M-0001", "M-0006"]
    assert [line.split(":")[0] for line in ended.out.splitlines()] == ["M-0002", "M-0003", "M-0004", "M-0005"]


def test_who_is_not_in_go_mus_is_told_apart(office: Office) -> None:
    office.syncd("--once")
    ended = office.syncd("erase", "M-0099")
    assert (ended.code, ended.out) == (
        0,
        "M-0099: go~mus has no such customer; none will be created under this id\n",
    )
    assert [one["state"] for one in listed(office)] == ["done"]


@pytest.mark.parametrize("arguments", [[], ["--undo"], ["--file", "nowhere.txt"]])
def test_nobody_named_is_a_mistake_of_use(office: Office, arguments: list[str]) -> None:
    assert office.syncd("erase", *arguments).code == 2


def two_syncs(office: Office, prefix: str = "F-") -> None:
    text = (office.folder / "config.toml").read_text(encoding="utf-8")
    second = text[text.index("[sync.members]") :].replace("sync.members", "sync.friends")
    office.configure(text + second.replace('prefix = "M-"', f'prefix = "{prefix}"'))


def test_of_several_syncs_the_prefix_tells_which_is_meant(office: Office) -> None:
    two_syncs(office)
    office.syncd("--once")
    assert office.syncd("erase", "F-0002", "M-0003").code == 0
    assert is_there(office, "F-0002", "M-0002", "F-0003", "M-0003") == ["M-0002", "F-0003"]
    assert sorted(one["sync"] for one in listed(office)) == ["friends", "members"]
    ended = office.syncd("erase", "0004")
    assert (ended.code, "--sync" in ended.err) == (2, True)
    assert office.syncd("erase", "0004", "--sync", "friends").code == 0
    assert is_there(office, "F-0004", "M-0004") == ["M-0004"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("sync.members", "sync.friends"), ("gomus.main", "gomus.museum"), ("", "")],
)
def test_who_was_erased_is_not_created_again_after_a_change_of_names(office: Office, old: str, new: str) -> None:
    office.syncd("--once")
    office.syncd("erase", "M-0002")
    if old:
        office.reconfigure(old, new)
    ended = office.syncd("--once")
    assert (ended.code, is_there(office, "M-0002")) == (3, [])
    assert [event["foreign_id"] for event in ended.named("source.invalid_record")] == [None]


# --- while a run is under way ---


def slow(office: Office) -> None:
    office.reconfigure("attempts = 2", "attempts = 2\nbatch_size = 2\nconcurrency = 1")
    office.sandbox.latency = 0.15


@pytest.mark.parametrize("number", [1, 20, 40])
def test_the_run_under_way_erases_whoever_asks(office: Office, number: int) -> None:
    slow(office)
    running = office.start("--once")
    until(lambda: len(office.sandbox.customers) >= 4)
    began = time.monotonic()
    asked = office.syncd("erase", f"{number:04d}")
    took = time.monotonic() - began
    assert (asked.code, running.poll(), is_there(office, f"M-{number:04d}")) == (0, None, [])
    assert "members: waiting for the run under way" in asked.err
    assert f"another process (pid {running.pid}) is running" in asked.err
    running.communicate(timeout=60)
    assert took < 10
    assert (running.returncode, is_there(office, f"M-{number:04d}")) == (0, [])
    assert len(office.sandbox.customers) == 39
    assert [one["state"] for one in listed(office)] == ["done"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_does_not_wait_has_asked_all_the_same(office: Office, number: signal.Signals) -> None:
    office.syncd("--once")
    engine = open_engine(f"sqlite:///{office.folder}/state/syncd.db")
    with take_lease(engine, "members"):
        asked = office.start("erase", "M-0002")
        until(lambda: listed(office))
        time.sleep(0.5)
        asked.send_signal(number)
        out, err = asked.communicate(timeout=30)
    engine.dispose()
    assert (asked.returncode, out) == (1, "M-0002: not erased yet; the next run goes on\n")
    assert err.endswith("asked to stop. The erasure is noted: the next run goes on with it.\n")
    assert [one["state"] for one in listed(office)] == ["open"]
    assert (office.syncd("--once").code, is_there(office, "M-0002")) == (3, [])
    assert [one["state"] for one in listed(office)] == ["done"]


def test_it_goes_on_by_itself_once_the_lease_is_free(office: Office) -> None:
    office.syncd("--once")
    engine = open_engine(f"sqlite:///{office.folder}/state/syncd.db")
    with take_lease(engine, "members"):
        asked = office.start("erase", "M-0002", "M-0003")
        until(lambda: len(listed(office)) == 2)
    asked.communicate(timeout=30)
    engine.dispose()
    assert (asked.returncode, is_there(office, "M-0002", "M-0003")) == (0, [])


# --- the record of it ---


def test_the_list_says_when_by_whom_and_how_far_and_whom_as_a_hash(office: Office) -> None:
    assert office.syncd("erasures").out == "Nobody was erased on request.\n"
    assert listed(office) == []
    office.syncd("--once")
    office.syncd("erase", "M-0002", "--by", "Frau Amt", "--why", "Brief vom 1. März")
    (found,) = listed(office)
    assert set(found) == {"sync", "at", "by", "state", "name"}
    assert (found["sync"], found["by"], found["state"]) == ("members", "Frau Amt", "done")
    assert len(bytes.fromhex(found["name"])) == 16
    assert found["name"] in office.syncd("erasures").out


# --- taken back ---


def test_an_erasure_is_taken_back_once(with_ledger: Office) -> None:
    office = with_ledger
    office.syncd("--once")
    office.syncd("erase", "M-0002", "M-0003")
    assert office.syncd("erase", "--undo", "0002").code == 0
    assert len(listed(office)) == 1
    ended = office.syncd("erase", "--undo", "0002")
    assert (ended.code, ended.err) == (2, "Nobody has asked to erase M-0002.\n")
    office.syncd("--once")
    assert is_there(office, "M-0002", "M-0003") == ["M-0002"]


# --- the ledger ---


def test_a_lost_state_forgets_no_erasure(with_ledger: Office) -> None:
    office = with_ledger
    office.syncd("--once")
    office.syncd("erase", "M-0002")
    assert stat.S_IMODE((office.folder / "erasures.ledger").stat().st_mode) == 0o600
    before = listed(office)
    lose_state(office)
    assert [one["state"] for one in listed(office)] == ["done"]
    assert office.syncd("plan").code == 3
    ended = office.syncd("--once")
    assert (ended.code, is_there(office, "M-0002")) == (3, [])
    assert [event["foreign_id"] for event in ended.named("source.invalid_record")] == [None]
    assert len(listed(office)) == len(before) == 1
    assert office.syncd("erase", "--undo", "M-0002").code == 0
    assert (office.syncd("--once").code, is_there(office, "M-0002")) == (0, ["M-0002"])


@pytest.mark.parametrize("command", [["--once"], ["plan"], ["erase", "M-0003"], ["erasures"], ["check"]])
def test_a_line_under_another_key_or_a_broken_one_is_exit_2(
    with_ledger: Office, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = with_ledger
    office.syncd("erase", "M-0002")
    monkeypatch.setenv("LEDGER_KEY", "another key of the ledger")
    ended = office.syncd(*command)
    assert (ended.code, "state.ledger_old_keys" in ended.err + ended.out) == (2, True)
    assert office.sandbox.customers == []
    monkeypatch.setenv("LEDGER_KEY", "the key of the ledger, which is long")
    (office.folder / "erasures.ledger").write_text("nonsense\n")
    ended = office.syncd(*command)
    assert (ended.code, "erasures.ledger line 1" in ended.err + ended.out) == (2, True)
    assert office.sandbox.customers == []


def test_where_the_ledger_can_not_be_written_nothing_is_erased(with_ledger: Office) -> None:
    office = with_ledger
    office.syncd("--once")
    office.reconfigure('"erasures.ledger"', '"nowhere/erasures.ledger"')
    office.sandbox.reset_calls()
    ended = office.syncd("erase", "M-0002")
    assert (ended.code, "nowhere, does not exist" in ended.err) == (1, True)
    assert list(office.sandbox.calls) == []
    office.reconfigure('"nowhere/erasures.ledger"', '"erasures.ledger"')
    assert listed(office) == []


def test_a_ledger_needs_a_key_of_the_configuration(office: Office) -> None:
    office.reconfigure('url = "sqlite:///state/syncd.db"', 'ledger = "erasures.ledger"')
    ended = office.syncd("--once")
    mistake = 'state.ledger_key: is needed with a ledger: ledger_key = { env = "SYNCD_LEDGER_KEY" }'
    assert (ended.code, ended.err.splitlines()[1]) == (2, f"  config.toml:2:1: {mistake}")


def test_show_of_nobody_is_a_mistake_of_use(office: Office) -> None:
    office.syncd("--once")
    assert office.syncd("show", "M-0099").code == 2
    assert office.syncd("show", "0001").out.startswith("M-0001 in members")


# --- an id in another spelling ---

COMPOSED, DECOMPOSED = "M-Zo\u00eb", "M-Zoe\u0308"


def respell(office: Office, old: str, new: str) -> None:
    """As an earlier version took it over from the source."""
    (customer,) = office.sandbox.by_foreign_id(old)
    office.sandbox.save({"foreign_id": new}, customer)
    with closing(sqlite3.connect(office.folder / "state" / "syncd.db")) as state, state:
        state.execute("update known set foreign_id = ? where foreign_id = ?", (new, old))


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        (DECOMPOSED, DECOMPOSED[2:]),
        ("M-4\u20607", "47"),
        ("M-4\u20607", "M-\u200b47"),
        ('M-="007"', "M-007"),
        ('M-="007"', '="007"'),
    ],
)
def test_an_id_is_meant_in_whichever_spelling_it_is_known(office: Office, known: str, typed: str) -> None:
    office.syncd("--once")
    respell(office, "M-0007", known)
    assert office.syncd("show", typed).out.startswith(f"{known} in members")
    assert office.syncd("erase", typed, "--yes").code == 0
    assert (is_there(office, known), len(office.sandbox.customers)) == ([], 39)
    office.rows[6][0] = known.removeprefix("M-").replace("\u2060", "").replace("=", "").replace('"', "")
    office.rows[6][0] = COMPOSED[2:] if known == DECOMPOSED else office.rows[6][0]
    office.export()
    assert office.syncd("--once").code == 3
    assert len(office.sandbox.customers) == 39
    assert office.syncd("erase", typed, "--undo").code == 0


def test_of_two_that_are_written_alike_the_one_is_meant_that_is_spelt_so(office: Office) -> None:
    office.syncd("--once")
    respell(office, "M-0007", "M-4\u20607")
    respell(office, "M-0008", "M-47")
    assert office.syncd("erase", "4\u20607", "--yes").code == 0
    assert is_there(office, "M-4\u20607", "M-47") == ["M-47"]
    assert office.syncd("erase", "47", "--yes").code == 0
    assert is_there(office, "M-47") == []
