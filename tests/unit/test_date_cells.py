"""A date cell of a workbook: a day for a field of days, and refused where a text belongs."""

import pytest

from syncd.domain.records import DateCell, FieldProblem, InvalidRecord, Position, SourceRecord
from syncd.gomus.fields import FIELDS
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec

DAY = DateCell("2026-02-01")


def mapped(field: str, cell: str = DAY, **spec: object) -> object:
    mapper = Mapper(
        foreign_id=ForeignIdSpec.model_validate({"from": "Nr"}),
        fields={field: FieldSpec.model_validate({"from": "x", **spec})},
        catalogue=FIELDS,
    )
    values = {"Nr": "M1", "x": cell, "Straße": "Am Markt"}
    result = mapper.customer(SourceRecord(values=values, position=Position(source="x.xlsx")), {})
    return result.problems[0].reason if isinstance(result, InvalidRecord) else result.fields[field]


@pytest.mark.parametrize("field", ["addr_street", "addr_zip", "surname", "tel"])
def test_it_is_refused_where_a_text_belongs(field: str) -> None:
    found = str(mapped(field))
    assert "is a date cell" in found
    assert "2026" not in found


def test_it_is_refused_in_a_template() -> None:
    assert "is a date cell" in str(mapped("addr_street", **{"from": None, "template": "{Straße} {x}"}))


def test_it_is_a_day_where_a_day_belongs() -> None:
    assert mapped("date_of_birth") == "2026-02-01"


def test_it_may_stand_in_notes() -> None:
    assert mapped("notes", **{"from": None, "template": "seit {x}"}) == "seit 2026-02-01"


@pytest.mark.parametrize("step", [{"date": "%Y-%m-%d"}, {"replace": {"2026-02-01": "2026-02-01"}}])
def test_a_person_may_allow_it(step: dict[str, object]) -> None:
    assert mapped("tel", transform=[step]) == "2026-02-01"


def test_the_same_text_is_no_date_cell() -> None:
    assert mapped("tel", "2026-02-01") == "2026-02-01"


def test_it_is_no_id() -> None:
    mapper = Mapper(foreign_id=ForeignIdSpec.model_validate({"from": "Nr"}), fields={}, catalogue=FIELDS)
    found = mapper.foreign_id_of(SourceRecord(values={"Nr": DAY}, position=Position(source="x.xlsx")))
    assert isinstance(found, FieldProblem)
    assert "is a date cell" in found.reason
