"""Whether two entries may be of one person: by their e-mail address and their names, however they are written."""

import re
import unicodedata
from collections.abc import Sequence

_SPELT_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe", "å": "aa", "ł": "l", "đ": "d"}
    | {"ð": "d", "þ": "th", "ı": "i", **dict.fromkeys("'`´’ʼ‘", "")}
)
_TITLES = frozenset(
    "dr dres ddr drs prof professor mag dipl diplom ing phd med dent vet phil jur iur rer nat oec pol theol hc habil "
    "msc bsc mba llm mr mrs ms mx herr herrn frau fr hr mme mlle monsieur madame mevr dhr".split()
)
_WORDS = re.compile(r"[^\W_]+")
_ROLES = frozenset(
    # German
    "info infos auskunft kontakt sekretariat sekretaer sekretaerin buero buro empfang verwaltung geschaeftsstelle "
    "geschaeftsfuehrung leitung schulleitung direktion vorstand zentrale post poststelle mail email hallo service "
    "kundenservice rechnung rechnungen buchhaltung bestellung bestellungen einkauf verkauf vertrieb presse schule "
    "gymnasium grundschule realschule gesamtschule kita kindergarten hort verein museum bibliothek buecherei gemeinde "
    "pfarramt pfarrbuero rathaus stadt anmeldung anfrage anfragen team kultur veranstaltung veranstaltungen personal "
    # English
    "office contact reception admin administration administrator hello enquiries enquiry inquiries inquiry secretary "
    "secretariat frontdesk support sales accounts accounting billing invoice invoices orders order booking bookings "
    "press media marketing hr jobs webmaster postmaster hostmaster noreply donotreply school library membership "
    "members events finance "
    # French
    "accueil bonjour bureau secretaire direction mairie ecole comptabilite facturation commande commandes reservation "
    "reservations renseignements association bibliotheque "
    # Dutch
    "administratie secretaris receptie kantoor bestuur directie boekhouding factuur facturen inkoop verkoop bestelling "
    "klantenservice vragen gemeentehuis vereniging bibliotheek balie"
    "".split()
)
_LONG = 6  # letters, from which on two slips are no more than one in a shorter word


def fold_email(text: str | None) -> str:
    """The address without what makes no difference; nothing where it is none."""
    text = text or ""
    address = (text if text.isascii() else unicodedata.normalize("NFC", text)).strip().lower()
    return address if "@" in address[1:-1] else ""


def fold_names(*names: str | None) -> str:
    """The words of somebody's names, in whichever order and columns they stand; nothing where there are none.

    Case, accents, umlauts written out, hyphens and titles make no difference.
    """
    return " ".join(sorted(word for name in names for word in _without_titles(_words(name or ""))))


def _without_titles(words: Sequence[str]) -> Sequence[str]:
    """All of them, where somebody is called so: Mr Herr."""
    return [word for word in words if word not in _TITLES] or words


def _words(name: str) -> Sequence[str]:
    if name.isascii():  # as most are, and quick
        return _WORDS.findall(name.casefold().replace("'", "").replace("`", ""))
    text = unicodedata.normalize("NFC", name).casefold().translate(_SPELT_OUT)
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return _WORDS.findall("".join(bare))


def is_role(email: str) -> bool:
    """Whether an address, as `fold_email` writes it, is an office's and nobody's own: `info@`, `sekretariat.nord@`."""
    local = email.rpartition("@")[0].partition("+")[0]
    words = [next(iter(_words(word)), "") for word in re.split(r"[^a-zà-ÿ]+", local)]
    return "".join(words) in _ROLES or words[0] in _ROLES


def is_misspelt(one: str, other: str) -> bool:
    """Whether two addresses, as `fold_email` writes them, differ by a slip: a letter or two of one half."""
    (local, _, domain), (other_local, _, other_domain) = one.rpartition("@"), other.rpartition("@")
    if not one or not other or one == other:
        return False
    if domain == other_domain:
        return _is_slip(local, other_local)
    return local == other_local and _is_slip(domain, other_domain)


def _is_slip(one: str, other: str) -> bool:
    slips = 2 if min(len(one), len(other)) >= _LONG else 1
    return abs(len(one) - len(other)) <= slips and _distance(one, other) <= slips


def _distance(one: str, other: str) -> int:
    """How many letters have to be put in, taken out, changed, or exchanged with their neighbour."""
    above, before = list[int](), list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, theirs in enumerate(other, start=1):
            cost = min(before[column] + 1, line[-1] + 1, before[column - 1] + (letter != theirs))
            if row > 1 and column > 1 and (letter, one[row - 2]) == (other[column - 2], theirs):
                cost = min(cost, above[column - 2] + 1)
            line.append(cost)
        above, before = before, line
    return before[-1]
