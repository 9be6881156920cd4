"""What a cell may hold: how its text is written, what is refused with which remedy, and how a person allows it."""

import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.domain.records import Customer, FieldProblem, InvalidRecord, LookupEntry, Position, SourceRecord
from syncd.gomus.fields import FIELDS
from syncd.mapping.cells import in_lines, in_one_line
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec

LOOKUPS = {"country": Lookup("country", [LookupEntry(id=7, names=("Österreich", "AT"))])}
HERE = Position(source="members.csv", line=7)


def mapper(foreign_id: object = None, **fields: object) -> Mapper:
    return Mapper(
        foreign_id=ForeignIdSpec.model_validate(foreign_id or {"from": "Nr", "prefix": "M-"}),
        fields={name: FieldSpec.model_validate(spec) for name, spec in fields.items()},
        catalogue=FIELDS,
    )


def mapped(value: object, field: str = "surname", **spec: object) -> object:
    """The value of one field, or the reason why there is none."""
    one = mapper(**{field: {"from": "Spalte", **spec}})
    result = one.customer(SourceRecord(values={"Nr": "1", "Spalte": value}, position=HERE), LOOKUPS)
    if isinstance(result, InvalidRecord):
        (problem,) = result.problems
        assert len(str(value)) < 3 or str(value) not in problem.reason.replace("null-if", "")
        return problem
    return result.fields[field]


def identified(value: object, **spec: object) -> object:
    found = mapper({"from": "Nr", "prefix": "M-", **spec}).foreign_id_of(
        SourceRecord(values={"Nr": value}, position=HERE)
    )
    assert (
        not isinstance(found, FieldProblem)
        or len(str(value)) < 3
        or str(value) not in found.reason.replace("null-if", "")
    )
    return found


def is_refused(found: object, words: str) -> bool:
    return isinstance(found, FieldProblem) and words in found.reason


# --- how text is written ---


@pytest.mark.parametrize("text", ["Zoë", "Ångström", "Đặng", "Čapek", "한국", "Ïyánu"])
@pytest.mark.parametrize("field", ["surname", "notes", "addr_city"])
def test_text_is_composed(text: str, field: str) -> None:
    assert mapped(unicodedata.normalize("NFD", text), field) == text


@pytest.mark.parametrize("sign", "\u2060 \u202a \u2066 \u061c \u180e \ufff9 \U000e0041 \u034f \u3164 \u200b".split())
def test_what_nobody_sees_is_taken_out_of_one_line_and_of_ids(sign: str) -> None:
    assert mapped(f"{sign}Ma{sign}rx{sign}") == "Marx"
    assert mapped(f"a{sign}b@example.org", "email") == "ab@example.org"
    assert identified(f"4{sign}7") == "M-47"
    assert mapped(sign) is None


@pytest.mark.parametrize("sign", ["\u2060", "\u200e", "\u00ad"])
def test_what_nobody_sees_stays_in_notes(sign: str) -> None:
    assert mapped(f"Ma{sign}rx", "notes") == f"Ma{sign}rx"


@pytest.mark.parametrize("name", ["علی\u200cرضا", "क्\u200dष", "ക\u0d4d\u200d", "👩\u200d🎨"])
def test_what_joins_letters_stays_where_the_script_has_it(name: str) -> None:
    assert mapped(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", ["Ma\u200crx", "\u200dMarx", "Marx\u200c", "Ma\u200d\u200drx"])
def test_what_joins_letters_goes_where_the_script_has_none(name: str) -> None:
    assert mapped(name) == "Marx"


@pytest.mark.parametrize("blank", ["\u2009", "\u3000", "\u205f", "\u2028", "\u1680"])
def test_a_blank_of_any_kind_is_a_blank(blank: str) -> None:
    assert mapped(f"van{blank}Gogh{blank}") == "van Gogh"
    assert identified(f"{blank}47{blank}") == "M-47"


@pytest.mark.parametrize(
    ("cell", "text"),
    [('="0815"', "0815"), ('="+43 1 5"', "+43 1 5"), ('="Café ""Zum Ochsen"""', 'Café "Zum Ochsen"'), ('="  7 "', "7")],
)
@pytest.mark.parametrize("field", ["surname", "tel", "addr_zip", "notes"])
def test_excels_guard_is_taken_off_in_every_field(cell: str, text: str, field: str) -> None:
    assert mapped(cell, field) == text


@pytest.mark.parametrize(
    ("cell", "text"), [("'0815", "0815"), (" '+43 1 5", "+43 1 5"), ("'-5", "-5"), ("'5 Straße", "5 Straße")]
)
def test_the_apostrophe_with_which_a_number_is_marked_as_text_is_taken_off(cell: str, text: str) -> None:
    assert mapped(cell) == text


@pytest.mark.parametrize("cell", ["'t Hooft", "'s-Gravenhage", "O'Neill", "'", "5'", "''5"])
def test_other_apostrophes_stay(cell: str) -> None:
    assert mapped(cell) == cell


@pytest.mark.parametrize("cell", ['=""', '=" "', '="\u200b"'])
def test_nothing_in_excels_guard_is_nothing(cell: str) -> None:
    assert mapped(cell) is None
    assert is_refused(identified(cell), "is empty")


@pytest.mark.parametrize("cell", ['="0815', "=B2", '="a"&"b"', '2="x"'])
def test_what_is_no_guard_of_excel_stays(cell: str) -> None:
    assert mapped(cell) == cell


def test_cells_of_a_template_are_written_the_same_way() -> None:
    one = mapper(addr_street={"template": "{a} {b}"})
    values = {"Nr": "1", "a": "Sta\u00adllstra\u200bße", "b": '="007"'}
    found = one.customer(SourceRecord(values=values, position=HERE), {})
    assert isinstance(found, Customer)
    assert found.fields == {"addr_street": "Stallstraße 007"}


def test_words_of_the_configuration_are_met_in_either_form() -> None:
    word = unicodedata.normalize("NFD", "Förderer")
    assert mapped("Förderer", "is_institution", map={word: True}) is True
    assert mapped("Förderer", transform=[{"null-if": [word]}]) is None
    assert mapped(unicodedata.normalize("NFD", "Österreich"), "addr_country_id", lookup="country") == 7


@given(st.text())
@example("ק\ufb1d\u200d")
@example('="="1""')
def test_to_write_it_twice_changes_nothing(text: str) -> None:
    assert in_one_line(in_one_line(text)) == in_one_line(text)
    assert in_lines(in_lines(text)) == in_lines(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="=\"'")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert in_one_line(text) == in_lines(text) == text.strip()


@given(st.text())
def test_ids_written_alike_are_one(text: str) -> None:
    composed, decomposed = (identified(unicodedata.normalize(form, text)) for form in ("NFC", "NFD"))
    assert composed == decomposed


# --- what is refused ---

ERRORS = [
    "#¡REF!",
    "#¿NOMBRE?",
    "#VALEUR!",
    "#RIF!",
    "#WAARDE!",
    "#DEEL/0!",
    "#N/D",
    "#LICZBA!",
    "#HODNOTA!",
    "#DĚLENÍ_NULOU!",
    "#VÆRDI!",
    "#SAKNAS!",
    "#ИМЯ?",
    "#Н/Д",
    "#KALK!",
    "#GETTING_DATA",
    "#ERROR!",
    "#VALUE",
    "#DIV/0",
    "#WERT",
    "Err:508",
    "###",
    "#####",
]
SHORTENED = ["2,30231E+10", "7.5E+09", "3E+12", "-1,5E+06", "4,9e+11", "1,2E-05", "4.91512345678E11", "1.5E7"]
PLACEHOLDERS = [
    "NaN",
    "<NULL>",
    "(null)",
    "[NULL]",
    "null",
    "undefined",
    "<NA>",
    "NaT",
    "<none>",
    "N/A",
    "n/a",
    "&nbsp;",
    "(leer)",
]
PLACEHOLDERS += ["[object Object]", "NIL"]
ALL = [(ERRORS, "error of a spreadsheet"), (SHORTENED, "shortened by Excel"), (PLACEHOLDERS, "word for nothing")]
REFUSED = [(cell, words) for cells, words in ALL for cell in cells]


@pytest.mark.parametrize(("cell", "words"), REFUSED)
@pytest.mark.parametrize("field", ["surname", "tel", "notes", "email", "date_of_birth", "is_institution"])
def test_what_is_no_value_is_refused_in_every_field(cell: str, words: str, field: str) -> None:
    assert is_refused(mapped(cell, field), words)


@pytest.mark.parametrize(("cell", "words"), REFUSED)
def test_what_is_no_value_is_no_id(cell: str, words: str) -> None:
    assert is_refused(identified(cell), words)


@pytest.mark.parametrize(("cell", "words"), REFUSED)
def test_it_is_refused_whatever_transforms_would_make_of_it(cell: str, words: str) -> None:
    assert is_refused(mapped(cell, transform=["digits", "lower"]), words)
    assert is_refused(mapped(f"\u200b{cell} ", default="-"), words)


@pytest.mark.parametrize(("cell", "words"), REFUSED)
def test_it_is_refused_in_a_part_of_a_template(cell: str, words: str) -> None:
    one = mapper(addr_street={"template": "{a} {b}"})
    found = one.customer(SourceRecord(values={"Nr": "1", "a": "Gasse", "b": cell}, position=HERE), {})
    assert isinstance(found, InvalidRecord)
    assert is_refused(found.problems[0], words)


@pytest.mark.parametrize("name", ["Null", "Nan", "NAN", "None Lie", "Nil", "Nullmann", "N.N.", "Undefined"])
def test_a_name_that_looks_alike_passes(name: str) -> None:
    assert mapped(name) == name


@pytest.mark.parametrize("text", ["1E5", "E+05", "12E", "Haus 1E+05", "#1", "#MuseumForAll", "# 5", "5+3", "Error:1"])
def test_a_text_that_looks_alike_passes(text: str) -> None:
    assert mapped(text, "notes") == text
    assert mapped(text) == text


@pytest.mark.parametrize("cell", [cell for cell, _ in REFUSED])
def test_null_if_that_names_it_empties_the_field(cell: str) -> None:
    assert mapped(cell, transform=["strip", {"null-if": ["-", cell.lower()]}]) is None
    assert mapped(cell, transform=["digits", {"null-if": cell}], default="ohne") == "ohne"
    one = mapper(addr_street={"template": "{a} {b}", "transform": [{"null-if": [cell]}]})
    found = one.customer(SourceRecord(values={"Nr": "1", "a": "Gasse", "b": cell}, position=HERE), {})
    assert isinstance(found, Customer)
    assert found.fields == {"addr_street": "Gasse"}


@pytest.mark.parametrize("cell", [cell for cell, _ in REFUSED])
def test_replace_and_map_that_name_it_are_a_persons_word(cell: str) -> None:
    assert mapped(cell, transform=[{"replace": {cell: "Null"}}]) == "Null"
    assert mapped(cell, transform=[{"replace": {cell: cell}}]) == cell
    assert mapped(cell, "is_institution", map={cell: False}) is False


def test_to_replace_a_part_allows_nothing() -> None:
    assert is_refused(mapped("2,30231E+10", transform=[{"replace": {",": "."}}]), "shortened")


def test_what_the_configuration_itself_says_is_a_persons_word() -> None:
    one = mapper(surname={"value": "NULL"}, name={"template": "NULL {Nr}"})
    found = one.customer(SourceRecord(values={"Nr": "1"}, position=HERE), {})
    assert isinstance(found, Customer)
    assert found.fields == {"surname": "NULL", "name": "NULL 1"}


@pytest.mark.parametrize("text", ["M\ufffdller", "\ufffd", "Stra\ufffde"])
@pytest.mark.parametrize("field", ["surname", "notes", "addr_city", "email"])
def test_a_letter_that_was_lost_is_refused_unless_it_is_replaced(text: str, field: str) -> None:
    assert is_refused(mapped(text, field), "letter was lost")
    assert is_refused(identified(text), "letter was lost")
    assert mapped(text, "notes", transform=[{"replace": {"\ufffd": "u"}}]) == text.replace("\ufffd", "u")


NAMES = "Müller Weiß Ärzte Öztürk José João Søren Łódź Dvořák Şahin Jõgi Ștefan D’Angelo 5€".split()
TAKEN_FOR = ["cp1252", "latin-1", "cp1250", "cp1254", "cp850", "cp437", "mac-roman"]


def taken_for(text: str, encoding: str) -> str:
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize("encoding", TAKEN_FOR)
@pytest.mark.parametrize("name", NAMES)
def test_text_that_was_encoded_twice_is_refused(name: str, encoding: str) -> None:
    if encoding not in {"cp1252", "latin-1"} and "Ș" in name:
        return
    twice = taken_for(name, encoding)
    assert is_refused(mapped(twice, "surname"), "taken for another encoding")
    assert is_refused(mapped(taken_for(twice, encoding), "notes"), "taken for another encoding")


def test_what_stands_for_a_letter_that_was_encoded_twice_may_be_named() -> None:
    assert mapped("MÃ¼ller", transform=[{"replace": {"Ã¼": "ü"}}]) == "Müller"
    assert is_refused(mapped("MÃ¼ller-GroÃŸ", transform=[{"replace": {"Ã¼": "ü"}}]), "taken for another encoding")


@pytest.mark.parametrize(
    "name",
    [
        *NAMES, *map(str.upper, NAMES), "SÃO JOÃO", "IRMÃ", "São Tomé", "CONCEIÇÃO", "TÂCHE", "Âme", "DĹŽKA", "PEÑA",
        "„CAFÉ“", "„MÄKELÄ“", "»MÄKELÄ«", "MÄKELÄ–ÅBERG", "MÄKELÄ…", "Klasse „Ä“", "ÅÄÖ", "HÄMEENLINNÄ®", "Þjóðólfur",
        "IRMÃ\xa0ANA", "Nº 5", "5 °C", "§ 5", "Ñ", "NGUYỄN THỊ ÃNH", "Ионова", "Παπάς",
    ],
)  # fmt: skip
def test_what_only_looks_as_if_it_was_encoded_twice_is_taken(name: str) -> None:
    assert mapped(name, "surname") == name.replace("\xa0", " ")


@pytest.mark.parametrize("text", ["A\x92s", "\x84Anna\x94", "a\ud83d"])
def test_half_a_letter_is_refused(text: str) -> None:
    assert isinstance(mapped(text), FieldProblem)
    assert isinstance(mapped(text, "notes"), FieldProblem)
    assert isinstance(identified(text), FieldProblem)


# --- ids ---


@pytest.mark.parametrize(
    "value", [False, float("inf"), float("-inf"), float("nan"), "\udc00", "7\udfff", ["7"], {"a": 1}]
)
def test_an_id_of_an_api_that_is_none_is_refused(value: object) -> None:
    assert isinstance(identified(value), FieldProblem)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1 << 2_000])
def test_a_number_that_is_none_is_refused_in_every_field(value: object) -> None:
    one = mapper(tel="Spalte", addr_country_id="Spalte")
    found = one.customer(SourceRecord(values={"Nr": 1, "Spalte": value}, position=HERE), {})
    assert isinstance(found, InvalidRecord)
    assert len(found.problems) == 2


def test_an_id_is_transformed_as_fields_are() -> None:
    assert identified("1999/0007", transform=[{"replace": {"/": "-"}}]) == "M-1999-0007"
    assert identified(" ab 12 ", transform=["upper", {"replace": {" ": ""}}, {"pad": 6}]) == "M-AB12"
    assert identified("815", transform={"pad": 5}) == "M-00815"
    assert identified(815, transform=[{"pad": 5}]) == "M-00815"
    assert is_refused(identified("-", transform=[{"null-if": ["-"]}]), "is empty")


def test_only_what_transforms_leave_of_an_id_must_be_fit() -> None:
    assert is_refused(identified("1999/0007"), "address of a call")
    assert is_refused(identified("1999/0007", transform=["upper"]), "foreign_id.transform")


@pytest.mark.parametrize(
    ("text", "padded"), [("47", "00047"), ("123456", "123456"), ("A47", "A47"), ("4.7", "4.7"), ("٤٧", "٤٧")]
)
def test_pad_touches_digits_alone(text: str, padded: str) -> None:
    assert mapped(text, "addr_zip", transform=[{"pad": 5}]) == padded


def test_what_was_replaced_is_not_replaced_again() -> None:
    assert mapped("ab", transform=[{"replace": {"a": "b", "b": "a"}}]) == "ba"
    assert mapped("Hauptstr. 1", transform=[{"replace": {"str.": "straße", "s": "z"}}]) == "Hauptstraße 1"


@pytest.mark.parametrize(
    "transform", [{"pad": 0}, {"pad": "5"}, {"pad": True}, {"replace": {}}, {"replace": {"": "x"}}, {"replace": ["/"]}]
)
def test_a_transform_that_can_mean_nothing_is_refused(transform: object) -> None:
    with pytest.raises(ValidationError):
        FieldSpec.model_validate({"from": "a", "transform": [transform]})
    with pytest.raises(ValidationError):
        ForeignIdSpec.model_validate({"from": "a", "transform": [transform]})


def test_an_id_without_transforms_has_the_fingerprint_that_it_had() -> None:
    plain = mapper(name="a").fingerprint
    assert plain.hex() == "bfc2a9a27dcdb86a10314b0373bdf8a5"
    assert plain != mapper({"from": "Nr", "prefix": "M-", "transform": ["upper"]}, name="a").fingerprint
    assert plain != mapper({"from": "Nr", "prefix": "M-", "gomus_id": "go~mus"}, name="a").fingerprint


# --- days ---

BERLIN = {"date": ["%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S%z", "%d.%m.%Y %H:%M"], "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1975-06-14T22:00:00.000Z", "1975-06-14"),  # without summer time, as it was then
        ("1985-06-14T22:00:00.000Z", "1985-06-15"),
        ("1975-06-14T23:00:00.000Z", "1975-06-15"),
        ("1999-12-31T23:30:00+00:00", "2000-01-01"),
        ("2000-01-01T00:00:00+09:00", "1999-12-31"),
        ("14.06.1975 23:30", "1975-06-14"),
    ],
)
def test_a_time_becomes_the_day_that_it_is_in_the_zone(text: str, day: str) -> None:
    assert mapped(text, "date_of_birth", transform=[BERLIN]) == day


@pytest.mark.parametrize("text", ["1975-06-14T22:00:00.000Z", "1999-12-31T12:00:00+00:00", "14.06.1975 23:30"])
def test_a_time_without_a_zone_to_see_it_in_is_refused(text: str) -> None:
    found = mapped(text, "date_of_birth", transform=[{"date": BERLIN["date"]}])
    assert is_refused(found, 'zone = "Europe/Berlin"')


@pytest.mark.parametrize("text", ["1975-06-14T00:00:00.000Z", "1975-06-14T00:00:00+02:00", "14.06.1975 00:00"])
def test_a_midnight_is_a_day(text: str) -> None:
    assert mapped(text, "date_of_birth", transform=[{"date": BERLIN["date"]}]) == "1975-06-14"


@pytest.mark.parametrize("text", ["1975-06-14T00:00:00", "1975-06-14 00:00:00", "1975-06-14T00:00:00.000Z"])
def test_a_midnight_needs_no_transform(text: str) -> None:
    assert mapped(text, "date_of_birth") == "1975-06-14"


@pytest.mark.parametrize("text", ["1975-06-14T22:00:00Z", "1975-06-14 22:00", "1975-06-14T12:30:00+02:00"])
def test_any_other_time_without_a_transform_is_refused(text: str) -> None:
    assert is_refused(mapped(text, "date_of_birth"), "zone = ")


@pytest.mark.parametrize("text", ["1975-W24-6", "19750614", "0001-01-01T00:00:00+14:00", "1975-06-14Tx", "9999-12-31"])
def test_what_is_no_day_is_refused(text: str) -> None:
    assert isinstance(mapped(text, "date_of_birth"), FieldProblem)
    assert isinstance(mapped(text, "date_of_birth", transform=[BERLIN]), FieldProblem)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_day_beyond_the_calendar_is_refused(text: str) -> None:
    assert isinstance(mapped(text, "date_of_birth", transform=[BERLIN]), FieldProblem)


@pytest.mark.parametrize("zone", ["Berlin", "", 1, "../etc/passwd", "/etc/localtime"])
def test_a_zone_must_be_one(zone: object) -> None:
    with pytest.raises(ValidationError, match="zone"):
        FieldSpec.model_validate({"from": "a", "transform": [{"date": "%d.%m.%Y", "zone": zone}]})


def test_a_zone_is_for_dates_alone() -> None:
    with pytest.raises(ValidationError):
        FieldSpec.model_validate({"from": "a", "transform": [{"truncate": 5, "zone": "Europe/Berlin"}]})


# --- all of it ---

EVERY_KIND = mapper(
    {"from": "Nr", "prefix": "M-", "transform": ["upper", {"replace": {"/": "-"}}, {"pad": 4}]},
    name={"from": "a", "transform": ["strip", "title", {"replace": {"x": "y"}}]},
    email="a",
    date_of_birth={"from": "a", "transform": [BERLIN]},
    tel={"from": "a", "transform": [{"phone": "DE"}]},
    is_institution="a",
    addr_country_id={"from": "a", "lookup": "country"},
    language_id="a",
    addr_zip={"from": "a", "transform": {"pad": 5}},
    notes={"template": "{a} {Nr}"},
)
LETTERS_OF_CF = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")


def test_every_sign_that_nobody_sees_is_taken_out_of_an_id() -> None:
    unseen = {sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign) == "Cf"}
    assert [ascii(sign) for sign in unseen - LETTERS_OF_CF if in_one_line(f"1{sign}2") != "12"] == []
    assert [ascii(sign) for sign in LETTERS_OF_CF if in_one_line(f"1{sign}2") == "12"] == []


any_text = st.text() | st.text(st.characters(categories=["Cs", "Cf", "Cc", "Zs"])) | st.text('="#E+0123456789,NUL')


@given(any_text | st.floats() | st.integers() | st.booleans(), any_text | st.floats() | st.booleans())
@example("9" * 5000, "1")
@example("12-31-9999", "1")
def test_no_cell_makes_the_mapping_fail(value: Any, number: Any) -> None:
    record = SourceRecord(values={"Nr": number, "a": value}, position=HERE)
    found = EVERY_KIND.customer(record, LOOKUPS)
    if isinstance(found, Customer):
        assert found.foreign_id.encode()
        assert all(str(one).encode() for one in found.fields.values())


def test_the_page_names_what_is_refused() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert "### What a cell may hold" in page


@pytest.mark.parametrize("value", ["K?nig", "?zdemir", "Anna-?sa", "Stra?e 5", "Wei?mann"])
def test_a_question_mark_within_a_word_stands_for_a_lost_letter(value):
    assert is_refused(mapped(value), "question mark within a word")
    assert mapped(value, transform=[{"replace": {"?": "ü"}}]) == value.replace("?", "ü")


@pytest.mark.parametrize("value", ["Anna?", "Wer? Ich", "5?7", "??", "Müller (?)", "http://x.example/?a=b"])
def test_another_question_mark_is_a_sign_like_others(value):
    assert mapped(value) == value


def test_remarks_may_hold_any_question_mark():
    assert mapped("ja?nein", "notes") == "ja?nein"


@pytest.mark.parametrize(
    "value",
    ["M&uuml;ller", "M&#252;ller", "M&#xfc;ller", "M\\u00fcller", "M%C3%BCller", "M=C3=BCller", "M&uuml;ller &amp; Co"],
)
@pytest.mark.parametrize("field", ["surname", "notes"])
def test_letters_that_were_written_for_another_program_are_refused(value: str, field: str) -> None:
    assert is_refused(mapped(value, field), "written for a web page or another program")


def test_what_an_escaped_letter_stands_for_may_be_said() -> None:
    assert mapped("M&uuml;ller", transform=[{"replace": {"&uuml;": "ü"}}]) == "Müller"


@pytest.mark.parametrize(
    "value", ["Müller & Co; Wien", "R&D;", "50 %", "a=b", "C:\\users", "100%", "A&B; Sohn", "5=C3"]
)
def test_signs_that_escape_nothing_stay(value: str) -> None:
    assert mapped(value) == value


@pytest.mark.parametrize("value", ["-", "?", "--", "···", "true", "False", "inf", "-inf", "Infinity", "NaN", "wahr"])
def test_what_stands_for_nothing_is_nobodys_id(value: str) -> None:
    assert isinstance(identified(value), FieldProblem)
