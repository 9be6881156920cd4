"""Reasons in the words of an office: what is wrong, and what to do, in German and English.

`catalogue.toml` has them by code. What is kept of a reason is its English sentence; which one it was, `syncd.reasons`
tells, and of the words of go~mus the sentence itself.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from syncd import reasons
from syncd.domain.languages import Language
from syncd.gomus.sentences import LABELS

UNKNOWN, NEEDED = "unknown", ("surname", "foreign_id")
# What a sentence of go~mus means, whichever of its languages it is in; the first that fits.
OF_GOMUS = {
    "gomus-taken": r"taken|reserved|vergeben|disponible|utilisé|gebruik|bezet|beschikbaar|gereserveerd|nicht verfügbar",
    "gomus-too-long": r"too long|zu lang|trop long|te lang",
    "gomus-blank": r"can't be (?:blank|empty|nil)|must exist|required|missing|muss (?:ausgefüllt werden|existieren)"
    r"|darf nicht leer|muss vorhanden|erforderlich|fehlt|rempli|doit exister|opgegeven|mag niet leeg|moet bestaan",
}
_OF_GOMUS = {code: re.compile(pattern, re.IGNORECASE) for code, pattern in OF_GOMUS.items()}
EMPTYING = re.compile("leeren Sie|empty the cell")  # what must not be done with what is needed
_NAMES_OF_FIELDS = "fields"
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Explained:
    """`column` is the source's own one, where the reason itself names it."""

    code: str
    text: str
    remedy: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """Explains in one language, told of a field of go~mus: the source's own columns, and the words that it takes.

    `place` says in that language where a record stands.
    """

    language: Language
    columns: Callable[[str], str] = field(default=lambda name: name)
    choices: Callable[[str], str] = field(default=lambda _name: "")
    place: Callable[[str], str] = field(default=lambda place: place)

    def problem(self, name: str, told: str) -> Explained:
        """Why a record is invalid; `name` is the field."""
        explained = self._reason(told, {"column": self.columns(name), "choices": self.choices(name)})
        if name not in NEEDED or not EMPTYING.search(explained.remedy):
            return explained
        return replace(explained, remedy=f"{explained.remedy} {self.entry('needed').text}")

    def refusal(self, told: str, foreign_id: str) -> Explained:
        """Why go~mus refused a record, in words of ours or of its own."""
        if reasons.read(told):
            return self._reason(told, {"column": "", "foreign_id": foreign_id})
        name = _field_in(told)
        return self.entry(_meaning(told), said=told, column=self.columns(name) if name else "")

    def entry(self, code: str, **places: str) -> Explained:
        words = catalogue()[code][self.language.value]
        filled = {name: _filled(words[name], places) for name in ("text", "remedy")}
        return Explained(code=code, text=filled["text"], remedy=filled["remedy"], column=places.get("column", ""))

    def _reason(self, told: str, places: Mapping[str, str]) -> Explained:
        found = reasons.read(told)
        if found is None:
            return self.entry(UNKNOWN, said=told, **places)
        reason, own = found
        named = dict(own)
        if "first" in named:
            named["first"] = self.place(named["first"])
        if "why" in named:
            named["why"] = self._reason(named["why"], places).text
        if _NAMES_OF_FIELDS in named:
            named[_NAMES_OF_FIELDS] = ", ".join(self.columns(name) for name in named[_NAMES_OF_FIELDS].split(", "))
        return self.entry(reason.code, **{**places, **named})


@cache
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """By code and language: `text` and `remedy`, with places."""
    found: dict[str, Any] = tomllib.loads(files("syncd.report").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return found


def _meaning(said: str) -> str:
    return next((code for code, pattern in _OF_GOMUS.items() if pattern.search(said)), "gomus-unfit")


def _field_in(said: str) -> str | None:
    """The field that a sentence of go~mus begins with, by its label."""
    found = [name for label, name in _labels().items() if said.casefold().startswith(label)]
    return found[0] if found else None


@cache
def _labels() -> Mapping[str, str]:
    """From labels, the longest first, to fields."""
    labels = {label.strip().casefold(): name for name, listed in LABELS.items() for label in listed.split(",")}
    return {label: labels[label] for label in sorted(labels, key=len, reverse=True)}


def _filled(words: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: places[place[1]], words)
