"""Words that stand in the cells of real exports, and what they mean: tables, all words in small letters."""

import re
from collections.abc import Mapping

from syncd.mapping.lookups import fold

YES = frozenset("ja j yes y x true wahr 1".split())
NO = frozenset("nein n no false falsch 0".split())
NOTHING = frozenset(
    "-|--|---|/|?|n/a|n.a.|k. a.|k.a.|ka|kein|keine|keins|keine angabe|unbekannt|nicht bekannt|nicht vorhanden|none|"
    "unknown|null|\\n|<null>|(null)|00.00.0000|0000-00-00|0000-00-00 00:00:00".split("|")
)
UNKNOWN = frozenset("?|k. a.|k.a.|ka|keine angabe|unbekannt|nicht bekannt|unknown".split("|"))  # there is one, not told

# as go~mus calls it → what exports write for it
SALUTATIONS: Mapping[str, str] = {
    "Herr": "herr|herrn|hr|hr.|mr|mr.|mister",
    "Frau": "frau|fr|fr.|mrs|mrs.|ms|ms.|miss",
    "Divers": "divers|mx|mx.",
    "Familie": "familie|fam|fam.|family|herr und frau|herrn und frau|frau und herr|herr u. frau|eheleute|ehepaar",
}
TITLES: Mapping[str, str] = {
    "Dr.": "dr.|dr|doktor",
    "Prof.": "prof.|prof|professor",
    "Prof. Dr.": "prof. dr.|prof.dr.|prof dr|prof. dr",
}
SURE = frozenset(("Herr", "Frau", *TITLES))  # which every instance is taken to have
COUNTRIES: Mapping[str, str] = {
    "DE": "deutschland|de|d|deu|ger|brd|germany|bundesrepublik deutschland|allemagne",
    "AT": "österreich|oesterreich|at|a|aut|austria",
    "CH": "schweiz|ch|che|sui|switzerland|suisse",
    "LI": "liechtenstein|li|fl",
    "FR": "frankreich|fr|f|fra|france",
    "IT": "italien|it|i|ita|italy|italia",
    "NL": "niederlande|nl|nld|holland|netherlands|the netherlands|die niederlande",
    "BE": "belgien|be|b|bel|belgium",
    "LU": "luxemburg|lu|l|lux|luxembourg",
    "DK": "dänemark|dk|dnk|denmark",
    "PL": "polen|pl|pol|poland",
    "CZ": "tschechien|cz|cze|tschechische republik|czech republic|czechia",
    "GB": "vereinigtes königreich|gb|uk|gbr|großbritannien|england|united kingdom|great britain",
    "IE": "irland|ie|irl|ireland",
    "ES": "spanien|es|e|esp|spain",
    "PT": "portugal|pt|prt",
    "SE": "schweden|se|s|swe|sweden",
    "NO": "norwegen|no|n|nor|norway",
    "FI": "finnland|fi|fin|finland",
    "HU": "ungarn|hu|hun|hungary",
    "GR": "griechenland|gr|grc|greece",
    "TR": "türkei|tr|tur|turkey",
    "US": "vereinigte staaten|us|usa|vereinigte staaten von amerika|united states|united states of america",
    "CA": "kanada|ca|can|canada",
}
INSTITUTIONS = re.compile(
    r"^firm|^verein$|^vereine$|institution|^organi[sz]ation|^schul|^school|^kita|kindergarten|^behörde|stiftung|"
    r"unternehmen|^compan|^business|juristisch|gmbh|körperschaft|korporativ|^kommune|corporate|foundation|^club$"
)
LEGAL = frozenset("jn")  # juristische and natürliche persons, where a column of kinds holds nothing else
NAMES_OF_INSTITUTIONS = re.compile(
    r"\b(?:gmbh|ag|kg|e\.? ?v\.?|ohg|gbr|ltd|inc)\b|schulen?\b|gymnasium|kindergarten|kita\b|verein|stiftung|institut|"
    r"universität|hochschule|kolleg|school|college|university|academy|akademie|museum|amt\b|gesellschaft"
)
LISTS_OF_INSTITUTIONS = re.compile(r"schul|school|vereine|firm|compan|instit|organi|kita|kindergar")
TOTALS = re.compile(r"(?:gesamt)?(?:summen?|anzahl|zahl)\b|gesamt\b|insgesamt\b|total\b|sum\b", re.IGNORECASE)
LEAVERS = re.compile(
    r"ausgetreten|^austritt|gekündigt|gekuendigt|verstorben|gestorben|^tot$|inaktiv|inactive|gelöscht|geloescht|"
    r"deleted|ehemalig|former|deceased|cancell?ed|^left|lapsed|resigned|ausgeschlossen|archivier|archived|storniert|"
    r"beendet|abgemeldet|terminated|^verst\b|^gest\b|†|^expired"
)
DOUBTFUL = re.compile(r"passiv|ruhend|^ruht|gesperrt|hausverbot|suspended|blocked|^expir")


def is_institution(word: str) -> bool:
    """Whether a word for the kind of a customer is one for institutions."""
    return INSTITUTIONS.search(fold(word)) is not None


def find_word(text: str, table: Mapping[str, str]) -> str | None:
    """The key under which the table has the text."""
    word = fold(text)
    return next((key for key, words in table.items() if word in words.split("|")), None)


def is_plain(text: str, key: str, table: Mapping[str, str]) -> bool:
    """Whether go~mus knows the text itself: the key, or the first of its words."""
    return fold(text) in (fold(key), table.get(key, key).split("|")[0])
