"""What stands in lists, and above them, for tests that put any of it together."""

from hypothesis import strategies as st

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
ALIKE = [
    ["31.12.1980", ""],
    ["2020-12-31", "31.12.2099"],
    ["ja", "nein"],
    ["x", ""],
    ["Firma", "Privat", "Verein's"],
    ["aktiv", "verstorben"],
    ["Frau", "Herr und Frau", "Dr."],
    ["DE", "Österreich", ""],
    ["030 1234567", "+49 30 1234567"],
    ["01067", "1067"],
    ["01067 Dresden", "1067 Dresden"],
    ["a@b.example; c@d.example", "k. A."],
    ["Groß, Anna", "Bau, Au & Co. KG"],
    ["Anna Groß", "Bau GmbH", ""],
    ["Am Ring 5, 01067 Dresden"],
]
CELLS_OF_A_COLUMN = st.lists(st.sampled_from(CELLS), min_size=1, max_size=6) | st.sampled_from(ALIKE)
