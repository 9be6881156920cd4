"""The words of pages: the same in number and kind in both languages, and none beside the tables."""

import re
import string
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, nodes

from syncd.domain.changes import Action, Result
from syncd.domain.guards import Guard, how_to_release
from syncd.domain.languages import Language
from syncd.domain.runs import Status, Trigger
from syncd.report.words import KINDS, Words, words_in

PACKAGE = Path(__file__).parents[2] / "syncd"
TEMPLATES = sorted(file for package in ("report", "web") for file in PACKAGE.glob(f"{package}/templates/*.html"))
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}|[A-Z][a-z]+")
NAMES = {"syncd"}


def keys_of(language: Language) -> dict[str, object]:
    """Each key, with the placeholders of each of its forms."""
    text = (PACKAGE / f"report/languages/{language.value}.toml").read_text(encoding="utf-8")
    return {
        f"{section}.{name}": {form: placeholders(one) for form, one in words.items()}
        if isinstance(words, dict)
        else placeholders(words)
        for section, table in tomllib.loads(text).items()
        for name, words in table.items()
    }


def placeholders(words: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(words) if field}


KEYS = keys_of(Language.ENGLISH)


@pytest.mark.parametrize("language", Language)
def test_every_language_says_the_same_things_with_the_same_placeholders(language: Language) -> None:
    assert keys_of(language) == KEYS


def test_a_number_has_one_form_for_one_and_another_for_others() -> None:
    assert {key for key, forms in KEYS.items() if isinstance(forms, dict) and set(forms) != {"one", "other"}} == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_no_template_holds_a_word_of_its_own(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    shown = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', shown)
    text_alone = re.sub(r"<code>.*?</code>|<[^>]*>", " ", shown)
    words = re.findall(r"[^\W\d_]{2,}", text_alone)
    assert {*words, *filter(None, labels)} - NAMES == set()
    constants = {node.value for node in Environment(autoescape=True).parse(text).find_all(nodes.Const)}
    assert {one for one in constants if isinstance(one, str) and SENTENCE.search(one)} == set()


def test_every_key_is_said_somewhere_and_whatever_is_said_has_a_key() -> None:
    sources = [*TEMPLATES, *PACKAGE.glob("report/*.py"), *PACKAGE.glob("web/*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    said = set(re.findall(r'say\(\s*"([a-z_]+\.[a-z_]+)"', text))
    chosen = {
        "ago",
        "in",
        "kinds",
        "queues",
        "triggers",
        "actions",
        "results",
        "failures",
        "words",
        "guards",
        "done",
        "zones",
    }
    chosen |= {
        "queues",
        "counted",
        "planned",
        "worklist_kinds",
        "erased",
        "erased_more",
        "erasure",
        "left",
        "reach",
        "reach_do",
    }
    assert (said - KEYS.keys(), {key for key in KEYS if key.split(".")[0] not in chosen} - said) == (set(), set())


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("actions", [one.value for one in Action]),
        ("results", [*(one.value for one in Result), "open"]),
        ("triggers", [one.value for one in Trigger]),
        ("guards", [one.value for one in Guard]),
        ("kinds", [*KINDS.values(), "open", "running", "never", "decided"]),
    ],
)
def test_every_name_has_a_word(section: str, names: list[str]) -> None:
    assert set(words_in(Language.GERMAN).table[section]) == set(names)
    assert {KINDS.get(status.value) for status in Status} == set(KINDS.values())


BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 9, 13, 5, tzinfo=UTC)


@pytest.fixture
def german() -> Words:
    return words_in(Language.GERMAN)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (NOW - timedelta(days=1), "vor 1 Tag"),
        (NOW - timedelta(days=2), "vor 2 Tagen"),
        (NOW + timedelta(hours=1), "in 1 Stunde"),
        (NOW + timedelta(minutes=12), "in 12 Minuten"),
        (NOW, "gerade eben"),
    ],
)
def test_a_distance_of_time_has_the_right_form_in_german(german: Words, at: datetime, told: str) -> None:
    assert german.ago(at, NOW) == told


def test_times_and_spans_are_written_as_germans_do(german: Words) -> None:
    summer = datetime(2026, 7, 4, 6, 0, tzinfo=UTC)
    assert german.moment(NOW, BERLIN) == "Mo., 9. März 2026, 14:05 Uhr MEZ"
    assert german.moment(summer, BERLIN) == "Sa., 4. Juli 2026, 08:00 Uhr MESZ"
    assert german.span(timedelta(seconds=0.4)) == "0,4 s"


@pytest.mark.parametrize(("n", "told"), [(1, "1 Datensatz"), (0, "0 Datensätze"), (12480, "12\u202f480 Datensätze")])
def test_a_number_of_records_has_the_right_form(german: Words, n: int, told: str) -> None:
    assert german.say("did.records", n) == told


@pytest.mark.parametrize("key", ["held.untouched", "plan.release"])
def test_the_pages_name_the_same_remedy_as_the_commands(key: str) -> None:
    assert how_to_release("members") in words_in(Language.ENGLISH).say(key, sync="members")
