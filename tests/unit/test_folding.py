"""How e-mail addresses and names are compared."""

import pytest

from syncd.domain.folding import fold_email, fold_names, is_misspelt, is_role


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Jörg", "Müller"), ("Joerg", "Mueller")),
        (("JÖRG", "MÜLLER"), ("jörg", "müller")),
        (("Jo\u0308rg", "Weiß"), ("J\u00f6rg", "WEISS")),
        (("Anna", "Groß-Schmidt"), ("Schmidt Groß", "Anna")),
        (("Dr. Anna", "Muster"), ("Anna", "Muster")),
        (("Prof. Dr. med. Anna", "Muster"), ("Anna", "Muster")),
        (("Anna Maria", "Muster"), ("Anna-Maria", "Muster")),
        (("José", "Muñoz"), ("Jose", "Munoz")),
        (("Łukasz", "Wójcik"), ("Lukasz", "Wojcik")),
        (("Søren", "Kjær"), ("Soeren", "Kjaer")),
        (("Sean", "O'Neill"), ("Sean", "O’Neill")),
        (("Ada", "Muster"), (None, "Muster, Ada")),
    ],
)
def test_two_spellings_of_a_name_are_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert fold_names(*one) == fold_names(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Anna", "Bauer"), ("Anna", "Baur")),
        (("Anna", "Muster"), ("Anna Maria", "Muster")),
        (("Anna", "Muster"), ("Hanna", "Muster")),
        (("Иван", "Петров"), ("Ivan", "Petrov")),
    ],
)
def test_two_names_are_two(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert fold_names(*one) != fold_names(*other)


def test_who_is_called_like_a_title_keeps_the_name() -> None:
    assert fold_names("Anna", "Herr") == "anna herr"


@pytest.mark.parametrize("text", [None, "", "  ", "keine", "@example.org", "ada@"])
def test_what_is_no_address_is_none(text: str | None) -> None:
    assert fold_email(text) == ""


def test_case_and_blanks_of_an_address_make_no_difference() -> None:
    assert fold_email("  Ada@Example.ORG ") == "ada@example.org"


def test_a_dot_in_an_address_makes_a_difference() -> None:
    assert fold_email("a.da@gmail.com") != fold_email("ada@gmail.com")


@pytest.mark.parametrize(
    "address",
    "info@x.de sekretariat@x.de kontakt@x.de office@x.de verwaltung@x.de info-nord@x.de info2@x.de büro@x.de "
    "buero@x.de accueil@x.fr mairie@x.fr secrétariat@x.fr administratie@x.nl receptie@x.nl no-reply@x.de "
    "office+tickets@x.de schulleitung@x.de".split(),
)
def test_the_address_of_an_office_is_nobodys(address: str) -> None:
    assert is_role(address)


@pytest.mark.parametrize("address", "ada@info.de anna.info@x.de infante@x.de a.muster@x.de m.post-weber@x.de".split())
def test_the_address_of_a_person_is_no_offices(address: str) -> None:
    assert not is_role(address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada.muster@gmx.de", "ada.mustre@gmx.de"),
        ("ada.muster@gmx.de", "adamuster@gmx.de"),
        ("ada@gmail.com", "ada@gmial.com"),
        ("ada@gmx.de", "ada@gmx.net"),
        ("ada@x.de", "ade@x.de"),
        ("anna@x.de", "anan@x.de"),
        ("max.muster@x.de", "xam.muster@x.de"),
    ],
)
def test_a_slip_is_seen(one: str, other: str) -> None:
    assert is_misspelt(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@gmx.de", "ada@gmx.de"),
        ("ada@gmx.de", ""),
        ("ab@x.de", "cd@x.de"),
        ("ada.muster@gmx.de", "ada@gmx.de"),
        ("ada@gmx.de", "ade@gmx.net"),
        ("ada@web.de", "ada@gmx.de"),
        ("anna@x.de", "nana1@x.de"),
    ],
)
def test_another_address_is_no_slip(one: str, other: str) -> None:
    assert not is_misspelt(one, other)
