"""Certificates of erasures: each step with its time, what is left and out of reach, and never a word of whom."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from office import MARKS, Office, open_office
from werkzeug.wrappers import Response

from syncd.sandbox.proxy import Passing, html
from syncd.sandbox.switches import Switches

LEDGER = 'url = "sqlite:///state/syncd.db"\nledger = "erasures.ledger"\nledger_key = { env = "LEDGER_KEY" }'
EMPTIED = ["found", "emptying", "emptied", "replaced", "read_back"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.rows = office.rows[:6]
        office.export()
        office.syncd("--once")
        yield office


def losing_first(*methods: str) -> Callable[[Passing], Response]:
    """The first call of each of these methods acts, and its answer is lost."""
    left = list(methods)

    def hook(call: Passing) -> Response:
        answer = call.act()
        if call.method not in left:
            return answer
        left.remove(call.method)
        return html(502)

    return hook


def certificate(office: Office, *arguments: str, file: str = "certificate.json") -> dict[str, Any]:
    ended = office.syncd("erasures", "--certificate", file, *arguments)
    assert (ended.code, ended.out) == (0, "")
    found: dict[str, Any] = json.loads((office.folder / file).read_text(encoding="utf-8"))
    return found


def only(office: Office, *arguments: str) -> dict[str, Any]:
    (erasure,) = certificate(office, *arguments)["erasures"]
    return dict(erasure)


def codes(erasure: dict[str, Any]) -> list[str]:
    return [step["code"] for step in erasure["steps"]]


# --- a bad day: a second address, a delete that is refused, a call that was lost ---


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as office:
        office.rows = office.rows[:6]
        office.export()
        office.sandbox.switches = Switches(delete_with_orders="refused-422", address="nested")
        office.syncd("--once")
        [customer] = office.sandbox.by_foreign_id("M-0002")
        office.sandbox.add_order(customer.id)
        office.sandbox.add_address(customer.id, city="Zzort", street="Zzweg 1")
        office.sandbox.hook = losing_first("PUT")
        ended = office.syncd("erase", "M-0002", "--by", "Frau Amt", "--why", "Az. 4711", "--certificate", "a.html")
        assert ended.code == 0
        for lang in ("de", "en"):
            for form in ("html", "json"):
                office.syncd("erasures", "--certificate", f"{lang}.{form}", "--lang", lang)
        yield office


FILES = ("a.html", "de.html", "en.html", "de.json", "en.json")


@pytest.mark.parametrize("file", FILES)
def test_it_holds_no_value_and_no_id(bad_day: Office, file: str) -> None:
    text = (bad_day.folder / file).read_text(encoding="utf-8")
    assert not [mark for mark in (*MARKS, "0002", "Zzort", "Zzweg") if mark in text]


@pytest.mark.parametrize("file", FILES)
def test_only_its_owner_reads_it(bad_day: Office, file: str) -> None:
    assert stat.S_IMODE((bad_day.folder / file).stat().st_mode) == 0o600


@pytest.mark.parametrize("file", FILES)
def test_it_says_that_fields_were_emptied_and_not_that_somebody_is_anonymous(bad_day: Office, file: str) -> None:
    text = (bad_day.folder / file).read_text(encoding="utf-8")
    assert ("anonym" in text.lower(), "emptied" in text or "eleert" in text) == (False, True)


def test_every_step_is_told_in_its_order(bad_day: Office) -> None:
    (erasure,) = json.loads((bad_day.folder / "en.json").read_text(encoding="utf-8"))["erasures"]
    emptied = ["found_more", "emptying", "emptying_lost", "took_effect", *EMPTIED[2:]]
    assert codes(erasure) == [*emptied, "found_more", "needed", "released"]
    times = [step["at"] for step in erasure["steps"]]
    assert times == sorted(times)
    assert erasure["steps"][4]["fields"] == ["name", "surname", "email", "tel", "date_of_birth"]


def test_what_is_left_is_told(bad_day: Office) -> None:
    (erasure,) = json.loads((bad_day.folder / "en.json").read_text(encoding="utf-8"))["erasures"]
    assert (erasure["state"], [one["code"] for one in erasure["left"]]) == ("left", ["customer", "addresses"])


@pytest.mark.parametrize(
    ("file", "sentences"),
    [
        (
            "de.html",
            [
                "Abgeschlossen mit Rest",
                "1 weitere Anschrift erreicht die Schnittstelle nicht",
                "Der Aufruf blieb ohne verlässliche Antwort.",
                "weil anderes an ihm hängt, etwa Bestellungen",
                "§ 147 AO",
                "Frau Amt",
                "Az. 4711",
            ],
        ),
        (
            "en.html",
            [
                "Finished, with something left",
                "1 further address is not reached by the API",
                "The call got no answer that can be relied on.",
                "for other entries hang on it, such as orders",
                "§ 147 AO",
                "Frau Amt",
                "Az. 4711",
            ],
        ),
    ],
)
def test_the_page_tells_all_of_it(bad_day: Office, file: str, sentences: list[str]) -> None:
    page = (bad_day.folder / file).read_text(encoding="utf-8")
    assert [sentence for sentence in sentences if sentence not in page] == []


def test_the_page_says_its_language_and_loads_nothing(bad_day: Office) -> None:
    page = (bad_day.folder / "de.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert "default-src 'none'" in page
    assert [word for word in ("<script", "http://", "https://") if word in page] == []


# --- other days ---


def test_who_is_gone_is_told_as_done(office: Office) -> None:
    office.syncd("erase", "M-0002")
    erasure = only(office)
    assert (erasure["state"], erasure["left"]) == ("done", [])
    assert codes(erasure) == [*EMPTIED, "found", "deleted", "gone"]
    assert erasure["ended_at"] >= erasure["asked_at"]


def test_a_lost_delete_is_told_with_what_a_look_found(office: Office) -> None:
    office.sandbox.hook = losing_first("DELETE")
    office.syncd("erase", "M-0002")
    assert codes(only(office))[-3:] == ["delete_lost", "took_effect", "gone"]


def test_a_delete_that_has_not_come_is_told_so_and_is_sent_again(office: Office) -> None:
    left = [1]
    office.sandbox.hook = lambda call: html(502) if call.method == "DELETE" and left and left.pop() else call.act()
    office.syncd("erase", "M-0002")
    assert codes(only(office))[-4:] == ["delete_lost", "no_effect", "deleted", "gone"]


def test_a_field_that_stays_is_named(office: Office) -> None:
    office.sandbox.switches = Switches(login_email="kept", delete_with_orders="refused-409")
    [customer] = office.sandbox.by_foreign_id("M-0002")
    office.sandbox.give_login(customer.id)
    office.sandbox.add_order(customer.id)
    office.syncd("erase", "M-0002")
    erasure = only(office)
    assert (erasure["state"], [one["code"] for one in erasure["left"]]) == ("left", ["customer", "fields"])
    assert "email" in erasure["left"][1]["text"]


def test_who_was_never_there_has_a_certificate_too(office: Office) -> None:
    office.syncd("erase", "M-0099")
    erasure = only(office)
    assert (erasure["state"], codes(erasure)) == ("done", ["gone"])


def test_an_open_erasure_is_told_with_how_often_it_failed(office: Office) -> None:
    office.sandbox.hook = lambda call: html(500) if call.path.endswith("M-0002") else call.act()
    for _ in range(3):
        office.syncd("erase", "M-0002")
    erasure = only(office)
    assert (erasure["state"], erasure["ended_at"]) == ("open", None)
    assert codes(erasure) == ["before", "failed"]
    assert erasure["steps"][0]["number"] == 2


def test_whoever_asks_once_more_does_not_wipe_out_what_was_done(office: Office) -> None:
    office.syncd("erase", "M-0002")
    assert "is no longer in go~mus" in office.syncd("erase", "M-0002").out
    assert codes(only(office)) == [*EMPTIED, "found", "deleted", "gone", "gone"]


# --- which of them ---


def test_whoever_asks_once_more_does_not_take_the_place_of_who_has_asked(office: Office) -> None:
    office.syncd("erase", "M-0001", "--yes", "--by", "Dr. X", "--why", "letter 7")
    first = only(office)
    office.syncd("erase", "M-0001", "--yes")
    again = only(office)
    assert [again[key] for key in ("asked_at", "by", "why")] == [first[key] for key in ("asked_at", "by", "why")]
    assert again["why"] == "letter 7"


def test_who_was_created_again_is_asked_for_anew(office: Office) -> None:
    office.syncd("erase", "M-0001", "--yes", "--why", "letter 7")
    office.syncd("erase", "M-0001", "--undo")
    office.syncd("--once")
    office.syncd("erase", "M-0001", "--yes", "--why", "letter 8")
    assert only(office)["why"] == "letter 8"


def test_one_person_is_told_by_the_beginning_of_the_hash(office: Office) -> None:
    office.syncd("erase", "M-0002", "M-0003")
    names = [one["name"] for one in certificate(office)["erasures"]]
    assert len(names) == 2
    assert only(office, "--name", names[1][:8])["name"] == names[1]


@pytest.mark.parametrize("name", ["", "0123", "0123456789abcdef"])
def test_a_hash_of_nobody_is_a_mistake_of_use(office: Office, name: str) -> None:
    office.syncd("erase", "M-0002")
    ended = office.syncd("erasures", "--certificate", "c.html", "--name", name)
    assert (ended.code, (office.folder / "c.html").exists()) == (2, False)


def test_a_time_tells_which_are_meant(office: Office) -> None:
    office.syncd("erase", "M-0002")
    assert len(certificate(office, "--since", "1d")["erasures"]) == 1
    assert certificate(office, "--since", "0s")["erasures"] == []
    assert office.syncd("erasures", "--since", "soon").code == 2


@pytest.mark.parametrize("command", [["erase", "M-0002"], ["erasures"]])
def test_a_file_of_another_kind_is_refused_before_anything_is_done(office: Office, command: list[str]) -> None:
    office.sandbox.reset_calls()
    ended = office.syncd(*command, "--certificate", "certificate.pdf")
    assert (ended.code, ".html" in ended.err, list(office.sandbox.calls)) == (2, True, [])


def test_a_folder_that_is_not_there_is_told_with_what_stands(office: Office) -> None:
    ended = office.syncd("erase", "M-0002", "--certificate", "nowhere/c.html")
    assert (ended.code, office.sandbox.by_foreign_id("M-0002")) == (1, [])
    assert "syncd erasures --certificate FILE" in ended.err


def test_of_a_lost_state_the_ledger_tells_that_it_was_asked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_KEY", "the key of the ledger, which is long")
    office.reconfigure('url = "sqlite:///state/syncd.db"', LEDGER)
    office.syncd("erase", "M-0002")
    for file in (office.folder / "state").iterdir():
        file.unlink()
    erasure = only(office)
    assert (erasure["state"], erasure["steps"], erasure["by"]) == ("unknown", [], None)
