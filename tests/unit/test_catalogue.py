"""What is kept of a server's words: sentences and labels of the catalogue, whatever else is said."""

import html
import re
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.gomus.catalogue import Catalogue
from syncd.gomus.fields import FIELDS
from syncd.gomus.sentences import GOMUS, LABELS, RAILS, RECORDS

CATALOGUE = Catalogue()
UNKNOWN = "go~mus refused it in words that are not in the catalogue (422)"
NAME = "Jürgenskjöld Großmannsbärt"
SPELLINGS = {
    "as it is": NAME,
    "upper case": NAME.upper(),
    "html": "J&uuml;rgenskj&ouml;ld Gro&szlig;mannsb&auml;rt",
    "html in numbers": "".join(f"&#{ord(letter)};" for letter in NAME),
    "percent": quote(NAME),
    "unicode escapes": NAME.encode("ascii", "backslashreplace").decode(),
    "cut": NAME[:18],
    "the other way": "Großmannsbärt, Jürgenskjöld",
    "in one word": "juergenskjoeld.grossmannsbaert",
}
FRAGMENTS = ("rgenskj", "mannsb", "&#74;", "rgenskj".upper(), "Gro")


def known(text: str, **more: object) -> tuple[str, ...]:
    return CATALOGUE.words([text], status=422, **more)  # type: ignore[arg-type]  # of `fields` only


SAID = {
    "Email can't be blank": "Email can't be blank",
    "Email can’t be blank": "Email can't be blank",
    "Email can&#39;t be blank.": "Email can't be blank",
    "email is invalid": "Email is invalid",
    "customer_salutation_id must exist": "Customer salutation id must exist",
    "Customer salutation must exist": "Customer salutation must exist",
    "Date of birth is not a valid date": "Date of birth is not a valid date",
    "Surname is too long (maximum is 255 characters)": "Surname is too long (maximum is 255 characters)",
    "Foreign has already been taken": "Foreign has already been taken",
    "Addresses street can't be blank": "Street can't be blank",
    "addr_zip is the wrong length (should be 5 characters)": "Addr zip is the wrong length (should be 5 characters)",
    "Email doesn't match E-Mail": "Email doesn't match E-Mail",
    "Nachname muss ausgefüllt werden": "Nachname muss ausgefüllt werden",
    "E-Mail ist nicht gültig": "E-mail ist nicht gültig",
    "E-Mail-Adresse ist bereits vergeben": "E-Mail-Adresse ist bereits vergeben",
    "PLZ ist zu kurz (weniger als 5 Zeichen)": "PLZ ist zu kurz (weniger als 5 Zeichen)",
    "Anrede ist kein gültiger Wert": "Anrede ist kein gültiger Wert",
    "Straße darf nicht leer sein": "Straße darf nicht leer sein",
    "Prénom doit être rempli(e)": "Prénom doit être rempli(e)",
    "Courriel n'est pas valide": "Courriel n'est pas valide",
    "Nom est trop long (pas plus de 255 caractères)": "Nom est trop long (pas plus de 255 caractères)",
    "Achternaam moet opgegeven zijn": "Achternaam moet opgegeven zijn",
    "Geboortedatum is ongeldig": "Geboortedatum is ongeldig",
    "customer(s) could not be saved": "customer(s) could not be saved",
    "3 customer(s) could not be saved": "3 customer(s) could not be saved",
    "at most 50 customers": "at most 50 customers",
    "Cannot delete record because dependent orders exist": "Cannot delete record because dependent orders exist",
    "Datensatz kann nicht gelöscht werden, da abhängige Bestellungen existieren": (
        "Datensatz kann nicht gelöscht werden, da abhängige Bestellungen existieren"
    ),
    # an attribute that nobody knows
    "Mitgliederkennzeichen muss ausgefüllt werden": "muss ausgefüllt werden",
    "Muster is invalid": "is invalid",
    # what stands beside it
    "Customer M-0001: Email is invalid": "Email is invalid",
    "Customer 3: Email 'ada@example.org' is invalid": "Email is invalid",
    "Tel is invalid (Ada Muster)": "Tel is invalid",
}


@pytest.mark.parametrize(("said", "kept"), SAID.items())
def test_what_is_in_the_catalogue_comes_through(said: str, kept: str) -> None:
    assert known(said) == (kept,)


def test_several_sentences_in_one_text_are_told_apart() -> None:
    said = "Validation failed: Email can't be blank, Surname is invalid and Ada Muster ist nicht gültig"
    assert known(said) == ("Email can't be blank", "Surname is invalid", "ist nicht gültig")


@pytest.mark.parametrize("language", RAILS)
def test_every_sentence_of_every_language_is_known(language: str) -> None:
    for line in filter(None, map(str.strip, RAILS[language].splitlines())):
        said = line.replace("{count}", "12").replace("{field}", "Email").replace("{record}", "orders")
        assert known(f"Zz {said}") == (said,)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "said",
    [
        "{} is on a list",
        "Rechnungen an {} sind offen",
        "{} is invalid",
        "Email {} is invalid",
        "Email is invalid ({})",
        "Cannot delete record because dependent {} exist",
        "Email doesn't match {}",
        "{}",
    ],
)
def test_no_spelling_of_a_name_comes_through(said: str, spelling: str) -> None:
    kept = " ".join(known(said.format(SPELLINGS[spelling]), fields=FIELDS))
    assert [part for part in FRAGMENTS if part in kept or part in html.unescape(kept)] == []
    assert kept


VOCABULARY = {
    word
    for text in (
        *RAILS.values(),
        GOMUS,
        *LABELS.values(),
        RECORDS,
        UNKNOWN,
        "it names",
        *FIELDS,
        *(n.replace("_", " ") for n in FIELDS),
    )
    for word in re.findall(r"\w+", text.casefold())
}
WORDS = st.sampled_from([*SAID, NAME, "is invalid", "Email", "'", ",", ":", "(", ")", "can't be", "blank", "ı", "ſ"])


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=12).map(" ".join))
def test_every_word_that_is_kept_is_one_of_the_catalogue(text: str) -> None:
    for kept in known(text, fields=FIELDS):
        words = [word for word in re.findall(r"\w+", kept.casefold()) if not word.isdecimal()]
        assert set(words) <= VOCABULARY


@pytest.mark.parametrize("number", ["123456", "030 23125100", "1980-12-31"])
def test_a_long_number_is_no_limit_of_a_rule(number: str) -> None:
    assert number not in str(known(f"Tel must be other than {number}"))


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("email of Ada is odd", "; it names email"),
        ("tel, and email too", "; it names email, tel"),
        ("surname is odd", ""),  # it was not sent
        ("emails are odd", ""),
    ],
)
def test_of_unknown_words_the_fields_are_named_that_were_sent(said: str, names: str) -> None:
    assert known(said, fields=["email", "tel", "foreign_id"]) == (UNKNOWN + names,)


def test_where_nothing_is_said_nothing_is_told() -> None:
    assert CATALOGUE.words([], status=422) == ()


def test_what_an_operator_trusts_is_known_wherever_it_stands() -> None:
    trusting = Catalogue(["Kunde hat offene Rechnungen"])
    assert trusting.words(["Ada: KUNDE hat  offene Rechnungen!"], status=409) == ("KUNDE hat offene Rechnungen",)
    assert trusting.words(["Kunde hat offene Rechnungenx"], status=409) == (UNKNOWN.replace("422", "409"),)


def test_a_sentence_of_an_operator_is_no_pattern() -> None:
    for pattern, said in (("is .* blocked", "is Ada blocked"), ("is blocked {count}", "is blocked 5")):
        assert Catalogue([pattern]).words([said], status=422) == (UNKNOWN,)


@pytest.mark.parametrize("size", [20_000, 400_000])
@pytest.mark.parametrize("word", ["x", "is ", "is in", "Email ", "&", "Kunde, "])
def test_a_long_text_costs_no_time(word: str, size: int) -> None:
    began = time.process_time()
    CATALOGUE.words([word * (size // len(word))] * 50, status=422, fields=FIELDS)
    assert time.process_time() - began < 0.2
