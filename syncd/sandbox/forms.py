"""The instance's own form of values: what it keeps of a text that was sent, and how its errors spell a name."""

import html
import unicodedata
from collections.abc import Callable, Mapping
from html.entities import codepoint2name
from urllib.parse import quote

from .switches import Switches

_PHONES = {"tel", "mobile", "fax"}
_NAMES = {"name", "surname"}


def kept(name: str, text: str, switches: Switches) -> str:
    """What the instance keeps of a text that was sent for the field `name`."""
    if name in _PHONES:
        return _FORMS[switches.tel_form](text)
    if name in _NAMES:
        return _FORMS[switches.name_form](text)
    own = {
        "email": switches.email_form,
        "notes": switches.notes_form,
        "foreign_id": switches.foreign_id_form,
    }
    return _FORMS[own.get(name, "as-sent")](text)


def folded(text: str) -> str:
    """The same for all forms of a foreign_id that an instance without regard to form takes for one."""
    return unicodedata.normalize("NFC", text).casefold()


def spelt(name: str, spelling: str) -> str:
    """As `Switches.errors_tell` says; empty where errors tell no name."""
    return _SPELLINGS[spelling](name)


def _compact(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character == "+")


def _capitalised(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _entities(text: str) -> str:
    return "".join(f"&{codepoint2name[ord(one)]};" if ord(one) in codepoint2name else one for one in text)


_FORMS: Mapping[str, Callable[[str], str]] = {
    "as-sent": str,
    "compact": _compact,
    "capitalised": _capitalised,
    "upper": str.upper,
    "lower": str.lower,
    "trimmed": str.strip,
    "escaped": html.escape,
    "nfc": _nfc,
}
_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "nothing": lambda _name: "",
    "name": str,
    "name-upper": str.upper,
    "name-html": _entities,
    "name-percent": quote,
    "name-unicode": lambda name: name.encode("ascii", "backslashreplace").decode(),
    "name-cut": lambda name: name[: len(name) * 2 // 3],
    "at-length": lambda name: (name.replace(" ", "") or "x") * 20_000,
}
