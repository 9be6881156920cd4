"""`check` on a terminal: the words and values that it shows there alone."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office
from terminal import on_a_terminal

FIELD = 'customer_salutation_id = { from = "Anrede", lookup = "salutation"%s }\n'
WORDS = ["Frau", "Herr und Frau", "Firma", "", "firma"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.columns.append("Anrede")
        for number, row in enumerate(office.rows):
            row.append(WORDS[number % len(WORDS)])
        office.export()
        office.reconfigure("[sync.members.fields]\n", f"[sync.members.fields]\n{FIELD % ''}")
        yield office


def check(office: Office, *options: str) -> tuple[int, list[str]]:
    code, shown = on_a_terminal(office, "check", *options)
    return code, shown.decode().splitlines()


def beginning(lines: list[str], start: str) -> str:
    return next((one for one in lines if one.startswith(start)), "")


def below(lines: list[str], start: str) -> list[str]:
    """The lines below the one that begins so, as far as they are further in."""
    first = lines.index(beginning(lines, start)) + 1
    depth = len(start) - len(start.lstrip())
    last = next((at for at in range(first, len(lines)) if lines[at][: depth + 1].strip()), len(lines))
    return lines[first:last]


def draft(lines: list[str], start: str) -> str:
    """The map that is to be pasted."""
    return below(lines, start)[0].partition(": ")[2]


def test_words_that_no_list_has_are_grouped_with_what_there_is(office: Office) -> None:
    code, lines = check(office)
    told = '✗ members: Anrede: "Herr und Frau" 8, "Firma" 8, "firma" 8; go~mus has Herr, Frau, Divers, Familie'
    assert (code, beginning(lines, "✗ members: Anrede")) == (3, told)


def test_the_map_to_paste_has_all_words_and_those_that_are_known_lead_to_themselves(office: Office) -> None:
    _, lines = check(office)
    drafted = tomllib.loads(draft(lines, "✗ members: Anrede"))
    assert drafted == {"map": {"Frau": "Frau", "Herr und Frau": "?", "Firma": "?"}}


def test_the_map_once_pasted_and_filled_in_leaves_no_word(office: Office) -> None:
    _, lines = check(office)
    filled = draft(lines, "✗ members: Anrede").replace('"?"', '"Familie"')
    office.reconfigure(FIELD % "", FIELD % f", {filled}")
    assert check(office)[0] == 0


def test_the_map_once_pasted_and_not_filled_in_is_still_told(office: Office) -> None:
    _, lines = check(office)
    office.reconfigure(FIELD % "", FIELD % f", {draft(lines, '✗ members: Anrede')}")
    code, lines = check(office)
    assert (code, '"Herr und Frau" 8' in beginning(lines, "✗ members: Anrede")) == (3, True)


def test_a_map_that_lacks_words_is_completed_as_it_stands(office: Office) -> None:
    office.reconfigure(FIELD % "", FIELD % ', map = { firma = "Divers" }')
    _, lines = check(office)
    drafted = tomllib.loads(draft(lines, "✗ members: Anrede"))
    assert drafted == {"map": {"firma": "Divers", "Frau": "Frau", "Herr und Frau": "?"}}


def test_of_a_long_list_only_what_is_near_is_named(office: Office) -> None:
    office.rows[0][6] = "Östereich"
    office.export()
    told = '! members: Land: "Östereich" 1; go~mus has 249 others, such as Österreich; they are sent with the default'
    assert beginning(check(office)[1], "! members: Land") == told


def test_words_with_quotes_can_be_pasted(office: Office) -> None:
    office.rows[0][7] = 'Frau "Dr." \\ Müller'
    office.export()
    assert 'Frau "Dr." \\ Müller' in tomllib.loads(draft(check(office)[1], "✗ members: Anrede"))["map"]


def test_as_json_no_word_is_shown_on_a_terminal_either(office: Office) -> None:
    _, shown = on_a_terminal(office, "check", "--json")
    assert b"Firma" not in shown


def test_as_json_no_values_are_shown(office: Office) -> None:
    assert on_a_terminal(office, "check", "--json", "--show-values")[0] == 2


def test_without_show_values_no_record_is_shown(office: Office) -> None:
    assert beginning(check(office)[1], "✓ members: values") == ""


def test_ten_records_are_shown_those_with_problems_first(office: Office) -> None:
    office.rows[20][5] = "31.02.1971"
    office.export()
    _, lines = check(office, "--show-values")
    heads = [one for one in below(lines, "✓ members: values") if one[2] != " "]
    assert heads[:3] == [
        "  members.csv line 3: M-0002, not sent",
        "  members.csv line 4: M-0003, not sent",
        "  members.csv line 22: M-0021, not sent",
    ]
    assert (len(heads), [one for one in heads[3:] if "not sent" in one]) == (10, [])


def test_each_field_is_shown_with_its_cell_and_what_becomes_of_it(office: Office) -> None:
    _, lines = check(office, "--show-values")
    assert below(lines, "  members.csv line 2: M-0001") == [
        '      Anrede "Frau" → customer_salutation_id = 3',
        '      Vorname "Zzvor1" → name = "Zzvor1"',
        '      Nachname "Zznäch1" → surname = "Zznäch1"',
        '      E-Mail "zzmail1@example.org" → email = "zzmail1@example.org"',
        '      Telefon "030 23125001" → tel = "+493023125001"',
        '      Geboren "03.04.1971" → date_of_birth = "1971-04-03"',
        "      Land nothing → addr_country_id = 60",
    ]


def test_a_problem_comes_first_in_its_record(office: Office) -> None:
    office.rows[0][5] = "31.02.1971"
    office.export()
    _, lines = check(office, "--show-values")
    told = '    ✗ Geboren "31.02.1971" → date_of_birth: is not a date in the form 31.12.1980'
    assert below(lines, "  members.csv line 2: M-0001, not sent")[0] == told


def test_a_record_without_an_id_is_shown_with_the_reason(office: Office) -> None:
    office.rows[3][0] = ""
    office.export()
    _, lines = check(office, "--show-values")
    assert below(lines, "  members.csv line 5: without an id, not sent")[0] == "    ✗ foreign_id: 'Nr' is empty"


def test_an_id_that_stands_twice_is_shown_as_not_sent(office: Office) -> None:
    office.rows.append([*office.rows[0]])
    office.rows[-1][1] = "Anders"
    office.export()
    told = "  members.csv line 2: M-0001, not sent: its id stands more than once"
    assert told in check(office, "--show-values")[1]


def test_one_who_is_known_is_shown_as_go_mus_has_them(office: Office) -> None:
    office.syncd("--once")
    office.rows[0][1] = "Anna"
    office.export()
    _, lines = check(office, "--show-values")
    told = below(lines, "  members.csv line 2: M-0001")
    assert told[1] == '      Vorname "Anna" → name = "Anna"   (go~mus has "Zzvor1")'
    assert [one for one in below(lines, "  members.csv line 7: M-0006") if "go~mus" in one] == []


def test_offline_an_id_of_a_list_is_not_made_up(office: Office) -> None:
    _, lines = check(office, "--show-values", "--offline")
    told = '      Anrede "Frau" → customer_salutation_id: an id of the salutation list, which is not known here'
    assert below(lines, "  members.csv line 2: M-0001")[0] == told


def test_an_example_that_comes_out_otherwise_is_shown_with_values(office: Office) -> None:
    example = '[[sync.members.examples]]\ngiven = { Nr = "1", Vorname = "Anna" }\nexpect = { name = "Änna" }\n'
    office.configure((office.folder / "config.toml").read_text(encoding="utf-8") + example)
    told = "✗ members: examples[0]: name: comes out as 'Anna', expected was 'Änna'"
    assert beginning(check(office)[1], "✗ members: examples[0]") == told


def test_name_and_surname_of_a_customer_are_shown(office: Office) -> None:
    office.reconfigure(f"{FIELD % ''}", "")
    office.syncd("--once")
    _, lines = check(office, "--customer", "0003")
    assert lines[-1] == "✓ main: customer M-0003: name = 'Zzvor3', surname = 'Zznäch3'"
