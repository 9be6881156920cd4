"""The sentences of go~mus that hold no word about a person: Rails' own in four languages, and a few more.

`{count}` stands for a number, `{field}` for the label of a field, `{record}` for a kind of record.
"""

import re
from collections.abc import Iterable

RAILS = {
    "en": """
        is not included in the list
        is reserved
        is invalid
        is not valid
        doesn't match {field}
        must be accepted
        can't be empty
        can't be blank
        can't be nil
        must be blank
        must exist
        is too long (maximum is {count} character)
        is too long (maximum is {count} characters)
        is too long
        is too short (minimum is {count} character)
        is too short (minimum is {count} characters)
        is too short
        is the wrong length (should be {count} character)
        is the wrong length (should be {count} characters)
        is not a number
        must be an integer
        must be greater than {count}
        must be greater than or equal to {count}
        must be equal to {count}
        must be less than {count}
        must be less than or equal to {count}
        must be other than {count}
        must be in {count}..{count}
        must be odd
        must be even
        has already been taken
        is not an email
        is not a valid email
        is not a valid email address
        is not a valid date
        is not a date
        is not a valid phone number
        is not a valid number
        is not allowed
        is required
        is missing
        can't be changed
        cannot be changed
        is unknown
        Cannot delete record because a dependent {record} exists
        Cannot delete record because dependent {record} exist
        """,
    "de": """
        ist kein gültiger Wert
        ist nicht verfügbar
        ist nicht gültig
        ist ungültig
        stimmt nicht mit {field} überein
        muss akzeptiert werden
        muss ausgefüllt werden
        darf nicht leer sein
        darf nicht ausgefüllt werden
        muss existieren
        muss vorhanden sein
        ist zu lang (mehr als {count} Zeichen)
        ist zu lang (maximal {count} Zeichen)
        ist zu lang
        ist zu kurz (weniger als {count} Zeichen)
        ist zu kurz (mindestens {count} Zeichen)
        ist zu kurz
        hat die falsche Länge (muss genau {count} Zeichen haben)
        hat die falsche Länge
        ist keine Zahl
        muss ganzzahlig sein
        muss größer als {count} sein
        muss größer oder gleich {count} sein
        muss genau {count} sein
        muss kleiner als {count} sein
        muss kleiner oder gleich {count} sein
        darf nicht gleich {count} sein
        muss in {count}..{count} sein
        muss ungerade sein
        muss gerade sein
        ist bereits vergeben
        ist schon vergeben
        ist keine gültige E-Mail-Adresse
        ist kein gültiges Datum
        ist keine gültige Telefonnummer
        ist nicht erlaubt
        ist erforderlich
        fehlt
        darf nicht geändert werden
        kann nicht geändert werden
        ist unbekannt
        Datensatz kann nicht gelöscht werden, da ein abhängiger {record}-Datensatz existiert
        Datensatz kann nicht gelöscht werden, da abhängige {record} existieren
        """,
    "fr": """
        n'est pas inclus(e) dans la liste
        n'est pas inclus dans la liste
        n'est pas disponible
        n'est pas valide
        ne concorde pas avec {field}
        doit être accepté(e)
        doit être accepté
        doit être rempli(e)
        doit être rempli
        doit être vide
        doit exister
        est trop long (pas plus d'un caractère)
        est trop long (pas plus de {count} caractères)
        est trop court (au moins un caractère)
        est trop court (au moins {count} caractères)
        ne fait pas la bonne longueur (doit comporter un seul caractère)
        ne fait pas la bonne longueur (doit comporter {count} caractères)
        n'est pas un nombre
        doit être un nombre entier
        doit être supérieur à {count}
        doit être supérieur ou égal à {count}
        doit être égal à {count}
        doit être inférieur à {count}
        doit être inférieur ou égal à {count}
        doit être différent de {count}
        doit être dans l'intervalle {count}..{count}
        doit être impair
        doit être pair
        est déjà utilisé(e)
        est déjà utilisé
        n'est pas une adresse e-mail valide
        n'est pas une date valide
        Vous ne pouvez pas supprimer l'enregistrement car un(e) {record} dépendant(e) existe
        Vous ne pouvez pas supprimer l'enregistrement parce que les {record} dépendants existent
        """,
    "nl": """
        is niet in de lijst opgenomen
        is niet beschikbaar
        is gereserveerd
        is ongeldig
        is niet geldig
        komt niet overeen met {field}
        moet worden geaccepteerd
        moet opgegeven zijn
        mag niet leeg zijn
        moet leeg zijn
        moet bestaan
        is te lang (maximaal {count} teken)
        is te lang (maximaal {count} tekens)
        is te kort (minimaal {count} teken)
        is te kort (minimaal {count} tekens)
        heeft onjuiste lengte (moet {count} teken lang zijn)
        heeft onjuiste lengte (moet {count} tekens lang zijn)
        heeft niet de juiste lengte (moet {count} tekens lang zijn)
        is geen getal
        moet een geheel getal zijn
        moet groter zijn dan {count}
        moet groter dan of gelijk zijn aan {count}
        moet gelijk zijn aan {count}
        moet kleiner zijn dan {count}
        moet minder zijn dan {count}
        moet kleiner dan of gelijk zijn aan {count}
        moet minder dan of gelijk zijn aan {count}
        moet anders zijn dan {count}
        moet tussen {count}..{count} liggen
        moet oneven zijn
        moet even zijn
        is al in gebruik
        is al bezet
        is geen geldig e-mailadres
        is geen geldige datum
        Kan item niet verwijderen omdat {record} afhankelijk is
        Kan item niet verwijderen omdat afhankelijke {record} bestaan
        """,
}
GOMUS = """
    customer(s) could not be saved
    {count} customer(s) could not be saved
    customer could not be saved
    customers could not be saved
    customer could not be created
    customer could not be updated
    customer could not be deleted
    customer has orders
    customer not found
    too many customers
    at most {count} customers
    at most {count} customers per request
    maximum is {count} customers
    """
RECORDS = """
    order, orders, invoice, invoices, ticket, tickets, booking, bookings, address, addresses, subscription,
    subscriptions, annual ticket, annual tickets, Bestellung, Bestellungen, Rechnung, Rechnungen, Ticket, Tickets,
    Buchung, Buchungen, Adresse, Adressen, Abonnement, Abonnements, Jahreskarte, Jahreskarten, commande, commandes,
    facture, factures, billet, billets, réservation, réservations, adresse, adresses, abonnement, abonnements,
    bestelling, bestellingen, factuur, facturen, reservering, reserveringen, adres, adressen, abonnementen
    """
LABELS = {
    "name": "Name, First name, Given name, Vorname, Prénom, Voornaam, Naam, Nom",
    "surname": "Surname, Last name, Family name, Nachname, Familienname, Nom de famille, Achternaam",
    "email": "Email, E-mail, Email address, E-mail address, E-Mail-Adresse, Adresse e-mail, Courriel, E-mailadres",
    "tel": "Tel, Phone, Phone number, Telephone, Telefon, Telefonnummer, Téléphone, Telefoon, Telefoonnummer",
    "mobile": "Mobile, Mobile phone, Mobil, Mobiltelefon, Mobilnummer, Handy, Portable, Mobiel",
    "fax": "Fax, Faxnummer",
    "customer_salutation_id": "Salutation, Anrede, Civilité, Aanhef",
    "customer_title_id": "Title, Titel, Titre",
    "institution": "Institution, Organisation, Firma, Instelling",
    "notes": "Notes, Notizen, Bemerkungen, Bemerkung, Remarques, Notities, Opmerkingen",
    "language_id": "Language, Sprache, Langue, Taal",
    "date_of_birth": "Date of birth, Birthday, Geburtsdatum, Geburtstag, Date de naissance, Geboortedatum",
    "vat_number": "Vat number, USt-IdNr, Umsatzsteuer-Identifikationsnummer, Numéro de TVA, Btw-nummer",
    "addr_street": "Address, Adresse, Adres, Street, Straße, Rue, Straat",
    "addr_zip": "Zip, Zip code, Postal code, Postcode, PLZ, Postleitzahl, Code postal",
    "addr_city": "City, Ort, Stadt, Ville, Plaats",
    "addr_country_id": "Country, Land, Pays",
    "addr_category": "Category, Kategorie, Catégorie, Categorie",
    "foreign_id": "Foreign, Foreign id, External id, Externe ID, Fremdschlüssel, Fremd-ID",
}
"""By field of go~mus."""

_NEEDED = re.compile(r"\bdependent\b|abhängig|dépendant|afhankelijk")


def is_needed(said: Iterable[str]) -> bool:
    """Whether go~mus keeps a record because others hang on it, such as orders."""
    return any(_NEEDED.search(sentence) for sentence in said)
