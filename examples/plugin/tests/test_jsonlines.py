"""What every source owes: all records, the place of each, and no doubtful end. Replace the file by your system."""

import pytest

from syncd.errors import IncompleteRead
from syncd.sources import find_source

WHOLE = '{"Nr": "1", "Name": "Ada"}\n{"Nr": "2", "Name": "Ivo"}\n'


@pytest.fixture
def read(tmp_path):
    def read(text, **options):
        (tmp_path / "members.jsonl").write_text(text, encoding="utf-8")
        adapter = find_source("jsonlines")
        options = adapter.Options(type="jsonlines", path="members.jsonl", **options)
        source = adapter(options, base=tmp_path, sleep=lambda _: None, clock=lambda: None)
        with source.open() as reading:
            return list(reading)

    return read


def test_gives_each_record_with_its_place(read):
    records = read(WHOLE)
    assert [record.values["Name"] for record in records] == ["Ada", "Ivo"]
    assert [str(record.position) for record in records] == ["members.jsonl line 1", "members.jsonl line 2"]


@pytest.mark.parametrize("text", ["", WHOLE[:-1], WHOLE[:-9], "[\n"], ids=["empty", "no end", "cut", "no JSON"])
def test_a_list_that_may_be_cut_short_is_incomplete(read, text):
    with pytest.raises(IncompleteRead) as caught:
        read(text)
    assert caught.value.remedy
    assert "Ivo" not in str(caught.value)


def test_fewer_records_than_the_minimum_are_incomplete(read):
    with pytest.raises(IncompleteRead, match="2 records of at least 3"):
        read(WHOLE, minimum=3)
