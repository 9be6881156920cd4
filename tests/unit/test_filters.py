"""`where`: which records count, what can't be judged, and what is no condition."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.domain.records import DateCell
from syncd.mapping.checks import ValueProblem
from syncd.mapping.filters import Condition, Where

TODAY = date(2026, 11, 26)


def holds(condition: dict[str, Any], value: object) -> object:
    """Whether it holds of a cell, or why that can't be judged."""
    where = Where([Condition.model_validate({"from": "Spalte", **condition})])
    try:
        return where.holds({"Spalte": value}, TODAY)
    except ValueProblem as problem:
        return str(problem)


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ({"is": "aktiv"}, ["aktiv", " AKTIV ", "Aktiv\u200b"], ["ruhend", "inaktiv", "", None, "aktiv?"]),
        ({"is": ["aktiv", "ruhend"]}, ["aktiv", "Ruhend"], ["ausgetreten", ""]),
        ({"is": True}, [True, "true"], [False, "1", None]),
        ({"is": 3}, [3, "3", 3.0], [4, "03", ""]),
        ({"is": "größe"}, ["GRÖSSE", "gro\u0308ße"], ["grosze"]),
        ({"is_not": "tot"}, ["aktiv", "", None, " "], ["tot", " Tot"]),
        ({"is_not": ["tot", "gelöscht"]}, ["aktiv", ""], ["tot", "GELÖSCHT"]),
        ({"empty": True}, ["", None, "  ", "\u200b", []], ["x", 0, False]),
        ({"empty": False}, ["x", 0], ["", None]),
        ({"matches": "^[A-Z]"}, ["Abc"], ["abc", "1A", "", None]),
        ({"matches": "Verein"}, ["Sportverein, Verein"], ["Sportverein"]),
        ({"matches": "^$"}, ["", None], ["x"]),
        ({"date": "%d.%m.%Y", "after": "today"}, ["27.11.2026", " 01.01.2030"], ["26.11.2026", "01.01.2020", "", None]),
        ({"date": "%d.%m.%Y", "after": "today", "or_empty": True}, ["", None, "27.11.2026"], ["26.11.2026"]),
        ({"date": "%d.%m.%Y", "before": "today"}, ["25.11.2026"], ["26.11.2026", "27.11.2026", ""]),
        ({"date": "%Y-%m-%d", "before": "2000-01-01"}, ["1999-12-31"], ["2000-01-01"]),
        (
            {"date": ["%d.%m.%Y", "%Y-%m-%d"], "after": "2020-01-01", "before": "today"},
            ["02.01.2020", "2026-11-25"],
            ["01.01.2020", "2026-11-26"],
        ),
        ({"is": "NULL"}, ["NULL"], ["x", ""]),
        ({"is": "x", "transform": [{"null-if": ["NULL"]}, "lower"]}, ["X"], ["NULL"]),
    ],
)
def test_a_condition_holds_or_not(condition: dict[str, Any], yes: list[object], no: list[object]) -> None:
    assert {repr(one): holds(condition, one) for one in yes} == {repr(one): True for one in yes}
    assert {repr(one): holds(condition, one) for one in no} == {repr(one): False for one in no}


@pytest.mark.parametrize(
    ("condition", "value", "words"),
    [
        ({"date": "%d.%m.%Y", "after": "today"}, "unbekannt", "'Spalte' is not a date in the form 31.12.1980"),
        ({"date": "%d.%m.%Y", "after": "today", "or_empty": True}, "2026-11-27", "is not a date in the form"),
        ({"is": "aktiv"}, "#NV", "'Spalte' is an error of a spreadsheet"),
        ({"empty": True}, "NULL", "'Spalte' is a database's word for nothing"),
        ({"is_not": "x"}, ["a", "b"], "'Spalte' is a list or an object"),
    ],
)
def test_what_can_not_be_judged_is_said(condition: dict[str, Any], value: object, words: str) -> None:
    assert words in str(holds(condition, value))


def test_all_conditions_must_hold_and_one_that_fails_decides() -> None:
    where = Where(
        [
            Condition.model_validate({"from": "Austritt", "date": "%d.%m.%Y", "after": "today", "or_empty": True}),
            Condition.model_validate({"from": "Status", "is": "aktiv"}),
        ]
    )
    assert where.holds({"Status": "aktiv", "Austritt": ""}, TODAY)
    assert not where.holds({"Status": "tot", "Austritt": ""}, TODAY)
    assert not where.holds({"Status": "tot", "Austritt": "bald"}, TODAY)
    with pytest.raises(ValueProblem, match="'Austritt' is not a date"):
        where.holds({"Status": "aktiv", "Austritt": "bald"}, TODAY)


def test_a_condition_may_lead_into_nested_records() -> None:
    where = Where([Condition.model_validate({"from": "properties.status", "is": "active"})])
    assert where.holds({"properties": {"status": "active"}}, TODAY)
    assert not where.holds({"properties": {}}, TODAY)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "takes exactly one of 'is', 'is_not', 'empty', 'matches', 'date'"),
        ({"is": "a", "is_not": "b"}, "takes exactly one of"),
        ({"is": ""}, "for empty cells there is 'empty = true'"),
        ({"is": []}, "takes a text or a list of texts"),
        ({"is": {"a": 1}}, "takes a text or a list of texts"),
        ({"matches": "("}, "is not a regular expression"),
        ({"date": "%d.%m."}, "a form with day, month and year"),
        ({"date": "%d.%m.%y", "after": "today"}, "pivot"),
        ({"date": "%d.%m.%Y"}, "with 'date' takes 'before' or 'after'"),
        ({"date": "%d.%m.%Y", "after": "31.12.2026"}, "neither 'today' nor a date such as"),
        ({"is": "a", "or_empty": True}, "only with 'date'"),
        ({"is": "a", "after": "today"}, "only with 'date'"),
        ({"empty": "yes"}, "boolean"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(condition: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match="(?s)" + words.replace("(", r"\(")):
        Condition.model_validate({"from": "Spalte", **condition})


def test_a_date_cell_of_a_workbook_may_be_asked_about() -> None:
    assert holds({"empty": False}, DateCell("2026-11-01")) is True
    assert holds({"date": "%Y-%m-%d", "before": "today"}, DateCell("2026-11-01")) is True
