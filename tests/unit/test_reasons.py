"""Each reason has its words in both languages, and is known again by its sentence."""

import importlib.util
import re
from pathlib import Path

import pytest

from syncd import reasons
from syncd.domain.languages import Language
from syncd.gomus.sentences import RAILS
from syncd.matching.judging import Lot
from syncd.report.catalogue import OF_GOMUS, Explaining, catalogue

DOCS = Path(__file__).parents[2] / "docs"
REASONS = list(reasons.each())
OF_THE_WORKLIST = {*OF_GOMUS, "gomus-unfit", "unknown", "pair", "changed-in-gomus", "tell", "needed"}
OF_THE_WORKLIST |= {lot.value for lot in Lot if lot.is_open}
OF_THE_WORKLIST |= {"email-taken-by", "email-shared"}
OF_THE_WORKLIST |= {"to-merge"}
GERMAN = Explaining(language=Language.GERMAN)


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_reason_is_in_the_catalogue_and_nothing_else() -> None:
    assert set(catalogue()) == {reason.code for reason in REASONS} | OF_THE_WORKLIST


def test_every_code_and_every_sentence_is_of_one_reason() -> None:
    assert len({reason.code for reason in REASONS}) == len(REASONS) == len({reason.template for reason in REASONS})


@pytest.mark.parametrize("code", catalogue())
def test_both_languages_say_what_is_wrong_and_what_to_do(code: str) -> None:
    entry = catalogue()[code]
    assert set(entry) == {"en", "de"}
    assert all(words.get("text") and words.get("remedy") for words in entry.values())
    assert places(str(entry["en"])) == places(str(entry["de"]))


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_words_are_about_what_the_reason_knows(reason: reasons.Reason) -> None:
    known = {*reason.places, "column", "foreign_id", "choices"}
    assert places(str(catalogue()[reason.code])) <= known


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_a_reason_is_known_by_its_sentence(reason: reasons.Reason) -> None:
    parts = {place: f"what {place} is" for place in reason.places}
    parts |= {"why": reasons.NO_EMAIL.template} if "why" in parts else {}
    assert reasons.read(reason.tell(**parts)) == (reason, parts)


def test_a_sentence_of_somebody_else_is_none_of_ours() -> None:
    assert reasons.read("Email has already been taken") is None


def test_a_field_is_called_as_the_source_calls_it() -> None:
    explaining = Explaining(language=Language.GERMAN, columns={"email": "E-Mail privat"}.__getitem__)
    told = reasons.KEPT.tell(fields="email")
    assert "E-Mail privat" in explaining.refusal(told, "M-1").text


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("Surname can't be blank", "surname"),
        ("E-Mail-Adresse ist ungültig", "email"),
        ("Nom de famille est trop long", "surname"),
    ],
)
def test_the_field_that_go_mus_names_is_told_as_the_source_calls_it(said: str, field: str) -> None:
    explaining = Explaining(language=Language.GERMAN, columns=lambda name: f"die Spalte von {name}")
    assert explaining.refusal(said, "M-1").column == f"die Spalte von {field}"


def test_what_must_not_be_empty_is_not_told_to_be_emptied_without_a_word() -> None:
    told = reasons.WORD_FOR_NOTHING.tell()
    assert "Ohne diese Angabe nimmt go~mus niemanden an." in GERMAN.problem("surname", told).remedy
    assert "Ohne diese Angabe" not in GERMAN.problem("addr_city", told).remedy


def test_why_a_condition_cannot_be_judged_is_told_in_the_same_language() -> None:
    told = reasons.UNJUDGED.tell(column="Austritt", why=reasons.NO_DATE.tell(forms="31.12.1980"))
    explained = GERMAN.problem("where", told)
    assert explained.column == "Austritt"
    assert "kein Datum in der Form 31.12.1980" in explained.text


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Email has already been taken", "gomus-taken"),
        ("E-Mail-Adresse ist bereits vergeben", "gomus-taken"),
        ("Courriel est déjà utilisé", "gomus-taken"),
        ("E-mailadres is al in gebruik", "gomus-taken"),
        ("Surname can't be blank", "gomus-blank"),
        ("Nachname muss ausgefüllt werden", "gomus-blank"),
        ("Nom doit être rempli(e)", "gomus-blank"),
        ("Achternaam moet opgegeven zijn", "gomus-blank"),
        ("Name is too long (maximum is 50 characters)", "gomus-too-long"),
        ("Telefon ist zu lang (mehr als 20 Zeichen)", "gomus-too-long"),
        ("Email is invalid", "gomus-unfit"),
        ("Land ist kein gültiger Wert", "gomus-unfit"),
    ],
)
def test_what_go_mus_says_is_explained_whichever_its_language(said: str, code: str) -> None:
    explained = GERMAN.refusal(said, "M-1")
    assert (explained.code, said in explained.text) == (code, True)


@pytest.mark.parametrize(
    "sentence", ["must be blank", "darf nicht ausgefüllt werden", "doit être vide", "moet leeg zijn"]
)
def test_what_must_be_empty_is_not_told_to_be_filled(sentence: str) -> None:
    assert any(sentence in text for text in RAILS.values())
    assert GERMAN.refusal(f"Name {sentence}", "M-1").code == "gomus-unfit"


def test_the_page_of_errors_is_made_of_the_catalogue() -> None:
    spec = importlib.util.spec_from_file_location("errors", DOCS / "making" / "errors.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "errors.md").read_text(encoding="utf-8").strip() == module.draw().strip()
