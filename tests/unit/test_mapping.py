"""Mapping: from a source record to a customer, every problem found, and no value in a reason."""

import tomllib

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.domain.records import Customer, FieldProblem, InvalidRecord, LookupEntry, Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.gomus.fields import FIELDS
from syncd.mapping.columns import find_missing, require_columns
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.mapping.transforms import USUAL_REGIONS

LOOKUPS = {
    "country": Lookup(
        "country", [LookupEntry(id=60, names=("Deutschland", "DE")), LookupEntry(id=7, names=("Österreich", "AT"))]
    ),
    "salutation": Lookup("salutation", [LookupEntry(id=1, names=("Herr",)), LookupEntry(id=2, names=("Frau",))]),
}


def mapper(foreign_id: object = None, **fields: object) -> Mapper:
    return Mapper(
        foreign_id=ForeignIdSpec.model_validate(foreign_id or {"from": "Nr", "prefix": "M-"}),
        fields={name: FieldSpec.model_validate(spec) for name, spec in fields.items()},
        catalogue=FIELDS,
    )


def record(**values: object) -> SourceRecord:
    return SourceRecord(values={"Nr": "1", **values}, position=Position(source="members.csv", line=7))


def mapped(spec: object, value: object, field: str = "name") -> object:
    """The value of one field, or the reasons why there is none."""
    result = mapper(**{field: spec}).customer(record(Spalte=value, Ersatz="zwei"), LOOKUPS)
    if isinstance(result, InvalidRecord):
        return [problem.reason for problem in result.problems]
    return result.fields.get(field, "kept")


@pytest.mark.parametrize("region", USUAL_REGIONS)
def test_the_regions_that_are_taken_without_asking_are_known_to_the_library(region: str) -> None:
    assert region in phonenumbers.SUPPORTED_REGIONS


def test_a_literal_key_goes_before_an_expression() -> None:
    customer = mapper(name="a.b").customer(record(**{"a.b": "key", "a": {"b": "path"}}), {})
    assert isinstance(customer, Customer)
    assert customer.fields == {"name": "key"}


def test_an_expression_reaches_into_nested_records() -> None:
    customer = mapper(addr_city="address.city").customer(record(address={"city": "Köln"}), {})
    assert isinstance(customer, Customer)
    assert customer.fields == {"addr_city": "Köln"}


@pytest.mark.parametrize("empty", [None, "", "   ", [], {}])
def test_an_empty_value_clears_or_keeps_as_configured(empty: object) -> None:
    assert mapped("Spalte", empty) is None
    assert mapped({"from": "Spalte", "empty": "keep"}, empty) == "kept"
    assert mapped({"from": "Spalte", "default": "ohne"}, empty) == "ohne"


def test_a_default_never_replaces_a_value_that_is_there() -> None:
    lookup = {"from": "Spalte", "lookup": "country", "default": "DE"}
    assert mapped({"from": "Spalte", "default": "ohne"}, "mit") == "mit"
    assert mapped({"from": "Spalte", "default": "ohne"}, "0") == "0"
    assert mapped({**lookup}, "AT", "addr_country_id") != mapped({**lookup}, "", "addr_country_id")
    mapping = {"from": "Spalte", "map": {"Firma": True, "Privat": False}, "default": True}
    assert mapped(mapping, "Privat", "is_institution") is False


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ({"from": "Spalte", "transform": ["strip", "lower"]}, " ADA@Example.ORG ", "ada@example.org"),
        ({"from": "Spalte", "transform": "collapse-spaces"}, "Am  Markt\t5", "Am Markt 5"),
        ({"from": "Spalte", "transform": {"truncate": 3}}, "abcdef", "abc"),
        ({"from": "Spalte", "transform": [{"null-if": ["-", "n/a"]}]}, "N/A", None),
        ({"from": "Spalte", "transform": "digits"}, "Nr. 12-3", "123"),
        ({"from": "Spalte", "transform": "title"}, "müller-lüdenscheidt", "Müller-Lüdenscheidt"),
        ({"from": "Spalte", "transform": "upper"}, "de", "DE"),
        ({"from": "Spalte", "transform": {"match": r"(\d+)$"}}, "Haus 17", "17"),
        ({"from": "Spalte", "transform": {"match": r"\d+"}}, "17 b", "17"),
        ({"from": "Spalte", "transform": {"match": r"(\d+)$"}}, "Haus", None),
        ({"from": "Spalte", "transform": {"match": r"x(\d+)?"}}, "x", None),
        ({"from": "Spalte", "transform": {"split": ",", "take": 1}}, "Müller, Anna", "Müller"),
        ({"from": "Spalte", "transform": {"split": ",", "take": 2}}, "Müller, Anna", "Anna"),
        ({"from": "Spalte", "transform": {"split": ",", "take": 3}}, "Müller, Anna", None),
        ({"from": "Spalte", "transform": {"split": ",", "take": 2}}, "Müller,,Anna", None),
        ({"from": ["Spalte", "Ersatz"]}, "eins", "eins"),
        ({"from": ["Spalte", "Ersatz"]}, " ", "zwei"),
        ({"from": ["Nichts", "Spalte", "Ersatz"]}, "eins", "eins"),
        ({"from": ["Spalte", "Ersatz"], "transform": {"null-if": ["-"]}}, "-", "zwei"),
        ({"from": ["Nichts", "Spalte"], "default": "drei"}, "", "drei"),
        ({"template": "Seit {Spalte}, {Nr}"}, "1999", "Seit 1999, 1"),
        ({"template": "{{{Spalte}}}"}, "x", "{x}"),
        ({"template": "Seit {Spalte}"}, "", None),
        ({"value": "fest"}, "", "fest"),
        ("Spalte", 12.0, "12"),
        ("Spalte", 12, "12"),
    ],
)
def test_values_are_transformed(spec: object, value: object, expected: object) -> None:
    assert mapped(spec, value) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ANNA MÜLLER", "Anna Müller"),
        ("anna von der tann", "Anna von der Tann"),
        ("MEYER-LÜBKE", "Meyer-Lübke"),
        ("O'NEILL", "O'Neill"),
        ("Anna McDonald", "Anna McDonald"),
        ("DR. KRAUSE", "Dr. Krause"),
        ("SCHULZE GMBH", "Schulze GMBH"),
        ("verein der freunde e.V.", "Verein der Freunde e.V."),
        ("MÜLLER AG & Co. KG", "Müller AG & Co. KG"),
        ("ludwig II", "Ludwig II"),
        ("DENİZ İNCE", "Deniz İnce"),
        ("von Haus", "von Haus"),
        ("", None),
    ],
)
def test_names_all_in_capitals_or_all_small_become_names(written: str, expected: object) -> None:
    assert mapped({"from": "Spalte", "transform": "name"}, written) == expected


@pytest.mark.parametrize(
    "written", ["31.12.1980 00:00:00", "31.12.1980 00:00", "31.12.1980 0:00", "31.12.1980T00:00:00.000"]
)
def test_a_midnight_behind_a_day_says_nothing(written: str) -> None:
    assert mapped({"from": "Spalte", "transform": {"date": "%d.%m.%Y"}}, written, "date_of_birth") == "1980-12-31"


@pytest.mark.parametrize("written", ["31.12.1980 10:00", "31.12.1980 00:01:00"])
def test_another_time_behind_a_day_does(written: str) -> None:
    assert isinstance(mapped({"from": "Spalte", "transform": {"date": "%d.%m.%Y"}}, written, "date_of_birth"), list)


@pytest.mark.parametrize(
    ("written", "expected"), [("31.12.30", "2030-12-31"), ("01.01.31", "1931-01-01"), ("29.02.00", "2000-02-29")]
)
def test_two_digits_of_a_year_mean_one_of_a_hundred_years(written: str, expected: str) -> None:
    spec = {"from": "Spalte", "transform": [{"date": "%d.%m.%y", "pivot": 2030}]}
    assert mapped(spec, written, "date_of_birth") == expected


def test_where_years_of_two_digits_are_not_expected_the_words_say_how_they_are_read() -> None:
    spec = {"from": "Spalte", "transform": [{"date": "%d.%m.%Y"}]}
    (reason,) = mapped(spec, "31.12.29", "date_of_birth")  # type: ignore[misc]
    assert reason.endswith("31.12.1980; years of two digits take { date = '%d.%m.%y', pivot = 2030 }")


def test_a_year_of_four_digits_is_meant_as_it_is_beside_one_of_two() -> None:
    spec = {"from": "Spalte", "transform": [{"date": ["%d.%m.%y", "%d.%m.%Y"], "pivot": 2030}]}
    assert mapped(spec, "31.12.1929", "date_of_birth") == "1929-12-31"
    assert mapped(spec, "31.12.29", "date_of_birth") == "2029-12-31"


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ({"date": "%d.%m.%y"}, "takes pivot beside it"),
        ({"date": "%d.%m.%Y", "pivot": 2030}, "pivot stands beside %y only"),
        ({"date": "%d.%m.%y", "pivot": 30}, "pivot takes the last year"),
        ({"split": ","}, "take beside it"),
        ({"split": "", "take": 1}, "what stands between the parts"),
        ({"split": ",", "take": 0}, "the first is 1"),
        ({"match": "("}, "a regular expression"),
        ({"match": ""}, "a regular expression"),
        ({"pad": 5, "take": 1}, "take stands beside split only"),
    ],
)
def test_a_transform_with_an_unfit_argument_is_refused_in_words(transform: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FieldSpec.model_validate({"from": "Spalte", "transform": transform})


@pytest.mark.parametrize("paths", [[], [""], ["a", 1], 5, {}])
def test_from_is_a_column_or_a_list_of_columns(paths: object) -> None:
    with pytest.raises(ValidationError, match="takes a column, or a list of columns"):
        FieldSpec.model_validate({"from": paths})


@pytest.mark.parametrize("written", ["030 23125-100", "+49 30 23125100", "0049 (0)30 23125100", "030/23125100"])
def test_a_telephone_number_becomes_e164(written: str) -> None:
    assert mapped({"from": "Spalte", "transform": {"phone": "DE"}}, written, "tel") == "+493023125100"


@pytest.mark.parametrize("written", ["030 1234567 (abends)", "0800 MUSEUM1", "Tel. 030 23125100", "unbekannt"])
def test_letters_in_a_telephone_number_are_no_digits(written: str) -> None:
    assert isinstance(mapped({"from": "Spalte", "transform": {"phone": "DE"}}, written, "tel"), list)


def test_a_date_comes_in_the_form_of_the_source() -> None:
    spec = {"from": "Spalte", "transform": [{"date": ["%d.%m.%Y", "%Y-%m-%d"]}]}
    assert mapped(spec, "31.12.1980", "date_of_birth") == "1980-12-31"
    assert mapped(spec, "1980-12-31", "date_of_birth") == "1980-12-31"
    assert mapped(spec, "31.02.1980", "date_of_birth") == ["is not a date in the form 31.12.1980 or 1980-12-31"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("email", "no address", "is not an e-mail address"),
        ("email", "ada@example.org, eva@example.org", "is not an e-mail address"),
        ("name", "x" * 256, "is longer than 255 characters"),
        ("name", "a\x00b", "holds a control character"),
        ("name", ["a"], "is a list or an object, not a single value"),
        ("customer_salutation_id", "Frau", "is not the number of an id; find it by name with 'lookup', or with 'map'"),
        ("is_institution", "vielleicht", "is neither true nor false; say which it is with 'map'"),
        ("date_of_birth", "1780-01-01", "is not between the years 1850 and 2100"),
    ],
)
def test_a_value_that_the_field_does_not_take_is_a_problem(field: str, value: object, expected: str) -> None:
    assert mapped("Spalte", value, field) == [expected]


@pytest.mark.parametrize("good", ["ada@example.org", "ada.l+x@sub.example.org", "jörg@müller.de", "ada@museum.test"])
def test_addresses_that_are_some_pass(good: str) -> None:
    assert mapped("Spalte", good, "email") == good


def test_map_and_lookup_find_by_name_whatever_the_case() -> None:
    assert mapped({"from": "Spalte", "map": {"Firma": True, "Privat": False}}, "FIRMA", "is_institution") is True
    assert mapped({"from": "Spalte", "lookup": "country"}, " österreich ", "addr_country_id") == 7
    assert mapped({"from": "Spalte", "lookup": "country"}, "at", "addr_country_id") == 7
    assert (
        mapped(
            {"from": "Spalte", "map": {"m": "Herr", "w": "Frau"}, "lookup": "salutation"}, "W", "customer_salutation_id"
        )
        == 2
    )


def test_what_neither_map_nor_lookup_knows_is_a_problem_unless_there_is_a_default() -> None:
    lookup = {"from": "Spalte", "lookup": "country"}
    assert mapped(lookup, "Atlantis", "addr_country_id") == ["is not a country of this instance"]
    assert mapped({**lookup, "default": "DE"}, "Atlantis", "addr_country_id") == 60
    assert mapped({**lookup, "default": "DE"}, "", "addr_country_id") == 60
    choice = {"from": "Spalte", "map": {"Firma": True}}
    assert mapped(choice, "Verein", "is_institution") == ["is not one of the values in 'map'"]


def test_all_problems_of_a_record_are_found_with_its_position() -> None:
    result = mapper(email="E", date_of_birth="D").customer(record(E="x", D="y"), {})
    assert isinstance(result, InvalidRecord)
    assert ([problem.field for problem in result.problems], str(result.position)) == (
        ["email", "date_of_birth"],
        "members.csv line 7",
    )


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ({"from": "Nr", "prefix": "M-"}, " 0012 ", "M-0012"),
        ("Nr", "AB12", "AB12"),
        ("Nr", 12, "all digits"),
        ("Nr", "0012", "all digits"),
        ("Nr", "", "is empty"),
        ({"from": "Nr", "prefix": "M-"}, "1,23457E+11", "shortened by Excel"),
        ({"from": "Nr", "prefix": "M-"}, "12/3", "address of a call"),
        ({"from": "Nr", "prefix": "M-"}, "x" * 255, "longer than 255"),
    ],
)
def test_an_id_that_would_hit_somebody_else_is_refused(spec: object, value: object, expected: str) -> None:
    found = mapper(spec, name="Nr").foreign_id_of(record(Nr=value))
    assert found == expected or (isinstance(found, FieldProblem) and expected in found.reason)


def test_a_missing_column_is_named_with_its_place_and_the_likely_one() -> None:
    wanted = mapper(email="EMail", name="Vorname || Rufname", surname={"template": "{Nachnam}"}).columns
    assert find_missing(wanted, ["Nr", "E-Mail", "Vorname", "Rufname", "Nachname"]) == {
        "there is no column 'EMail' (fields.email.from)": "; did you mean 'E-Mail'?",
        "there is no column 'Nachnam' (fields.surname.template)": "; did you mean 'Nachname'?",
    }


def test_a_table_without_a_column_is_no_complete_read_and_nested_records_are_not_asked() -> None:
    wanted = mapper(email="EMail").columns
    with pytest.raises(
        IncompleteRead, match=r"^members\.csv: there is no column 'EMail' \(fields.email.from\): write"
    ) as caught:
        require_columns(wanted, ["Nr", "E-Mail"], "members.csv")
    assert "'E-Mail'" not in str(caught.value)
    assert caught.value.shown.endswith("did you mean 'E-Mail'?")
    require_columns(wanted, ["Nr", "EMail"], "members.csv")
    require_columns(wanted, None, "crm.example.org/api/contacts")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"from": "a", "value": 1},
        {"from": "a", "transform": ["lowr"]},
        {"from": "a", "transform": [{"date": "%d.%m.%y"}]},
        {"from": "a", "transform": [{"phone": "Germany"}]},
        {"from": "a", "transform": [{"truncate": 0}]},
        {"template": "{a"},
        {"from": "a", "lookup": "planet"},
        {"form": "a"},
    ],
)
def test_a_mapping_that_can_mean_nothing_is_refused(spec: object) -> None:
    with pytest.raises(ValidationError):
        FieldSpec.model_validate(spec)


def test_a_name_of_two_ids_is_found_by_neither() -> None:
    lookup = Lookup("title", [LookupEntry(id=1, names=("Dr.",)), LookupEntry(id=2, names=("dr.",))])
    assert lookup.find("Dr.") is None


def test_another_list_has_another_fingerprint() -> None:
    one, other = (Lookup("title", [LookupEntry(id=number, names=("Dr.",))]) for number in (1, 2))
    assert one.fingerprint != other.fingerprint


def test_another_configuration_has_another_fingerprint() -> None:
    assert mapper(name="a").fingerprint != mapper(name="b").fingerprint
    assert mapper(name="a").fingerprint == mapper(name={"from": "a"}).fingerprint


EVERY_KIND = mapper(
    name="a",
    email="b",
    date_of_birth={"from": "c", "transform": [{"date": "%d.%m.%Y"}]},
    tel={"from": "d", "transform": [{"phone": "DE"}]},
    is_institution="e",
    addr_country_id={"from": "f", "lookup": "country"},
    notes={"template": "{a} {b}"},
)
cells = st.one_of(
    st.text(max_size=30), st.none(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.lists(st.text())
)


FITTING = {"a": "Ada", "b": "ada@example.org", "c": "31.12.1980", "d": "030 23125100", "e": "ja", "f": "DE"}


@given(
    st.fixed_dictionaries({name: st.sampled_from([value, value, None]) for name, value in FITTING.items()}),
    st.dictionaries(st.sampled_from("abcdef"), cells, max_size=2),
    st.just("17") | st.text(max_size=20),
)
def test_no_record_makes_the_mapping_fail_and_none_becomes_a_word(
    fitting: dict[str, object], odd: dict[str, object], number: str
) -> None:
    values = fitting | odd
    result = EVERY_KIND.customer(record(Nr=number, **values), LOOKUPS)
    if isinstance(result, Customer):
        assert values["a"] is not None or result.fields["name"] is None
        assert values["d"] is not None or result.fields["tel"] is None
        assert str(result.fields["tel"] or "+1")[0] == "+"
        assert "None" not in str(result.fields["notes"] or "")
    else:
        assert odd or number != "17" or not (fitting["a"] or fitting["b"])


@given(st.text(alphabet="ΩЖ漢", min_size=3, max_size=20))
def test_a_reason_never_holds_the_value(marked: str) -> None:
    result = EVERY_KIND.customer(record(Nr="1 " + marked, **dict.fromkeys("abcdef", marked)), LOOKUPS)
    assert isinstance(result, InvalidRecord)
    assert marked not in "".join(str(problem) for problem in result.problems)


@pytest.mark.parametrize(
    "written",
    [
        "1980-12-30T23:30:00.000Z",
        "1980-12-30T23:30:00Z",
        "1980-12-30T22:30:00+0000",
        "1980-12-30 23:30:00",
        "1980-12-31T23:59",
        "1980-12-30T23:30:00.123456+00:00",
    ],
)
def test_the_remedy_for_a_day_with_a_time_is_one(written: str) -> None:
    (reason,) = mapped("Spalte", written, "date_of_birth")  # type: ignore[misc]
    transform = tomllib.loads(reason[reason.index("transform = ") :])["transform"]
    assert mapped({"from": "Spalte", "transform": transform}, written, "date_of_birth") in ("1980-12-30", "1980-12-31")


def test_the_remedy_for_a_form_with_a_time_is_one() -> None:
    (reason,) = mapped({"from": "Spalte", "transform": {"date": "%d.%m.%Y %H:%M"}}, "30.12.1980 23:30", "date_of_birth")  # type: ignore[misc]
    transform = tomllib.loads(reason[reason.index("transform = ") :])["transform"]
    assert mapped({"from": "Spalte", "transform": transform}, "30.12.1980 23:30", "date_of_birth") == "1980-12-30"


def test_a_word_that_was_found_before_is_looked_for_anew_in_another_list() -> None:
    mapping = mapper(addr_country_id={"from": "Land", "lookup": "country"})
    ids = []
    for number in (60, 61):
        lookups = {"country": Lookup("country", [LookupEntry(id=number, names=("Deutschland",))])}
        customer = mapping.customer(record(Land="Deutschland"), lookups)
        assert isinstance(customer, Customer)
        ids.append(customer.fields["addr_country_id"])
    assert ids == [60, 61]
