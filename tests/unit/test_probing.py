"""What a probe says: words for every answer in both languages, and none of a server's own."""

import re
import string
import threading
import tomllib
from pathlib import Path

import pytest

from syncd.domain.languages import Language
from syncd.errors import Stopped
from syncd.probing.findings import LOST, OUT_OF_REACH, POINTS, UNTRIED, Finding
from syncd.probing.invented import invent
from syncd.probing.shapes import (
    address_shape,
    batch_shape,
    form_of,
    order_of,
    salutation_shape,
    single_shape,
    unknown_keys,
)
from syncd.probing.telling import answered, asked, words_of
from syncd.probing.waiting import GRACE, Waiting

PROBING = Path(__file__).parents[2] / "syncd/probing"
YES_NO = r'_tell\(bench, "(\w+)", is_so=\w+, yes="(\w+)", no="(\w+)"\)'


def table(language: Language) -> dict[str, dict[str, object]]:
    return tomllib.loads((PROBING / f"languages/{language.value}.toml").read_text(encoding="utf-8"))


def places(words: object) -> set[str]:
    text = " ".join(words.values()) if isinstance(words, dict) else str(words)
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def test_both_languages_say_the_same_things_with_the_same_placeholders() -> None:
    said = [
        {(section, name): places(words) for section, names in table(language).items() for name, words in names.items()}
        for language in Language
    ]
    assert said[0] == said[1]


@pytest.mark.parametrize("code", POINTS)
def test_every_point_is_asked_and_may_be_lost(code: str) -> None:
    words, finding = words_of(Language.ENGLISH), Finding(code=code, answer=LOST)
    assert asked(finding, words)
    assert answered(finding, words).startswith("not told")


@pytest.mark.parametrize("code", OUT_OF_REACH)
def test_what_can_t_be_tried_says_why(code: str) -> None:
    assert answered(Finding(code=code, answer=UNTRIED), words_of(Language.ENGLISH)).startswith("not tried: ")


def test_every_answer_in_the_code_has_words() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in PROBING.glob("*.py"))
    told = re.findall(r'bench\.tell\("(\w+)", "(\w+)"', code)
    either = re.findall(r'bench\.tell\("(\w+)", "(\w+)" if [^"]*? else "(\w+)"', code)
    told += [(name, other) for name, _, other in either]
    told += [(name, answer) for name, *both in re.findall(YES_NO, code) for answer in both]
    words = table(Language.ENGLISH)
    assert len(told) > len(POINTS)
    assert [(name, answer) for name, answer in told if answer not in words[name]] == []


# --- shapes ---


@pytest.mark.parametrize(
    ("body", "single", "batch"),
    [
        ({"customer": {"id": 1}}, "wrapped", "customer"),
        ({"id": 1}, "bare", "bare"),
        ({"customers": [{"id": 1}]}, "wrapped", "customers"),
        ([{"id": 1}], "bare", "list"),
        ({}, "nothing", "nothing"),
        (None, "nothing", "nothing"),
    ],
)
def test_the_shape_of_an_answer(body: object, single: str, batch: str) -> None:
    assert (single_shape(body), batch_shape(body)) == (single, batch)


@pytest.mark.parametrize(("ids", "order"), [("ab", "as_sent"), ("ba", "reversed"), ("a", None), ("aab", None)])
def test_the_order_of_a_batch(ids: str, order: str | None) -> None:
    assert order_of([{"id": 1, "foreign_id": one.upper()} for one in ids], ["a", "b"]) == order


def test_where_the_address_and_the_salutation_stand() -> None:
    shown = {"addr_zip": "", "addresses": [], "salutation": {}}
    assert (address_shape(shown), salutation_shape(shown)) == ("both", "nested")


def test_of_unknown_keys_only_those_are_named_that_are_names() -> None:
    assert unknown_keys({"id": 1, "level": 2, "created_at": 3, "Frau Müller": 4}) == (["created_at"], 2)


@pytest.mark.parametrize(
    ("shown", "form"),
    [(" a b", "as_sent"), ("a b", "trimmed"), (" A B", "upper"), ("ab", "compact"), ("", "nothing"), ("c", "other")],
)
def test_the_form_of_a_value(shown: str, form: str) -> None:
    assert form_of(" a b", shown) == form


# --- customers, and waits ---


def test_an_invented_customer_knows_its_ids_in_any_letters_and_no_other() -> None:
    first, second, _ = invent("5eed")
    assert [first.has(one) for one in (first.dotted_id.upper(), first.accented_id, second.foreign_id, None)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_wait_ends_when_it_is_time_to_stop() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        Waiting(stopping)(60)


def test_who_tidies_up_is_given_a_few_seconds_more() -> None:
    stopping, now = threading.Event(), [0.0]
    stopping.set()
    waiting = Waiting(stopping, clock=lambda: now[0])
    with waiting.tidying():
        waiting(0)
        now[0] = GRACE
        with pytest.raises(Stopped):
            waiting(0)
