"""`probe` as people call it: real processes, against sandboxes that were switched differently."""

import json
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemons import until
from office import Ended, Office, open_office

from syncd.sandbox import TOKEN, Sandbox, Switches, create_app, serve
from syncd.sandbox.proxy import Passing, html
from syncd.state.connect import open_engine
from syncd.state.lease import take_lease

SWITCHED = {
    "as the pages say": ([], {"single_answer": "wrapped", "foreign_ids": "unique", "delete_key": "foreign_id"}),
    "bare": (
        ["single_answer=bare", "batch_answer=list", "address=nested", "reference_keys=short", "order_keys=true"],
        {"single_answer": "bare", "batch_answer": "list", "address": "nested", "order_keys": "some"},
    ),
    "rude": (
        ["foreign_ids=repeatable", "delete_key=number-only", "bad_entry=partial-200", "cleared_by=empty"],
        {
            "foreign_ids": "repeatable",
            "delete_key": "number_only",
            "bad_entry": "partial_200",
            "cleared_by": "empty",
            "unknown_update": "entry",
        },
    ),
    "far": (
        ["foreign_id_form=upper", "dotted_ids=cut", "deleted_status=410", "tel_form=compact", "reads=calls-later"],
        {"foreign_id_form": "upper", "dotted_ids": "cut", "tel_form": "compact", "reads": "later"},
    ),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.reconfigure("[sync.members]\n", '[sync.members]\ngomus = "main"\n')
        yield opened


def add_instance(office: Office, url: str) -> None:
    table = f'[gomus.test]\nurl = "{url}"\ntoken = {{ env = "GOMUS_TOKEN" }}\nattempts = 2\ntimeout = "5s"\n'
    office.reconfigure("[sync.members]\n", f"{table}[sync.members]\n")


@contextmanager
def instance(office: Office, **switches: object) -> Iterator[Sandbox]:
    sandbox = Sandbox(Switches(**switches))  # type: ignore[arg-type]  # each of its own
    with serve(create_app(sandbox)) as url:
        add_instance(office, url)
        yield sandbox


def found_in(ended: Ended) -> dict[str, str]:
    return {row["code"]: row["answer"] for row in json.loads(ended.out)}


@pytest.mark.parametrize(("switches", "told"), SWITCHED.values(), ids=SWITCHED)
def test_differently_switched_sandboxes_are_told_apart(
    office: Office, switches: list[str], told: dict[str, str]
) -> None:
    turned = [part for switch in switches for part in ("--switch", switch)]
    server = office.start("sandbox", "--port", "0", "--token", TOKEN, *turned)
    try:
        assert server.stdout is not None
        add_instance(office, next(server.stdout).split()[-1])
        ended = office.syncd("probe", "test", "--write", "--json")
        assert ended.code == 0
        assert told.items() <= found_in(ended).items()
    finally:
        server.kill()
        server.communicate(timeout=30)


def test_without_write_it_reads_and_says_what_it_would_do(office: Office) -> None:
    with instance(office) as sandbox:
        ended = office.syncd("probe", "test")
        assert ended.code == 0
        assert "at most 3 invented customers are made on test" in ended.out
        assert {call.method for call in sandbox.calls} == {"GET"}


def test_an_instance_in_use_is_refused(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.reset_calls()
    ended = office.syncd("probe", "main", "--write")
    assert (ended.code, "say --test-instance" in ended.err) == (2, True)
    assert list(office.sandbox.calls) == []


def test_an_instance_in_use_is_known_by_its_address_too(office: Office) -> None:
    office.syncd("--once")
    add_instance(office, office.url)
    assert office.syncd("probe", "test", "--write").code == 2


def test_a_word_makes_it_a_test_instance_and_no_other_customer_is_touched(office: Office) -> None:
    office.syncd("--once")
    before = office.sandbox.customers
    assert office.syncd("probe", "main", "--write", "--test-instance").code == 0
    assert (office.sandbox.customers, office.sandbox.touched_strangers()) == (before, [])


def test_the_next_run_has_what_was_learned(office: Office) -> None:
    """Nobody has to be created alone any more to see how an instance takes ids."""
    assert office.syncd("probe", "main", "--write").code == 0
    office.sandbox.reset_calls()
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.calls_to("POST")) == 1


def test_a_page_for_the_vendor_in_german(office: Office) -> None:
    with instance(office):
        ended = office.syncd("probe", "test", "--write", "--html", "probe.html", "--lang", "de")
        page = (office.folder / "probe.html").read_text(encoding="utf-8")
        assert (ended.code, ended.out) == (0, "")
        assert "Reihenfolge der Antwort auf mehrere" in page
        assert "127.0.0.1" not in page
        assert stat.S_IMODE((office.folder / "probe.html").stat().st_mode) == 0o600


def test_who_is_left_is_named_with_number_and_id(office: Office) -> None:
    with instance(office, permissions=frozenset({"read", "create", "update"})) as sandbox:
        ended = office.syncd("probe", "test", "--write")
        assert ended.code == 3
        for customer in sandbox.customers:
            assert f"{customer.foreign_id}, number {customer.id}: the token may not delete it" in ended.out
        assert office.syncd("probe", "test").code == 3
        sandbox.switches = Switches()
        assert office.syncd("probe", "test", "--write").code == 0
        assert sandbox.customers == []


@pytest.mark.parametrize("token", ["wrong", TOKEN])
def test_a_token_that_will_not_do_is_told_in_words(office: Office, token: str) -> None:
    office.token = token
    with instance(office, permissions=frozenset({"read"})):
        ended = office.syncd("probe", "test", "--write")
        assert ended.code == 1
        assert "What to do" in ended.err
        assert "STILL THERE" not in ended.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_stops_it_leaves_nobody(office: Office, number: signal.Signals) -> None:
    with instance(office) as sandbox:
        sandbox.latency = 0.05
        process = office.start("probe", "test", "--write")
        until(lambda: len(sandbox.customers) == 2)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, "asked to stop" in err, out.count("STILL THERE")) == (1, True, 0)
        assert sandbox.customers == []


def test_whom_a_killed_probe_has_made_the_next_takes_away(office: Office) -> None:
    with instance(office) as sandbox:
        sandbox.latency = 0.05
        process = office.start("probe", "test", "--write")
        until(lambda: len(sandbox.customers) == 2)
        process.kill()
        process.communicate(timeout=20)
        sandbox.latency = 0.0
        assert office.syncd("probe", "test").out.count("STILL THERE") == 2
        assert office.syncd("probe", "test", "--write").code == 0
        assert (sandbox.customers, sandbox.touched_strangers()) == ([], [])


def test_no_word_of_the_server_is_told(office: Office) -> None:
    word = "Quendelmann"

    def speaks(call: Passing) -> object:
        answer = call.act()
        if call.method != "GET" and answer.is_json and answer.status_code >= 400:
            answer.set_data(json.dumps({"error": word, "errors": [f"{word} is not amused"], word: word}))
        return answer

    with instance(office) as sandbox:
        sandbox.hook = speaks  # type: ignore[assignment]  # a response of werkzeug
        ended = office.syncd("probe", "test", "--write", "--html", "probe.html", "--json")
        page = (office.folder / "probe.html").read_text(encoding="utf-8")
        assert word not in ended.out + ended.err + page


def test_two_probes_of_an_instance_do_not_meet(office: Office) -> None:
    with instance(office) as sandbox:
        office.syncd("probe", "test", "--write")
        sandbox.reset_calls()
        with take_lease(open_engine(f"sqlite:///{office.folder / 'state' / 'syncd.db'}"), "probe of test"):
            ended = office.syncd("probe", "test", "--write")
        assert (ended.code, "another process is probing test" in ended.err) == (5, True)
        assert list(sandbox.calls) == []


def test_an_instance_that_is_not_configured_is_told_with_the_nearest(office: Office) -> None:
    ended = office.syncd("probe", "mian")
    assert (ended.code, "did you mean 'main'?" in ended.err) == (2, True)


def test_an_instance_behind_a_broken_proxy_is_told_in_words(office: Office) -> None:
    with instance(office) as sandbox:
        sandbox.hook = lambda _call: html(502)
        ended = office.syncd("probe", "test", "--write")
        assert (ended.code, "Traceback" in ended.err) == (1, False)
