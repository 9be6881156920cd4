"""What a tap may say on its standard output, and what syncd makes of it; the tap prints a file and no more."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from extent import IS_WHOLE
from source_contract import read, refused

from syncd.errors import IncompleteRead
from syncd.mapping.columns import Column, find_missing, require_columns
from syncd.sources.singer import SingerOptions, SingerSource
from syncd.sources.singer_schema import find_columns

NAMES = {"id": {"type": "string"}, "name": {"type": "string"}}
PEOPLE = [{"id": str(number), "name": f"Zz{number}"} for number in range(1, 41)]


def schema(properties: object = None, **more: object) -> dict[str, Any]:
    inner = {"properties": NAMES if properties is None else properties, **more}
    return {"type": "SCHEMA", "stream": "c", "schema": inner, "key_properties": ["id"]}


def record(values: object, **more: object) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "c", "record": values, **more}


def lines(*messages: object) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


@pytest.fixture
def tap(tmp_path: Path) -> Callable[..., SingerSource]:
    def tap(said: bytes, **options: Any) -> SingerSource:
        (tmp_path / "said").write_bytes(said)
        table = {"type": "singer", "command": ["cat", "said"], "stream": "c", **options}
        parsed = SingerOptions.model_validate(table)
        return SingerSource(parsed, base=tmp_path, sleep=time.sleep, clock=lambda: datetime.now(UTC))

    return tap


# --- columns ---


@pytest.mark.parametrize(
    ("inner", "columns"),
    [
        ({"properties": NAMES}, ("id", "name")),
        ({"properties": NAMES, "additionalProperties": False}, ("id", "name")),
        ({"properties": NAMES, "type": ["null", "object"]}, ("id", "name")),
        ({"properties": NAMES, "patternProperties": {}}, ("id", "name")),
        ({"properties": NAMES, "additionalProperties": True}, None),
        ({"properties": NAMES, "additionalProperties": {"type": "string"}}, None),
        ({"properties": NAMES, "patternProperties": {"^custom_": {}}}, None),
        ({"properties": NAMES, "anyOf": [{"properties": {"email": {}}}]}, None),
        ({"properties": NAMES, "$ref": "#/definitions/person"}, None),
        ({"properties": {}}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_columns_are_known_where_the_schema_leaves_nothing_open(inner: object, columns: object) -> None:
    assert find_columns(inner, {"id": "1"}) == columns


def test_the_first_record_shows_what_a_careless_schema_leaves_out() -> None:
    assert find_columns({"properties": {"id": {}}}, {"id": "1", "name": "Zz"}) == ("id", "name")
    closed = {"properties": {"id": {}}, "additionalProperties": False}
    assert find_columns(closed, {"id": "1", "name": "Zz"}) == ("id",)


@pytest.mark.parametrize(("path", "is_there"), [("name", True), ("name.first", True), ("mail", False), ("a.b", False)])
def test_a_property_that_is_gone_is_a_missing_column(tap: Any, path: str, is_there: bool) -> None:
    with tap(lines(schema(), record(PEOPLE[0]))).open() as reading:
        wanted = [Column(path=path, used_by="fields.x.from")]
        if is_there:
            require_columns(wanted, reading.columns, reading.description, reading.hint)
            return
        with pytest.raises(IncompleteRead, match="the tap's catalog") as caught:
            require_columns(wanted, reading.columns, reading.description, reading.hint)
    assert f"there is no column '{path}'" in str(caught.value)


ADDRESS = {"address": {"type": ["null", "object"], "properties": {"city": {}, "geo": {"type": "object"}}}}


@pytest.mark.parametrize(
    ("path", "is_there"),
    [
        ("address", True),
        ("address.city", True),
        ("address.street", False),
        ("address.geo.lat", True),
        ("address.street.name", False),
        ("address.city || name", True),
        ("join(' ', [address.street, name])", True),
        ("street.name", False),
    ],
)
def test_a_part_of_a_property_is_judged_where_the_schema_lists_the_parts(path: str, is_there: bool) -> None:
    columns = find_columns({"properties": {**NAMES, **ADDRESS}}, {"id": "1"})
    assert columns == ("address", "address.city", "address.geo", "id", "name")
    assert (find_missing([Column(path=path, used_by="fields.x.from")], columns) == {}) is is_there


def test_a_part_that_the_first_record_shows_is_there() -> None:
    columns = find_columns({"properties": {**NAMES, **ADDRESS}}, {"address": {"street": "Zz"}})
    assert find_missing([Column(path="address.street", used_by="fields.x.from")], columns or ()) == {}


def test_a_schema_may_come_again_and_grow(tap: Any) -> None:
    said = [schema(), record(PEOPLE[0]), schema(), record(PEOPLE[1]), schema({**NAMES, "mail": {}}), record(PEOPLE[2])]
    assert len(read(tap(lines(*said)))) == 3


def test_a_schema_that_loses_a_property_midway_ends_the_read(tap: Any) -> None:
    said = [schema(), record(PEOPLE[0]), schema({"id": {}}), record({"id": "2"})]
    assert "takes properties out" in refused(tap(lines(*said))).message


# --- what is said ---


def test_state_versions_and_other_streams_are_no_records(tap: Any) -> None:
    other = {"type": "RECORD", "stream": "d", "record": {"id": "x"}}
    version = {"type": "ACTIVATE_VERSION", "stream": "c", "version": 7}
    state = {"type": "STATE", "value": {}}
    said = [state, schema(), version, record(PEOPLE[0], version=7), other, state, record(PEOPLE[1], version=7), version]
    assert [one.values["id"] for one in read(tap(lines(*said)))] == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"INFO Zzmeyer was read\n", "line 3 that is no Singer message"),
        (b'{"level": "INFO", "message": "Zzmeyer"}\n', "line 3 that is no Singer message"),
        (b'{"type": "RECORD", "record": {"id": "Zz"}}\n', "line 3 that is no Singer message"),
        (b'["Zz"]\n', "line 3 that is no Singer message"),
        (b'{"type": "RECORD", "stream": "c", "record": {"id": "M\xfcller"}}\n', "line 3 that is not UTF-8"),
        (b'{"type": "BATCH", "stream": "c"}\n', "batches in files"),
    ],
)
def test_what_is_no_message_ends_the_read(tap: Any, line: bytes, words: str) -> None:
    assert words in refused(tap(lines(schema(), record(PEOPLE[0])) + line + lines(record(PEOPLE[1])))).message


@pytest.mark.parametrize("thing", [None, "Zz", 7, [1], float("nan")])
def test_what_is_no_object_is_one_doubtful_record(tap: Any, thing: object) -> None:
    with tap(lines(schema(), record(PEOPLE[0]), record(thing), record(PEOPLE[1]))).open() as reading:
        doubts = [reading.doubt_about(one) for one in reading]
    assert [doubt is None for doubt in doubts] == [True, False, True]


def test_records_none_of_which_is_an_object_are_the_wrong_stream(tap: Any) -> None:
    assert "no objects" in refused(tap(lines(schema(), record(None)))).message


@pytest.mark.parametrize("number", ["NaN", "1e999", "9" * 5000])
def test_a_number_without_end_spoils_no_other_record(tap: Any, number: str) -> None:
    line = f'{{"type": "RECORD", "stream": "c", "record": {{"id": {number}}}}}\n'.encode()
    assert len(read(tap(lines(schema(), record(PEOPLE[0])) + line))) == 2


def test_a_mark_and_windows_line_ends_do_no_harm(tap: Any) -> None:
    said = b"\xef\xbb\xbf" + lines(schema(), record(PEOPLE[0])).replace(b"\n", b"\r\n")
    assert len(read(tap(said))) == 1


def test_a_line_without_end_is_given_up(tap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.sources.singer.LONGEST_LINE", 100_000)
    assert "too long" in refused(tap(lines(schema()) + b"x" * 300_000)).message


# --- a stream that is cut ---

WHOLE = lines(schema(), *map(record, PEOPLE))


def test_a_stream_that_is_cut_at_any_byte_tells_nothing_false(tmp_path: Path) -> None:
    """Only a cut at a line's end can't be noticed: whoever says so in `complete` is told of it."""
    (tmp_path / "said").write_bytes(WHOLE)
    unnoticed, cuts = [], range(0, len(WHOLE), 1 if IS_WHOLE else 3)
    for cut in cuts:
        table = {"type": "singer", "command": ["head", "-c", str(cut), "said"], "stream": "c"}
        options = SingerOptions.model_validate(table)
        source = SingerSource(options, base=tmp_path, sleep=time.sleep, clock=lambda: datetime.now(UTC))
        came: list[object] = []
        try:
            with source.open() as reading:
                came.extend(dict(one.values) for one in reading)
        except IncompleteRead:
            pass
        else:
            unnoticed.append(cut)
        assert came == PEOPLE[: len(came)]
    assert unnoticed == [cut for cut in cuts if cut > len(lines(schema())) and WHOLE[cut - 1 : cut] == b"\n"]


def test_a_minimum_tells_a_stream_that_is_cut_at_the_end_of_a_line(tap: Any) -> None:
    assert len(read(tap(WHOLE, complete={"minimum": 40}))) == 40
    cut = lines(schema(), *map(record, PEOPLE[:39]))
    assert "gives 39 records, and complete.minimum is 40" in refused(tap(cut, complete={"minimum": 40})).message


def test_a_minimum_makes_no_source_another_one(tap: Any) -> None:
    assert tap(WHOLE, complete={"minimum": 40}).fingerprint == tap(WHOLE).fingerprint


@pytest.mark.parametrize("program", ["sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_what_a_tap_wrote_before_it_failed_is_no_snapshot(tap: Any, program: str) -> None:
    code = f"import os, sys; print(open('said').read(), end='', flush=True); {program}"
    refused(tap(WHOLE, command=[sys.executable, "-c", code]))
