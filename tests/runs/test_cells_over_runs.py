"""What a cell may hold, over runs: an upgrade and another spelling write nothing, and nobody goes for it."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from museum import Museum, member

from syncd.domain.records import NumberCell
from syncd.domain.runs import Status
from syncd.mapping import ids as id_reading
from syncd.mapping import mapper as mapping
from syncd.state.known import KnownRow


def ids(museum: Museum) -> set[str | None]:
    return {one["foreign_id"] for one in museum.sandbox.customers}


def before(museum: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of the version that took every cell as it came."""
    with monkeypatch.context() as patch:
        patch.setattr(mapping, "in_one_line", str.strip)
        patch.setattr(id_reading, "in_one_line", str.strip)
        patch.setattr(mapping, "in_lines", str.strip)
        assert museum.run().status is Status.DONE


def is_unmoved(museum: Museum, customers: set[str | None]) -> bool:
    return museum.run().status is Status.DONE and museum.writes() == [] and ids(museum) == customers


OTHER_SPELLINGS = [
    ("Zoë-1", unicodedata.normalize("NFD", "Zoë-1")),
    ("A47", "A\u206047"),
    ("A47", "\u2066A47\u2069"),
    ("000815", '="000815"'),
    ("000815", "'000815"),
    ("Čapek", '="\u200b' + unicodedata.normalize("NFD", "Čapek") + '"'),
]
TEXT = {"family": "Müller", "given": "Zoë", "notes": "schön\nund gut"}


@pytest.mark.in_part(2)
@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_an_odd_id_that_is_known_stays_whichever_spelling_the_source_has(
    museum: Museum, monkeypatch: pytest.MonkeyPatch, name: str, odd: str
) -> None:
    museum.rows[:] = [member(1), member(2, id=odd)]
    before(museum, monkeypatch)
    known = ids(museum)
    assert f"M-{odd}" in known
    assert is_unmoved(museum, known)
    museum.rows[1]["id"] = name
    assert is_unmoved(museum, known)
    museum.rows[1]["id"] = f"\u2009{unicodedata.normalize('NFD', name)}\u200e"
    assert is_unmoved(museum, known)
    assert museum.verify().compared == 2


@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_a_plain_id_stays_where_the_source_begins_to_spell_it_oddly(museum: Museum, name: str, odd: str) -> None:
    museum.rows[:] = [member(1), member(2, id=name)]
    museum.run()
    museum.rows[1]["id"] = odd
    assert is_unmoved(museum, {"M-0001", f"M-{name}"})


@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_a_changed_value_reaches_who_is_known_under_the_odd_id(
    here: Museum, monkeypatch: pytest.MonkeyPatch, name: str, odd: str
) -> None:
    here.rows[:] = [member(2, id=odd)]
    before(here, monkeypatch)
    here.rows[:] = [member(2, id=name, phone="+493023125999")]
    here.run()
    assert [write.customers for write in here.writes()] == [[{"tel": "+493023125999"}]]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_same_list_in_the_other_unicode_form_changes_nothing(here: Museum, form: Any) -> None:
    other = "NFD" if form == "NFC" else "NFC"
    here.rows[:] = [{k: unicodedata.normalize(form, str(v)) for k, v in member(n, **TEXT).items()} for n in (1, 2, 3)]
    here.run()
    here.rows[:] = [{k: unicodedata.normalize(other, str(v)) for k, v in row.items()} for row in here.rows]
    assert is_unmoved(here, ids(here))


def test_text_that_went_out_decomposed_is_not_sent_again_for_its_form(
    here: Museum, monkeypatch: pytest.MonkeyPatch
) -> None:
    decomposed = {name: unicodedata.normalize("NFD", text) for name, text in TEXT.items()}
    here.rows[:] = [member(1, **decomposed)]
    before(here, monkeypatch)
    here.rows[:] = [member(1, **TEXT)]
    assert is_unmoved(here, {"M-0001"})
    here.audit_per_run = 5
    assert is_unmoved(here, {"M-0001"})
    here.rows[:] = [member(1, **TEXT, phone="+493023125999")]
    here.run()
    assert [write.customers for write in here.writes()] == [[{"tel": "+493023125999"}]]
    assert here.verify().drifts == ()


@pytest.mark.parametrize("cell", ["#VALEUR!", "3E+12", "(null)", "M\ufffdller"])
def test_what_went_out_before_and_is_refused_now_is_left_alone_until_it_changes(
    here: Museum, monkeypatch: pytest.MonkeyPatch, cell: str
) -> None:
    here.rows[:] = [member(1, family="Muster"), member(2)]
    here.run()
    here.rows[0]["family"] = cell
    assert here.run().status is Status.PROBLEMS
    assert here.writes() == []
    assert "surname" in here.listed()["M-0001"]
    assert cell not in here.listed()["M-0001"]
    assert {one["surname"] for one in here.sandbox.customers} == {"Muster", "Muster2"}


@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_two_ids_of_a_list_that_are_one_are_both_invalid(here: Museum, name: str, odd: str) -> None:
    here.rows[:] = [member(1), member(2, id=name), member(3, id=odd)]
    assert here.run().status is Status.PROBLEMS
    assert ids(here) == {"M-0001"}
    assert here.listed().keys() == {f"M-{name}"}
    assert len(here.store.failures.invalid("members")) == 2


@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_two_that_are_known_under_ids_written_alike_stay_two(
    here: Museum, monkeypatch: pytest.MonkeyPatch, name: str, odd: str
) -> None:
    here.rows[:] = [member(1), member(2, id=name), member(3, id=odd)]
    before(here, monkeypatch)
    assert is_unmoved(here, {"M-0001", f"M-{name}", f"M-{odd}"})
    here.rows[2]["phone"] = "+493023125999"
    here.run()
    assert [write.customers for write in here.writes()] == [[{"tel": "+493023125999"}]]


def test_an_id_that_is_no_value_any_more_is_listed_and_nobody_goes(here: Museum) -> None:
    here.rows[:] = [member(1), member(2), member(3)]
    here.run()
    here.rows[1]["id"] = "7E+11"
    assert here.run().status is Status.PROBLEMS
    assert here.run().status is Status.PROBLEMS
    assert ids(here) == {"M-0001", "M-0002", "M-0003"}


@pytest.mark.parametrize("value", [False, float("-inf"), "B\udfff", {"id": 1}])
def test_one_id_that_is_none_stops_nobody_else(museum: Museum, value: object) -> None:
    museum.rows[:] = [member(1), member(2, id=value), member(3)]
    assert museum.run().status is Status.PROBLEMS
    assert ids(museum) == {"M-0001", "M-0003"}


@pytest.mark.parametrize(("name", "odd"), OTHER_SPELLINGS)
def test_who_was_erased_under_the_odd_id_is_not_created_again(
    museum: Museum, monkeypatch: pytest.MonkeyPatch, name: str, odd: str
) -> None:
    museum.rows[:] = [member(1), member(2, id=odd)]
    before(museum, monkeypatch)
    museum.erase(f"M-{odd}")
    assert museum.run().status is Status.PROBLEMS
    assert ids(museum) == {"M-0001"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_who_was_erased_in_one_unicode_form_is_not_created_in_the_other(
    here: Museum, monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    name = unicodedata.normalize(form, "Zoë-1")
    here.rows[:] = [member(1), member(2, id=name)]
    before(here, monkeypatch)
    here.erase(f"M-{name}")
    for other in ("NFC", "NFD"):
        here.rows[1] = member(2, id=unicodedata.normalize(other, name), notes=other)
        here.run()
        assert here.writes() == []


def test_changes_of_who_is_known_under_an_odd_id_end_with_them(here: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    here.rows[:] = [member(1), member(2), member(3, id="C\u20637")]
    before(here, monkeypatch)
    here.rows[:] = [member(1), member(2)]
    here.limits = replace(here.limits)
    here.run()
    assert ids(here) == {"M-0001", "M-0002"}


def test_only_ids_that_may_be_written_otherwise_are_asked_for(museum: Museum) -> None:
    museum.fill(3)
    museum.run()
    odd = ["M-Zoë", "M-7\u200b", 'M-="7"']
    museum.store.known.put("members", [KnownRow(foreign_id=one, gomus_id=90 + n) for n, one in enumerate(odd)])
    assert {one.foreign_id for one in museum.store.known.each_unusual("members")} == set(odd)


def test_a_number_that_is_an_id_keeps_it_where_its_format_begins_to_be_read(museum: Museum) -> None:
    museum.rows[:] = [member(number, id=str(number)) for number in range(1, 31)]
    museum.run()
    known = ids(museum)
    for number, row in enumerate(museum.rows, start=1):
        row["id"] = NumberCell(f"{number:06d}", plain=str(number))
    assert is_unmoved(museum, known)
    museum.rows.append(member(31, id=NumberCell("000031", plain="31")))
    museum.run()
    assert ids(museum) == known | {"M-000031"}
