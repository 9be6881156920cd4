"""`check` where nobody looks at a terminal: what it tries, what it finds in the list, and what it never shows."""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from office import MARKS, Office, open_office, person
from rude import black_hole

from syncd.cli.checking import find_lack_of_room
from syncd.sandbox import Sandbox, create_app, serve

Wrap = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Any]
SECOND = """
[sync.donors]
source = { type = "csv", path = "members.csv", settled = "0s" }
foreign_id = { from = "Nr", prefix = "D-" }
fields = { surname = "Nachname", addr_country_id = { from = "Land", lookup = "country" } }
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def append(office: Office, text: str) -> None:
    office.configure((office.folder / "config.toml").read_text(encoding="utf-8") + text)


def with_salutations(office: Office, *words: str) -> None:
    """Column Anrede with these words in turn."""
    office.columns.append("Anrede")
    for number, row in enumerate(office.rows):
        row.append(words[number % len(words)])
    office.export()
    field = 'customer_salutation_id = { from = "Anrede", lookup = "salutation" }'
    office.reconfigure("[sync.members.fields]", f"[sync.members.fields]\n{field}")


def line(out: str, what: str) -> str:
    return next((one for one in out.splitlines() if one[2:].startswith(f"{what}: ")), "")


def marks(out: str) -> str:
    return "".join(one[0] for one in out.splitlines())


# --- go~mus ---


def answering(folder: Path, wrap: Wrap) -> Iterator[Office]:
    sandbox = Sandbox()
    app = create_app(sandbox)
    with serve(lambda environ, start: wrap(environ, start, app)) as url:
        yield Office(folder, url, sandbox)


@pytest.fixture
def forbidding(tmp_path: Path) -> Iterator[Office]:
    """An instance that knows the token, and lets it read no customer."""

    def wrap(environ: dict[str, Any], start: Callable[..., Any], app: Callable[..., Any]) -> Any:
        if "/customers/" in environ["PATH_INFO"] and "salutations" not in environ["PATH_INFO"]:
            start("403 Forbidden", [("Content-Type", "application/json")])
            return [b'{"error": "forbidden"}']
        return app(environ, start)

    yield from answering(tmp_path, wrap)


@pytest.fixture
def without_countries(tmp_path: Path) -> Iterator[Office]:
    def wrap(environ: dict[str, Any], start: Callable[..., Any], app: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"].endswith("/countries"):
            start("403 Forbidden", [("Content-Type", "application/json")])
            return [b'{"error": "forbidden"}']
        return app(environ, start)

    yield from answering(tmp_path, wrap)


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[Office]:
    """An instance whose clock is twelve minutes ahead."""

    def wrap(environ: dict[str, Any], start: Callable[..., Any], app: Callable[..., Any]) -> Any:
        def dated(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [one for one in headers if one[0].lower() != "date"]
            return start(status, [*kept, ("Date", formatdate(time.time() + 12 * 60, usegmt=True))], *rest)

        return app(environ, dated)

    yield from answering(tmp_path, wrap)


def test_a_token_that_may_not_read_customers_is_told(forbidding: Office) -> None:
    ended = forbidding.syncd("check")
    assert ended.code == 1
    assert "lacks a permission (403)" in line(ended.out, "members: go~mus")


def test_a_token_that_may_not_read_customers_hinders_no_look_at_the_lists(forbidding: Office) -> None:
    assert "249 country" in line(forbidding.syncd("check").out, "members: lookups")


def test_a_list_that_is_refused_hinders_no_look_at_another(without_countries: Office) -> None:
    with_salutations(without_countries, "Frau", "Firma")
    ended = without_countries.syncd("check")
    assert (ended.code, line(ended.out, "members: lookups")[0]) == (1, "✗")
    assert "20 records with 1 of 2 different words" in line(ended.out, "members: Anrede")
    assert "any word counted as a country," in line(ended.out, "members: mapping")


def test_what_cannot_be_tried_is_said(office: Office) -> None:
    assert "create, change and delete them only a run can tell" in line(office.syncd("check").out, "members: go~mus")


def test_a_look_at_permissions_makes_no_customer(office: Office) -> None:
    office.syncd("check")
    assert office.sandbox.customers == []


def test_a_clock_that_is_wrong_is_told(ahead: Office) -> None:
    told = line(ahead.syncd("check").out, "members: clock")
    assert told.startswith("! members: clock: the clock of this machine is 12 minutes behind that of go~mus")


def test_a_clock_that_is_right_is_not_told(office: Office) -> None:
    assert line(office.syncd("check").out, "members: clock") == ""


def test_two_syncs_of_an_instance_that_is_out_of_reach_wait_once(office: Office) -> None:
    append(office, SECOND)
    with black_hole() as url:
        office.reconfigure(office.url, url)
        began = time.monotonic()
        ended = office.syncd("check")
    assert (ended.code, time.monotonic() - began < 10) == (1, True)
    assert all(
        "at 127.0.0.1: no answer in time" in line(ended.out, f"{name}: go~mus") for name in ("members", "donors")
    )


def test_without_go_mus_the_mapping_is_checked_and_that_is_said(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.export()
    office.reconfigure(office.url, "https://no-such-museum.invalid")
    told = line(office.syncd("check").out, "members: mapping")
    assert "1 of 40 records are invalid, for example members.csv line 5: date_of_birth" in told
    assert "any word counted as a country" in told


def test_a_smaller_cap_that_was_learned_is_told(office: Office) -> None:
    office.sandbox.switches = type(office.sandbox.switches)(batch_cap=7)
    office.syncd("--once")
    assert line(office.syncd("check").out, "main: batches").startswith("✓ main: batches: 7 customers at once")


# --- offline ---


def test_offline_no_call_is_made(office: Office) -> None:
    office.reconfigure(office.url, "https://no-such-museum.invalid")
    ended = office.syncd("check", "--offline")
    assert (ended.code, marks(ended.out)) == (0, "✓✓!✓!")


def test_offline_no_token_is_needed(office: Office) -> None:
    office.token = ""
    ended = office.syncd("check", "--offline")
    assert ended.code == 0
    assert "its token is not there" in line(ended.out, "members: go~mus")


def test_with_go_mus_a_token_is_needed(office: Office) -> None:
    office.token = ""
    ended = office.syncd("check")
    assert (ended.code, "gomus.main.token" in ended.out) == (2, True)


def test_offline_other_mistakes_are_told(office: Office) -> None:
    office.token = ""
    office.reconfigure('grace = "0s"', 'grace = "7 dys"')
    ended = office.syncd("check", "--offline")
    assert (ended.code, "sync.members.delete.grace" in ended.out, "token" in ended.out) == (2, True, False)


@pytest.mark.parametrize("other", [["--customer", "M-0001"], ["--notify"]])
def test_offline_nothing_is_asked_for_that_needs_a_call(office: Office, other: list[str]) -> None:
    assert office.syncd("check", "--offline", *other).code == 2


# --- the state ---


def test_little_room_is_told(tmp_path: Path) -> None:
    (found,) = find_lack_of_room(tmp_path, least=1 << 60)
    assert "MB are free for the state" in found.words


def test_enough_room_is_not_told(tmp_path: Path) -> None:
    assert list(find_lack_of_room(tmp_path, least=1)) == []


def test_a_server_of_the_state_that_is_out_of_reach_is_named_soon_and_asked_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_DIGEST_KEY", "0123456789abcdef")
    with black_hole() as url:
        address = url.replace("http:", "postgresql+psycopg:") + "/syncd"
        key = 'digest_key = { env = "SYNCD_DIGEST_KEY" }'
        office.reconfigure('url = "sqlite:///state/syncd.db"', f'url = "{address}"\n{key}')
        began = time.monotonic()
        ended = office.syncd("check", "--offline")
    assert (ended.code, time.monotonic() - began < 8) == (1, True)
    assert "127.0.0.1 can't be reached: no answer in time" in line(ended.out, "state database")


# --- the list ---


def repeated(office: Office, *, differs: bool) -> str:
    office.rows.append([*office.rows[0]])
    if differs:
        office.rows[-1][1] = "Anders"
    office.export()
    ended = office.syncd("check")
    assert ended.code == (3 if differs else 0)
    return line(ended.out, "members: duplicates")


def test_an_id_with_different_contents_is_invalid_as_in_a_run(office: Office) -> None:
    told = repeated(office, differs=True)
    assert told.startswith("✗ members: duplicates: 1 id stands more than once with different contents: all 2 records")
    assert "members.csv line 2 and members.csv line 42" in told
    assert office.syncd("--once").named("run.finished")[0]["counts"]["invalid"] == 2


def test_an_id_with_the_same_contents_is_told(office: Office) -> None:
    assert repeated(office, differs=False).startswith("! members: duplicates: 1 id stands more than once with the same")


def test_an_id_that_is_the_same_once_transformed_stands_twice(office: Office) -> None:
    office.reconfigure('prefix = "M-"', 'prefix = "M-"\ntransform = ["upper"]')
    office.rows[0][0], office.rows[1][0] = "a1", "A1"
    office.export()
    assert "1 id stands more than once" in line(office.syncd("check").out, "members: duplicates")


@pytest.mark.parametrize("same", ["email", "birthday", "both", "turned"])
def test_one_person_under_two_ids_is_told(office: Office, same: str) -> None:
    twin = person(77)
    twin[1:3] = office.rows[4][1:3] if same != "turned" else office.rows[4][2:0:-1]
    twin[3] = office.rows[4][3].upper() if same in ("email", "both", "turned") else twin[3]
    twin[5] = "05.05.1955" if same == "email" else twin[5]
    office.rows.append(twin)
    office.export()
    ended = office.syncd("check")
    assert ended.code == 0
    told = line(ended.out, "members: people")
    assert told.startswith("! members: people: 1 person stands probably more than once")
    assert "members.csv line 6 and members.csv line 42" in told


def test_twins_and_families_are_not_one_person(office: Office) -> None:
    office.rows[1][2:6] = office.rows[0][2:6]
    office.export()
    assert line(office.syncd("check").out, "members: people") == ""


def test_a_shared_address_is_counted(office: Office) -> None:
    for row in office.rows[:3]:
        row[3] = "Familie@example.org"
    office.export()
    assert "3 records share 1 e-mail address" in line(office.syncd("check").out, "members: email")


def test_missing_surnames_are_counted(office: Office) -> None:
    office.rows[6][2] = " "
    office.export()
    told = line(office.syncd("check").out, "members: surname")
    assert told.startswith("! members: surname: 1 of 40 without a surname, which go~mus asks for, for example")
    assert "members.csv line 8" in told


def test_a_surname_that_nothing_leads_to_is_missing_for_all(office: Office) -> None:
    office.reconfigure('surname = "Nachname"\n', "")
    assert "40 of 40 without a surname" in line(office.syncd("check").out, "members: surname")


def test_children_are_counted_also_where_another_cell_is_wrong(office: Office) -> None:
    office.rows[0][5] = office.rows[1][5] = f"01.01.{time.localtime().tm_year - 10}"
    office.rows[1][3] = "no address"
    office.export()
    assert "2 of 40 are under 16" in line(office.syncd("check").out, "members: date_of_birth")


def test_who_is_sixteen_today_is_no_child(office: Office) -> None:
    today = time.localtime()
    office.rows[0][5] = f"{today.tm_mday:02d}.{today.tm_mon:02d}.{today.tm_year - 16}"
    office.export()
    assert line(office.syncd("check").out, "members: date_of_birth") == ""


def test_a_wrong_delimiter_is_told_with_the_right_one(office: Office) -> None:
    office.reconfigure('path = "members.csv"', 'path = "members.csv"\ndelimiter = ","')
    ended = office.syncd("check")
    assert (ended.code, "is the delimiter ';'?" in ended.out) == (1, True), ended.out


def test_whom_where_leaves_out_is_not_judged(office: Office) -> None:
    office.rows.append([*office.rows[0]])
    office.rows[-1][1] = "Anders"
    office.export()
    office.reconfigure(
        "[sync.members.source]", 'where = [{ from = "Vorname", is_not = "Anders" }]\n[sync.members.source]'
    )
    ended = office.syncd("check")
    assert (ended.code, line(ended.out, "members: duplicates")) == (0, "")


def test_a_where_that_leaves_out_everybody_is_told(office: Office) -> None:
    where = 'where = [{ from = "Vorname", is = ["A"] }, { from = "Vorname", is = ["B"] }]'
    office.reconfigure("[sync.members]\n", f"[sync.members]\n{where}\n")
    ended = office.syncd("check")
    told = "✗ members: where: leaves out all 40 records: nobody would be a customer"
    assert (ended.code, line(ended.out, "members: where"), line(ended.out, "members: mapping")) == (3, told, "")


def test_words_that_no_list_has_are_counted_and_not_shown(office: Office) -> None:
    with_salutations(office, "Frau", "Herr und Frau", "Firma", "")
    ended = office.syncd("check")
    told = "✗ members: Anrede: 20 records with 2 of 3 different words, no salutation of this instance"
    assert (ended.code, line(ended.out, "members: Anrede")) == (3, told)
    assert "Firma" not in ended.out


def test_words_that_a_default_stands_in_for_are_told(office: Office) -> None:
    office.rows[0][6] = "Östereich"
    office.export()
    ended = office.syncd("check")
    told = "1 record with 1 of 1 different words, no country of this instance; they are sent with the default"
    assert (ended.code, line(ended.out, "members: Land")) == (0, f"! members: Land: {told}")


def test_a_default_beside_a_map_alone_is_meant(office: Office) -> None:
    office.reconfigure(
        "addr_country_id", 'is_institution = { from = "Land", map = { X = true }, default = false }\naddr_country_id'
    )
    office.rows[0][6] = "Deutschland"
    office.export()
    assert marks(office.syncd("check").out) == "✓✓✓✓✓✓"


def test_only_the_named_sync_is_checked(office: Office) -> None:
    append(office, SECOND)
    ended = office.syncd("check", "donors")
    assert (ended.code, "members:" in ended.out, line(ended.out, "donors: source") != "") == (0, False, True)


def test_an_unknown_sync_is_a_mistake(office: Office) -> None:
    assert office.syncd("check", "membres").code == 2


def test_no_value_is_shown_without_a_terminal(office: Office) -> None:
    with_salutations(office, "Zzfrau")
    office.rows += [[*office.rows[0]], [*office.rows[1]]]
    office.rows[-1][1:6] = ["Zzvor1", "", "zzmail", "23125", "1971-04-03"]
    office.export()
    append(office, '[[sync.members.examples]]\ngiven = { Nr = "1", Vorname = "Zzvor" }\nexpect = { name = "Zznäch" }\n')
    for told in (office.syncd("check"), office.syncd("check", "--json")):
        assert [mark for mark in (*MARKS, "Zzfrau") if mark in told.out + told.err] == []


def test_values_are_shown_on_a_terminal_only(office: Office) -> None:
    ended = office.syncd("check", "--show-values")
    assert (ended.code, ended.out, "on a terminal only" in ended.err) == (2, "", True)


def test_as_json_it_is_a_list_of_findings(office: Office) -> None:
    told = json.loads(office.syncd("check", "--offline", "--json").out)
    assert [one["what"] for one in told][-2:] == ["members: source", "members: mapping"]
    assert {*map(tuple, told)} == {("what", "ok", "weight", "words")}


def test_as_json_what_was_not_asked_is_a_doubt(office: Office) -> None:
    told = {one["what"]: one["weight"] for one in json.loads(office.syncd("check", "--offline", "--json").out)}
    assert (told["members: go~mus"], told["members: source"]) == ("doubt", "good")


def test_each_line_is_printed_as_it_is_found(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with black_hole() as url:
        office.reconfigure(office.url, url)
        process = office.start("check")
        assert process.stdout
        began = time.monotonic()
        first = process.stdout.readline()
        waited = time.monotonic() - began
        process.communicate(30)
    assert (first.startswith("✓ configuration"), waited < 3) == (True, True)


def test_the_remedy_of_a_mistake_is_told(office: Office) -> None:
    (office.folder / "config.toml").unlink()
    assert "start from `syncd config example`" in office.syncd("check").out


# --- examples ---


EXAMPLE = """
[[sync.members.examples]]
given = { Nr = "0007", Vorname = "Anna", Telefon = "030 231250", Geboren = "03.04.1971", Land = "Deutschland" }
expect = { %s }
"""
RIGHT = 'foreign_id = "M-0007", name = "Anna", email = "", date_of_birth = 1971-04-03, addr_country_id = "DE"'


def test_an_example_that_comes_out_is_counted(office: Office) -> None:
    append(office, EXAMPLE % RIGHT)
    ended = office.syncd("check")
    assert (ended.code, line(ended.out, "members: examples")) == (0, "✓ members: examples: 1 of 1 come out as expected")


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ('foreign_id = "0007"', "foreign_id: is not what is expected"),
        ('name = "Anna", surname = "Muster"', "surname: is not what is expected"),
        ('tel = ""', "tel: is not what is expected"),
        ("addr_country_id = 1", "addr_country_id: is not what is expected"),
        ('addr_country_id = "AT"', "addr_country_id: is not what is expected"),
    ],
)
def test_an_example_that_comes_out_otherwise_is_told_with_its_fields(office: Office, expected: str, words: str) -> None:
    append(office, EXAMPLE % expected)
    ended = office.syncd("check")
    assert (ended.code, line(ended.out, "members: examples[0]")) == (2, f"✗ members: examples[0]: {words}")


def test_a_column_of_an_example_that_the_list_does_not_have_is_told(office: Office) -> None:
    append(office, '[[sync.members.examples]]\ngiven = { Nr = "1", Nachnam = "A" }\nexpect = { foreign_id = "M-1" }\n')
    ended = office.syncd("check")
    told = "✗ members: examples[0]: the source has no column 'Nachnam' (given)"
    assert (ended.code, line(ended.out, "members: examples[0]"), line(ended.out, "members: examples")) == (2, told, "")


def test_a_column_that_is_missing_is_said_to_be_near_another_only_where_one_is(office: Office) -> None:
    office.reconfigure('surname = "Nachname"', 'surname = "Qwxyz"')
    assert line(office.syncd("check").out, "members: source").endswith(": write it as the header does")


def test_an_example_that_cannot_be_mapped_is_told_with_the_reason(office: Office) -> None:
    append(office, (EXAMPLE % 'date_of_birth = "1971-04-03"').replace("03.04.1971", "3/4/71"))
    told = line(office.syncd("check").out, "members: examples[0]")
    assert told == "✗ members: examples[0]: date_of_birth: is not a date in the form 31.12.1980"


def test_offline_a_field_with_a_look_up_is_not_judged_and_that_is_said(office: Office) -> None:
    append(office, EXAMPLE % RIGHT.replace('"DE"', "4711"))
    ended = office.syncd("check", "--offline")
    assert ended.code == 0
    assert line(ended.out, "members: examples").endswith("without go~mus's lists not judged: addr_country_id")


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ('given = { A = "1" }\nexpect = { surnam = "x" }', "examples[0].expect.surnam: is not among 'fields'; did you"),
        ('given = { A = "1" }\nexpect = { notes = "x" }', "examples[0].expect.notes: is not among 'fields'"),
        ('given = { A = "1" }\nexpect = { name = 1.5 }', "examples[0].expect.name: takes a text, a number"),
        ('given = { A = "1" }\nexpekt = { name = "x" }', "examples[0].expekt: unknown key; did you mean 'expect'?"),
        ('given = {}\nexpect = { name = "x" }', "examples[0].given: must have at least 1"),
    ],
)
def test_a_mistake_in_an_example_is_told_with_its_place(office: Office, example: str, words: str) -> None:
    append(office, f"[[sync.members.examples]]\n{example}\n")
    ended = office.syncd("check")
    assert (ended.code, f"sync.members.{words}" in ended.out) == (2, True)
