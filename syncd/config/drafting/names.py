"""What the columns of real exports are called, in German and English: a table, and how a name is held against it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from unicodedata import combining, normalize


class Meaning(Enum):
    """What a column holds. The value is what it is called: small letters and digits only, ä as ae, ß as ss."""

    GIVEN = "vorname vornamen rufname firstname givenname forename prenom first given"
    FAMILY = "nachname familienname zuname surname lastname familyname nom last"
    NAME = (
        "name fullname vollername vollstaendigername gesamtname mitgliedsname membername donorname spendername "
        "displayname"
    )
    BOTH = (
        "vorundnachname vornachname vornamename vornameundname vornamenachname vornameundnachname firstandlastname "
        "firstnamelastname nachnamevorname namevorname nameundvorname nachnameundvorname zunamevorname vornamezuname "
        "familiennamevorname lastnamefirstname surnamefirstname surnamegivenname"
    )
    INSTITUTION = (
        "firma firmenname firmierung orgname institution institutionsname organisation organization organisationsname "
        "organizationname unternehmen unternehmensname company companyname verein vereinsname einrichtung betrieb "
        "schule schulname school schoolname kita kitaname kindergarten bildungseinrichtung firmaname namefirma "
        "nameschule namedschule schulenname nameverein namederschule namederfirma namedesvereins namederorganisation "
        "namederinstitution namedereinrichtung nameofschool nameoftheschool nameofcompany nameoforganisation "
        "nameoforganization firmainstitution firmaorganisation institutionfirma organisationfirma"
    )
    CONTACT = (
        "ansprechpartner ansprechpartnerin ansprechperson kontaktperson kontakt kontaktname contact contactperson "
        "contactname namekontaktperson nameansprechpartner zhd zuhaenden schulleitung schulleiter leitung"
    )
    SALUTATION = "anrede salutation individualprefix"
    TITLE = "titel title akademischertitel akadtitel akadgrad akademischergrad academictitle namenstitel"
    KIND = (
        "typ art kundentyp kundenart kontaktart kontakttyp mitgliedstyp mitgliedsart mitgliederart personentyp "
        "personenart adressart adresstyp type membertype membershiptype contacttype customertype kategorie category "
        "mitgliedskategorie spenderart spendertyp donortype rechtsform"
    )
    EMAIL = "email emailadresse mail mailadresse emailaddress emails courriel emailadr"
    TEL = (
        "telefon telefonnummer telefonnr tel telnr telefonfestnetz telfestnetz festnetz festnetznummer festnetznr "
        "phone telephone phonenumber telephonenumber phoneno landline rufnummer fon"
    )
    MOBILE = (
        "mobil mobiltelefon mobilnummer mobilnr mobiltel handy handynummer handynr mobile mobilephone mobilenumber "
        "mobilephonenumber cell cellphone telefonmobil telmobil telefonhandy telhandy phonemobile mobilfunk "
        "mobilfunknummer natel"
    )
    FAX = "fax telefax faxnummer faxnr faxnumber telefaxnummer"
    STREET = (
        "strasse street strassenname streetname str adresse address anschrift streetaddress addressline addressline1 "
        "address1 adresse1 postanschrift wohnadresse mailingstreet rue strassehausnummer strassehausnr strassenr "
        "strasseundhausnummer strasseundhausnr strasseundnr strassemithausnummer strassehnr strhausnr strnr "
        "strassenummer streetandnumber streetnumbername"
    )
    HOUSE = "hausnummer hausnr hnr hsnr hausno housenumber houseno streetnumber streetno"
    HOUSE_SUFFIX = "hausnummernzusatz hausnummerzusatz hausnrzusatz hnrzusatz zusatzhausnr zusatzhausnummer"
    ZIP = "plz postleitzahl zip zipcode postcode postalcode codepostal zippostalcode mailingpostalcode"
    CITY = "ort stadt wohnort city town ville ortsname postort gemeinde citytown mailingcity"
    ZIP_CITY = (
        "plzort plzundort plzwohnort plzstadt postleitzahlort postleitzahlundort ortplz zipcity zipcodecity "
        "postcodecity postcodetown postalcodecity"
    )
    COUNTRY = (
        "land staat country laendercode landescode countrycode pays lkz laenderkennzeichen laenderkuerzel landname "
        "countryname mailingcountry"
    )
    BIRTH = (
        "geburtsdatum geburtstag geboren geborenam gebdatum gebdat gebtag geb gebam dateofbirth birthday birthdate "
        "dob born"
    )
    VAT = "ustid ustidnr ustidnummer umsatzsteuerid umsatzsteueridnr vatnumber vatid vat vatno"
    NOTES = (
        "bemerkung bemerkungen notiz notizen kommentar kommentare anmerkung anmerkungen notes note comment comments "
        "remarks remark hinweis hinweise memo freitext vermerk vermerke"
    )
    LEFT = (
        "austritt austrittsdatum austrittam austrittzum austrittper ausgetreten ausgetretenam ausgetretenzum "
        "kuendigungzum kuendigungper gekuendigtzum gekuendigtper geloescht geloeschtam mitgliedbis mitgliedschaftbis "
        "mitgliedsende mitgliedschaftsende endedermitgliedschaft vertragsende left lefton leftat leftdate leavingdate "
        "dateleft dateofleaving exitdate membershipend membershipends membershipenddate memberuntil membershipuntil "
        "resigned resignedon resignationdate cancelledon cancelledat deletedat deletedon"
    )
    DECEASED = (
        "verstorben verstorbenam gestorben gestorbenam todesdatum todestag sterbedatum sterbetag deceased deceasedat "
        "deceasedon deceaseddate dateofdeath isdeceased died diedon verst verstam gest gestam tot totam"
    )
    PERHAPS_GONE = (
        "gekuendigt gekuendigtam kuendigung kuendigungam kuendigungsdatum kuendigungvom loeschkennzeichen loeschkz "
        "loeschvermerk loeschmarkierung aktivbis activeuntil hausverbot passiv inaktiv inactive expired expiredon "
        "expirydate ehemalig"
    )
    OPTED_OUT = (
        "werbesperre werbewiderspruch keinewerbung sperre gesperrt sperrvermerk kontaktsperre mailsperre widerspruch "
        "keinekontaktaufnahme nichtkontaktieren optout optedout donotcontact donotmail donotemail nomarketing "
        "unsubscribed"
    )
    STATUS = "status mitgliedsstatus mitgliedstatus mitgliederstatus membershipstatus memberstatus kundenstatus"
    ACTIVE = "aktiv active istaktiv isactive mitgliedaktiv activemember"


OF_NAMES = {Meaning.GIVEN, Meaning.FAMILY, Meaning.NAME, Meaning.BOTH, Meaning.INSTITUTION, Meaning.CONTACT}
# Words beside the name proper; those of the second kind come after a column without them, and never name a person
OWN = frozenset(
    "privat private priv p preferred mailing home personal haupt primary main 1 mitglied mitglieds der des member "
    "kontakt ansprechpartner ansprechpartnerin ansprechperson kontaktperson contact donor spender".split()
)
FURTHER = frozenset(
    "dienstlich dienstliche dienstl dienst d geschaeftlich geschaeftliche geschaeft gesch g beruflich berufliche buero "
    "arbeit firma firmen schule verein work office business sekretariat zentrale 2 3 weitere zweite other secondary "
    "alternativ".split()
)
# Whose column it is, where it is another person's or another matter's: nothing is guessed from its shape
OF_OTHERS = re.compile(
    r"partner|gatt|ehe|vater|mutter|eltern|kind|notfall|konto|bank|iban|rechnung|liefer|vertret|betreu|erbe|paten|"
    r"spouse|parent|father|mother|child|emergency|billing|shipping|account|invoice|guardian|gift"
)
IDS = re.compile(
    r"(externe)?(mitglied(er)?s?|mitgl|mgl|kunden?|kd|spender|foerderer|goenner|freundes|adress|adr|kontakt|personen|schul|"
    r"firmen|debitor(en)?|stamm|teilnehmer|member(ship)?|customer|contact|donor|supporter|constituent|client|person|"
    r"record|foreign|external|crm|school|organi[sz]ation|datensatz)?(id|nr|nummer|number|no)"
)
ROW_NUMBERS = re.compile(r"(lfd|laufende|zeilen?|row)(nr|nummer|number|num|no)?|pos|position|rang|index")

SURE_OF_NAMES = 0.5  # from this share on a row is a header, and no record

_SPELT: Mapping[str, Meaning] = {spelling: one for one in Meaning for spelling in one.value.split()}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """`rank` puts the columns of one meaning in order: 0 for a person's own, 1 for a further one."""

    meaning: Meaning
    rank: int = 0


def recognize(name: str) -> Sighting | None:
    """What a column of this name holds: by its whole name, otherwise without words such as `privat` and `1`."""
    words = split_name(name)
    if "†" in name:
        return Sighting(Meaning.DECEASED)
    if found := _SPELT.get("".join(words)):
        return Sighting(found)
    found = _SPELT.get("".join(word for word in words if word not in OWN | FURTHER))
    if found is None or (found in OF_NAMES and FURTHER.intersection(words)):
        return None
    return Sighting(found, int(bool(FURTHER.intersection(words))))


def is_id_name(name: str) -> bool:
    words = split_name(name)
    return any(IDS.fullmatch("".join(one)) for one in (words, words[1:] if words[0:1] == ["mitglied"] else words))


def is_number_name(name: str) -> bool:
    """Whether it says that a number is no telephone's: `Kundennr`, `Ausweisnummer`."""
    joined = "".join(split_name(name))
    return is_id_name(name) or (re.search("(?:nr|nummer|number)$", joined) is not None and "ruf" not in joined)


def is_row_number(name: str) -> bool:
    return ROW_NUMBERS.fullmatch("".join(split_name(name))) is not None


def is_of_others(name: str) -> bool:
    return OF_OTHERS.search("".join(split_name(name))) is not None


def split_name(name: str) -> list[str]:
    """The words of a name: `Geb.-Datum` and `firstName` have two each."""
    spaced = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", normalize("NFC", name))
    text = normalize("NFKD", spaced.casefold().translate(_UMLAUTS))
    text = re.sub(r"(?<=[a-z])(?=privat|dienstlich|geschaeftlich)|(?<=\bprivat)(?=tel|e?mail|adress|handy)", " ", text)
    return re.findall(r"[a-z]+|\d+", "".join(letter for letter in text if not combining(letter)))


def share_of_names(names: list[str]) -> float:
    """How much a row looks like the names of an export's columns: 1.0 where three of them, or most, are known."""
    known = sum(recognize(name) is not None or is_id_name(name) for name in names)
    return min(1.0, max(known / 3, known / max(2, (len(names) + 1) // 2)))
