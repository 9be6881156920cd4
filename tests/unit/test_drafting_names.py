# ruff: noqa: E501 - the names of one meaning read best in one line
"""What the columns of real exports are called, and what each is taken for."""

import pytest

from syncd.config.drafting.names import Meaning, is_id_name, is_of_others, recognize, share_of_names

NAMES = {
    Meaning.GIVEN: "Vorname|First Name|firstName|VORNAME|Prénom|Vorname Ansprechpartner",
    Meaning.FAMILY: "Nachname|Familienname|Last name|LastName|last_name|Surname",
    Meaning.BOTH: "Vor- und Nachname|Nachname, Vorname|Name, Vorname|Vorname / Nachname",
    Meaning.NAME: "Name|Full Name",
    Meaning.INSTITUTION: "Firma|Firmenname|Schulname|Name der Schule|Institution|Organisation|Verein|Company Name|Name d. Schule",
    Meaning.CONTACT: "Ansprechpartner|Ansprechpartner/in|Kontaktperson|z. Hd.|Contact Person",
    Meaning.SALUTATION: "Anrede|Salutation",
    Meaning.TITLE: "Titel|Akad. Titel|Title",
    Meaning.EMAIL: "E-Mail|E-Mail privat|Email 1|eMail|E_MAIL|E-Mail-Adresse|Mail|E-Mail (dienstlich)|Email Address|Private Email-Adresse|Firmen Email-Adresse|Haupt-E-Mail|Geschäftliche E-Mail|mitglied_email|E-Mail Alternativ",
    Meaning.TEL: "Telefon|Telefon1|Tel. privat|Tel.|Tel.-Nr.|Telefon 2|Telefon dienstl.|Telefon Festnetz|Phone Number|Telephone|mitglied_telefonprivat|Telefonnummer (privat)|Privattelefon|Telefon Geschäft|Telefon (geschäftlich)",
    Meaning.MOBILE: "Handy|Telefon (mobil)|Mobil|Mobil-Nr.|Handynummer|Tel. mobil|Mobile phone|Cell|Mobilfunknummer|mitglied_handy|Mobil 1|Mobiltelefon",
    Meaning.STREET: "Straße|Strasse|Straße/Nr.|Straße, Hausnr.|Str.|Street|Anschrift|Address Line 1|Straße und Hausnummer|Straße mit der Hausnummer",
    Meaning.HOUSE: "Hausnr.|Hausnummer|Haus-Nr.|House No.",
    Meaning.ZIP: "PLZ|Postleitzahl|Postal Code|ZIP|Mailing Zip/Postal Code|Preferred ZIP|mitglied_plz|Zip/Postal Code",
    Meaning.CITY: "Ort|Wohnort|Stadt|City|Town",
    Meaning.ZIP_CITY: "PLZ/Ort|PLZ, Ort|PLZ Ort",
    Meaning.COUNTRY: "Land|Country|Länderkennzeichen",
    Meaning.BIRTH: "Geb.-Datum|Geburtstag|Geburtsdatum|geb. am|DOB|Date of Birth",
    Meaning.NOTES: "Bemerkung|Bemerkungen|Notiz|Notes|mitglied_vermerk1",
    Meaning.LEFT: "Austritt|Austrittsdatum|mitglied_austritt|Kündigung zum|gelöscht am|Ausgetreten am|Mitglied bis|Date left",
    Meaning.DECEASED: "verstorben|Verstorben am|Todesdatum|Deceased|Is Deceased|mitglied_sterbetag",
    Meaning.OPTED_OUT: "Werbesperre|Keine Werbung|Do not contact",
    Meaning.STATUS: "Status|Mitgliedsstatus",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meaning"), [(name, meaning) for meaning, names in NAMES.items() for name in names.split("|")]
)
def test_a_column_is_known_by_the_parts_of_its_name(name: str, meaning: Meaning) -> None:
    found = recognize(name)
    assert found is not None
    assert found.meaning is meaning


@pytest.mark.parametrize(
    "name",
    "Name Ehepartner|Vorname Kind|E-Mail der Eltern|Telefon Notfall|Kontoinhaber|Rechnung Straße|Geburtsort|Geburtsname|"
    "Mitglied seit|Eintritt|IBAN|Newsletter|Name der Bank|Firma Telefon Name|Vorname Partner|Briefanrede|Adresszusatz|Mandatsreferenz|Staatsangehörigkeit".split(
        "|"
    ),
)
def test_a_column_of_another_person_or_matter_is_known_as_nothing(name: str) -> None:
    assert recognize(name) is None


@pytest.mark.parametrize(
    "name",
    "Mitgl.-Nr.|Spender-ID|Kundennummer|Kd.-Nr.|Nr.|ID|Mitgliedsnummer|Member No.|Donor ID|memberId|Adress-Nr.|"
    "Debitorennummer|Schul-Nr.|Contact Id|[Id]|Constituent ID|Record ID|mitglied_externe_mitgliedsnummer|Nummer".split(
        "|"
    ),
)
def test_a_column_is_known_as_that_of_the_id(name: str) -> None:
    assert is_id_name(name)


@pytest.mark.parametrize(
    "name", "Hausnr.|Telefonnummer|Steuernummer|Lfd. Nr.|Kontonummer|Rechnungsnummer|Belegnr.|USt-IdNr.".split("|")
)
def test_a_number_of_another_matter_is_no_id(name: str) -> None:
    assert not is_id_name(name)


@pytest.mark.parametrize("name", ["Mail Eltern", "Telefon Ehefrau", "Emergency phone", "Konto"])
def test_a_column_of_others_is_told_as_such(name: str) -> None:
    assert is_of_others(name)


def test_a_further_column_comes_after_a_person_s_own() -> None:
    ranks = [
        found.rank
        for name in ("E-Mail dienstlich", "E-Mail privat", "Email 2", "Email 1")
        if (found := recognize(name))
    ]
    assert ranks == [1, 0, 1, 0]


def test_a_title_above_the_list_is_no_row_of_names() -> None:
    rows = (["Mitgliederliste", "Stand 2026"], ["Mitgl.-Nr.", "Name", "Ort", "Feld 4"])
    assert [share_of_names(row) == 1 for row in rows] == [False, True]
