"""What a rehearsal does to records: the damages, and which of a long list are kept."""

import pytest

from syncd.domain.records import Position, SourceRecord
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.rehearsal.damages import encode_twice, find_pairs, in_all, in_one, lose_zeros, swap
from syncd.rehearsal.tape import Tape


def record(number: int) -> SourceRecord:
    return SourceRecord(values={"id": str(number)}, position=Position(source="list", line=number))


def taped(count: int, *, most: int = 100) -> Tape:
    tape = Tape(most)
    for number in range(count):
        tape.take(record(number))
    return tape


@pytest.mark.parametrize(
    ("text", "left"), [("01067", "1067"), ("000", "0"), ("1001", "1001"), ("0a1", "0a1"), ("Weg 007", "Weg 007")]
)
def test_zeros_are_lost_where_a_text_is_a_number(text: str, left: str) -> None:
    assert lose_zeros(text) == left


@pytest.mark.parametrize(("text", "read"), [("Müller", "MÃ¼ller"), ("Á", "Ã\x81"), ("Anna", "Anna")])
def test_utf_8_is_read_as_windows_1252(text: str, read: str) -> None:
    assert encode_twice(text) == read


def test_values_of_objects_and_lists_are_changed_too() -> None:
    change = in_all(lose_zeros, but="person.id")
    values = {"person": {"id": "007", "zip": "01067"}, "phones": ["0301"], "age": 7}
    assert change(values) == {"person": {"id": "007", "zip": "1067"}, "phones": ["301"], "age": 7}


def test_one_value_is_changed_wherever_it_lies() -> None:
    assert in_one("person.id", lose_zeros)({"person": {"id": "007"}, "zip": "01067"}) == {
        "person": {"id": "7"},
        "zip": "01067",
    }


def test_a_key_with_a_dot_is_a_key() -> None:
    assert swap("Mitgl.-Nr.", "Name")({"Mitgl.-Nr.": "7", "Name": "Ada"}) == {"Mitgl.-Nr.": "Ada", "Name": "7"}


def test_the_id_the_names_and_two_alike_are_swapped() -> None:
    fields = {"name": "V", "surname": "N", "tel": "T", "mobile": "M", "addr_street": "S", "addr_city": "O"}
    specs = {name: FieldSpec.model_validate({"from": column}) for name, column in fields.items()}
    foreign_id = ForeignIdSpec.model_validate({"from": "Nr"})
    assert list(find_pairs(foreign_id, specs)) == [("Nr", "N"), ("V", "N"), ("S", "O")]


@pytest.mark.parametrize(("count", "every"), [(100, 1), (101, 2), (1000, 16)])
def test_of_a_long_list_one_in_so_many_is_kept(count: int, every: int) -> None:
    tape = taped(count)
    kept = [int(one.values["id"]) for one in tape.records]  # type: ignore[call-overload]
    assert (tape.every, tape.count, tape.last) == (every, count, record(count - 1))
    assert kept == [number for number in range(count) if tape.keeps(number)]
    assert (kept[0], count / every / 2 < len(kept) <= 100) == (0, True)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_no_period_of_a_list_is_in_step_with_the_records_that_are_kept(period: int) -> None:
    kept = [int(one.values["id"]) for one in taped(1000).records]  # type: ignore[call-overload]
    assert {number % period for number in kept} == set(range(period))


def test_the_first_record_that_a_damage_concerns_is_kept_however_few_there_are() -> None:
    tape = Tape(10, {"zeros": in_one("id", lose_zeros), "letters": in_all(encode_twice)})
    left_out = next(number for number in range(1000) if not taped(1000, most=10).keeps(number))
    rare = SourceRecord(values={"id": "007"}, position=Position(source="list", line=left_out))
    for number in range(1000):
        tape.take(rare if number == left_out else record(number))
    assert (tape.is_concerned("zeros"), tape.is_concerned("letters")) == (True, False)
    assert rare in tape.records
