"""What stands in lists, and above them, for tests that put any of it together."""

CELLS = [
    "",
    "-",
    "a@b.example",
    "31.12.1980",
    "01067",
    "1067",
    "Frau",
    "ja",
    "x y",
    "NULL",
    "{x}",
    "'",
    '"',
    "Ümit",
    "5",
]
HEADERS = [
    *("Vorname Nachname Name Firma Straße Hausnr. PLZ Ort PLZ/Ort Land E-Mail Telefon Handy Anrede Titel Typ Status "
      "Austritt Verstorben Geburtstag Bemerkung Aktiv Werbesperre Ansprechpartner Anschrift").split(),
    "a{b", "it's", 'say "x"', "tab\there", "back\\slash", "\x7fodd", "E-Mail privat", "Vor- und Nachname",
]  # fmt: skip
