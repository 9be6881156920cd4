"""What a server, a tap or a file says about a person is told nowhere, in whichever spelling, whoever asks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from bad_day import QuietDaemon
from flask import Flask, Response
from office import Office, open_office, person

from syncd.assembly import looking_at_state
from syncd.cli.app import app
from syncd.config import load
from syncd.config.model import WebOptions
from syncd.sandbox import serve
from syncd.sandbox.proxy import Passing, in_json
from syncd.web.app import create_app
from syncd.web.metrics import Metrics

NAME = "Jürgenskjöld Großmannsbärt"
SPELLINGS = (
    NAME,
    NAME.upper(),
    "J&uuml;rgenskj&ouml;ld Gro&szlig;mannsb&auml;rt",
    "J%C3%BCrgenskj%C3%B6ld Gro%C3%9Fmannsb%C3%A4rt",
    "J\\u00fcrgenskj\\u00f6ld Gro\\u00dfmannsb\\u00e4rt",
    "Jürgenskjö",
    "Großmannsbärt, Jürgenskjöld",
    "juergenskjoeld.grossmannsbaert@example.org",
    "Ju\u0308rgenskjo\u0308ld",
)
FRAGMENTS = ("rgenskj", "mannsb")
SAID = [f"Rechnungen an {one} sind offen" for one in SPELLINGS[:3]] + [
    f"Email {one} is invalid" for one in SPELLINGS[3:6]
]
BODIES: list[dict[str, object]] = [
    {"error": "customer(s) could not be saved", "errors": SAID},
    {"error": " ".join(SPELLINGS)},
    {"message": f"{NAME}: locked"},
    {"errors": {NAME: ["is odd"], "email": [SPELLINGS[7]], "0": {"tel": list(SPELLINGS[6:])}}},
]

# Every command, with the ways to ask it; or why it has nothing to tell of anybody.
COMMANDS: dict[str, list[list[str]] | str] = {
    "plan": [["plan"], ["plan", "--json"]],
    "check": [["check"], ["check", "--json"]],
    "status": [["status"], ["status", "--json"]],
    "history": [["history"], ["history", "--json"]],
    "link": [["link", "members", "--renamed"], ["link", "members", "members.csv", "--columns", "id=Nr"]],
    "show": [["show", f"M-{number:04d}"] for number in (2, 5, 7, 99)] + [["show", "M-0099", "--json"]],
    "held": [["held"], ["held", "--json"], ["held", "--csv", "held.csv"]],
    "failures": [["failures"], ["failures", "--json"], ["failures", "--csv", "list.csv"]],
    "report": [["report"], ["report", "--lang", "de"], ["report", "--since", "1d"]],
    "worklist": [
        ["worklist"],
        ["worklist", "--json"],
        ["worklist", "--csv", "w.csv"],
        ["worklist", "--html", "w.html"],
    ],
    "verify": [["verify", "members", "--all", "--fix"]],
    "erase": [["erase", "M-0003", "--certificate", "certificate.html"]],
    "erasures": [["erasures"], ["erasures", "--json"], ["erasures", "--certificate", "certificate.json"]],
    "approve": [["approve", "members"]],
    "retry": [["retry", "members"]],
    "pause": [["pause", "members"]],
    "resume": [["resume", "members"]],
    "rehearse": [["rehearse", "members"]],
    "probe": [["probe", "main"], ["probe", "main", "--write", "--test-instance", "--html", "probe.html"]],
    "trigger": "it asks a daemon for a run",
    "worker": "it is a daemon, and needs PostgreSQL",
    "init": "it reads an export",
    "sandbox": "it is another server",
    "demo": "it is another server",
    "db": "it moves tables as they are",
    "forget": "it is for a folder of museums; tests of its own look at what it writes",
    "config": "it prints the configuration, its schema and an example",
}


OF_A_RUN = ("plan", "check", "history", "status", "report", "rehearse")  # that tell how a read ended
OF_GO_MUS = tuple(command for command in COMMANDS if command != "rehearse")  # it asks a sandbox of its own


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    with open_office(tmp_path) as opened:
        opened.reconfigure("[sync.members]\n", '[notify]\nwebhook = { env = "HOOK" }\n[sync.members]\n')
        yield opened


def told(office: Office, *commands: str) -> str:
    """Whatever anybody can see: what the commands answer, the pages, and all that lies in files."""
    asked = [office.syncd(*way) for command in commands for way in ways(command)]
    return "".join([*(ended.out + ended.err for ended in asked), *pages(office), *files(office)])


def ways(command: str) -> list[list[str]]:
    found = COMMANDS[command]
    return found if isinstance(found, list) else []


def pages(office: Office) -> Iterator[str]:
    config = load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token, "HOOK": "http://127.0.0.1:9/"})
    daemon = QuietDaemon(config)
    for shown in (False, True):
        page = create_app(WebOptions(show_ids=shown), daemon, Metrics(), lambda: datetime.now(UTC))
        with looking_at_state(config) as state:
            runs = [run.id for run in state.store.runs.latest()]
        for rule in page.url_map.iter_rules():
            for run in runs if rule.arguments else [""]:
                yield page.test_client().get(rule.rule.replace("<run_id>", run)).text


def files(office: Office) -> Iterator[str]:
    for file in office.folder.rglob("*"):
        if file.is_file() and file.name not in ("members.csv", "tap.json"):
            yield file.read_bytes().decode("utf-8", "replace")


def told_of(text: str) -> list[str]:
    return [fragment for fragment in FRAGMENTS if fragment in text.casefold()]


def test_every_command_is_asked() -> None:
    assert set(typer.main.get_command(app).commands) == set(COMMANDS)  # type: ignore[attr-defined]  # it is a group


@pytest.mark.parametrize(
    ("status", "body"),
    [(422, BODIES[0]), (422, BODIES[1]), (400, BODIES[2]), (409, BODIES[1]), (200, BODIES[0]), (200, BODIES[3])],
)
def test_what_go_mus_says_of_a_person_is_told_nowhere(office: Office, status: int, body: dict[str, object]) -> None:
    office.syncd("--once")

    def says(call: Passing) -> Response:
        return in_json(status, body) if call.method != "GET" or call.path.endswith("M-0007") else call.act()

    office.sandbox.hook = says
    office.rows[1][4] = "030 999"
    del office.rows[4], office.rows[5]
    office.rows.append(person(99))
    office.export()
    runs = [office.syncd("--once"), office.syncd("--once")]
    assert {ended.code for ended in runs} <= {1, 3}
    assert told_of("".join(ended.out + ended.err for ended in runs) + told(office, *OF_GO_MUS)) == []


def test_the_usual_refusals_come_through_to_the_owner_of_the_list(office: Office) -> None:
    said = ["Surname can't be blank", "E-Mail ist bereits vergeben", "Mitgliedsart muss ausgefüllt werden"]
    office.sandbox.hook = lambda call: (
        in_json(422, {"error": "no", "errors": said}) if call.method == "POST" else call.act()
    )
    del office.rows[1:]
    office.export()
    office.syncd("--once")
    [row] = json.loads(office.syncd("failures", "--json").out)
    assert row["reason"] == "Surname can't be blank; E-mail ist bereits vergeben; muss ausgefüllt werden"


def test_an_operator_can_trust_a_sentence(office: Office) -> None:
    office.reconfigure("attempts = 2", 'attempts = 2\nsentences = ["Mitgliedschaft ist gesperrt"]')
    said = {"error": f"{NAME}: Mitgliedschaft ist gesperrt (seit gestern)"}
    office.sandbox.hook = lambda call: in_json(422, said) if call.method == "POST" else call.act()
    del office.rows[1:]
    office.export()
    office.syncd("--once")
    [row] = json.loads(office.syncd("failures", "--json").out)
    assert row["reason"] == "Mitgliedschaft ist gesperrt"


@pytest.mark.parametrize("sentence", ["Muster", "", " "])
def test_a_word_alone_is_no_sentence_to_trust(office: Office, sentence: str) -> None:
    office.reconfigure("attempts = 2", f'attempts = 2\nsentences = ["{sentence}"]')
    ended = office.syncd("--once")
    assert ended.code == 2
    assert "gomus.main.sentences[0]" in ended.err


# --- sources ---


def with_source(office: Office, source: str) -> None:
    office.reconfigure('type = "csv"\npath = "members.csv"\nsettled = "0s"', source)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "json"), (401, "json"), (403, "html"), (404, "html"), (422, "json"), (500, "html")]
)
def test_what_a_crm_says_of_a_person_is_told_nowhere(office: Office, status: int, kind: str) -> None:
    crm = Flask("crm")
    body = json.dumps({"error": " ".join(SPELLINGS)}) if kind == "json" else f"<h1>{NAME}</h1>"
    crm.add_url_rule("/members", view_func=lambda: Response(body, status=status, headers={"X-Why": SPELLINGS[7]}))
    with serve(crm) as url:
        with_source(office, f'type = "rest"\nurl = "{url}/members"\nattempts = 1')
        office.reconfigure('from = "Nr"', 'from = "id"')
        ended = office.syncd("--once")
        assert ended.code == 1
        assert told_of(ended.out + ended.err + told(office, *OF_A_RUN)) == []


def test_what_a_tap_says_of_a_person_is_told_nowhere(office: Office) -> None:
    script = f"#!/bin/sh\necho '{NAME} is read' >&2\necho '{NAME} is no message'\nexit 1\n"
    (office.folder / "tap").write_text(script, encoding="utf-8")
    (office.folder / "tap").chmod(0o700)
    with_source(office, 'type = "singer"\ncommand = ["./tap"]\nstream = "contacts"')
    ended = office.syncd("--once")
    (office.folder / "tap").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert ended.code == 1
    assert told_of(ended.out + ended.err + told(office, *OF_A_RUN)) == []


HEADERLESS = {
    "no header": [f"0001;Jürgenskjöld;Großmannsbärt;{SPELLINGS[7]};;;"],
    "twins": [f"Nr;{NAME};{NAME};E-Mail;Telefon;Geboren;Land"],
    "too short": ["Nr;Vorname", f"1;Ada;{NAME}"],
    "a quote": ["Nr;Vorname", f'1;"{NAME}'],
}


@pytest.mark.parametrize("lines", HEADERLESS.values(), ids=HEADERLESS)
def test_what_stands_in_a_file_is_told_nowhere(office: Office, lines: list[str]) -> None:
    office.syncd("--once")
    (office.folder / "members.csv").write_text("\n".join([*lines, *lines]) + "\n", encoding="utf-8")
    ended = office.syncd("--once")
    assert ended.code == 1
    assert told_of(ended.out + ended.err + told(office, *OF_A_RUN)) == []


def test_what_a_database_says_of_a_person_is_told_nowhere(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (office.folder / "crm.db").touch()
    monkeypatch.setenv("CRM", "sqlite:///crm.db")
    query = f"select '{NAME}' as x from {NAME}"  # noqa: S608 - of a table that is not there
    with_source(office, f'type = "sql"\nurl = {{ env = "CRM" }}\nquery = "{query}"')
    ended = office.syncd("--once")
    (office.folder / "config.toml").rename(office.folder / "members.csv")  # the query is the operator's own
    assert ended.code == 1
    assert told_of(ended.out + ended.err + "".join(files(office))) == []


def test_a_column_near_a_configured_one_is_shown_to_who_asks_and_kept_nowhere(office: Office) -> None:
    office.reconfigure('"E-Mail"', '"Email"')
    ended = office.syncd("--once")
    assert (ended.code, "'E-Mail'" in ended.out + ended.err + "".join(pages(office))) == (1, False)
    assert "did you mean 'E-Mail'?" in office.syncd("plan").err
    assert "did you mean 'E-Mail'?" in office.syncd("check").out
