"""What every adapter must do, whatever it reads from. An adapter's tests derive from `SourceContract` and give it

- `source_of(rows, columns=...)`: a source that holds these records, each a mapping of text with these keys;
- `cut_short(rows)`: the same, but it breaks off before its end;
- `nowhere`: a source that is not there.
"""

import pytest
from pydantic import ValidationError

from syncd.errors import IncompleteRead
from syncd.sources import available_sources, find_source
from syncd.sources.base import ReadKind

ROWS = [
    {"Nr": "0001", "Name": "Quandt", "Ort": "Görlitz"},
    {"Nr": "0002", "Name": " Meyer-Lübke ", "Ort": ""},
    {"Nr": "0003", "Name": 'Rößler "Ivo"; Sohn, & Co', "Ort": "Zürich\nAltstadt"},
    {"Nr": "0004", "Name": "None", "Ort": "1,5"},
]
VALUES = [value.strip() for row in ROWS for value in row.values() if len(value) > 3]


def read(source):
    with source.open() as reading:
        return list(reading)


def refused(source):
    """Why a read is incomplete: with a remedy, and without a value of the tests' people."""
    with pytest.raises(IncompleteRead) as caught:
        read(source)
    assert caught.value.remedy
    assert "Zz" not in str(caught.value)
    return caught.value


class SourceContract:
    @pytest.fixture
    def source(self, source_of):
        return source_of(ROWS)

    def test_is_registered_under_the_type_of_its_options(self, source):
        assert source.options.type in available_sources()
        assert find_source(source.options.type) is type(source)

    def test_options_are_of_its_own_model_frozen_and_closed(self, source):
        assert isinstance(source.options, type(source).Options)
        with pytest.raises(ValidationError):
            source.options.type = "other"
        with pytest.raises(ValidationError, match="extra_forbidden"):
            type(source).Options.model_validate({**source.options.model_dump(), "no_such_option": 1})

    def test_gives_every_record_in_order_and_its_values_as_they_are(self, source):
        assert [dict(record.values) for record in read(source)] == ROWS

    def test_says_what_it_reads_before_the_first_record(self, source):
        with source.open() as reading:
            assert isinstance(reading.kind, ReadKind)
            assert reading.columns in (None, tuple(ROWS[0]))
            assert reading.description

    def test_tells_records_apart_by_their_positions(self, source):
        positions = {str(record.position) for record in read(source)}
        assert len(positions) == len(ROWS)

    def test_reads_afresh_each_time(self, source):
        assert read(source) == read(source)

    def test_can_be_left_midway(self, source):
        with source.open() as reading:
            next(iter(reading))
        assert len(read(source)) == len(ROWS)

    def test_an_error_of_whoever_reads_passes_through(self, source):
        with pytest.raises(OSError, match="a full disk"), source.open():
            raise OSError("a full disk")

    def test_values_do_not_show_in_the_repr_of_a_record(self, source):
        shown = repr(read(source))
        assert [value for value in VALUES if value in shown] == []

    def test_without_a_single_record_a_read_is_not_complete(self, source_of):
        with pytest.raises(IncompleteRead) as error:
            read(source_of([], columns=tuple(ROWS[0])))
        assert error.value.remedy

    def test_breaking_off_is_told_with_place_and_remedy_and_without_a_value(self, cut_short):
        with pytest.raises(IncompleteRead) as error:
            read(cut_short(ROWS))
        assert error.value.place
        assert error.value.remedy
        assert [value for value in VALUES if value in str(error.value)] == []

    def test_a_source_that_is_not_there_is_an_incomplete_read(self, nowhere):
        with pytest.raises(IncompleteRead) as error:
            read(nowhere)
        assert error.value.remedy
