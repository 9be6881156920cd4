"""The certificate of an erasure on request: who asked, what was done and seen, what is left, what is out of reach.

For a person who is told, and for whoever checks: as a page to print, and as JSON. It names nobody: no value, no
foreign_id, only the keyed hash that `syncd erasures` lists.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from markupsafe import Markup

from syncd.domain.languages import Language
from syncd.domain.trail import Entry, What
from syncd.errors import Fatal
from syncd.report.files import opening_private
from syncd.report.html import draw
from syncd.report.saying import said
from syncd.report.words import Words, iso, words_in
from syncd.state.tombstones import Step, Tombstone

OUT_OF_REACH = ("addresses", "orders", "newsletters", "copies", "source", "logs", "backups")
NOTHING = Markup()
FORMS = (".html", ".json")
_LAST_WORD = (What.GONE, What.FOUND, What.REFUSED, What.NEEDED, What.EMPTIED, What.MAY_COME)
_OF_FIELDS = (What.KEPT, What.READ_BACK)
# Steps of earlier versions, which wrote down no more than this
_UNTOLD = {
    ("anonymize", "ok"): "was_emptied",
    ("anonymize", "skipped"): "gone",
    ("delete", "ok"): "was_deleted",
    ("delete", "skipped"): "was_refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was done or seen at a moment, in words of the table; `reason` in words of ours."""

    at: datetime
    code: str
    text: str
    fields: tuple[str, ...] = ()
    number: int | None = None
    reason: Markup = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """One erasure; `name` is the keyed hash, `zone` the one for its times.

    Without a `tombstone` the ledger alone has it: the state that knew more was lost.
    """

    name: str
    instance: str
    asked_at: datetime
    zone: tzinfo
    tombstone: Tombstone | None = None

    @property
    def state(self) -> str:
        """A word of the table `erased`; "left" where something of the person may be left."""
        if self.tombstone is None:
            return "unknown"
        if self.tombstone.foreign_id:
            return "open"
        return "left" if self.left else "done"

    @property
    def ended_at(self) -> datetime | None:
        steps = self._steps
        return datetime.fromisoformat(steps[-1].at) if steps and self.state != "open" else None

    @property
    def left(self) -> Mapping[str, Any]:
        """What a person has to see to: under each key of the words, what stands in its places."""
        entries = [entry for step in self._steps for entry in step.trail]
        ends = [entry.what for entry in entries if entry.what in _LAST_WORD]
        is_gone = ends[-1:] == [What.GONE]
        found: dict[str, Any] = {}
        if not is_gone and any(entry.what in (What.REFUSED, What.NEEDED) for entry in entries):
            has_id = any(entry.what is What.NOT_RELEASED for entry in entries)
            found["customer_with_id" if has_id else "customer"] = {}
        about_fields = [entry for entry in entries if entry.what in _OF_FIELDS]
        if not is_gone and about_fields and about_fields[-1].what is What.KEPT:
            found["fields"] = {"fields": ", ".join(about_fields[-1].fields)}
        addresses = max((entry.number or 0 for entry in entries if entry.what is What.FOUND), default=0)
        if addresses > 1:
            found["addresses_gone" if is_gone else "addresses"] = {"n": addresses - 1}
        if any(_code_of(step) == "was_refused" for step in self._steps):
            found["customer"] = {}
        return found

    @property
    def _steps(self) -> Sequence[Step]:
        return self.tombstone.steps if self.tombstone else ()

    def lines(self, words: Words) -> Iterator[Line]:
        for step in self._steps:
            if step.times > 1:
                at, number = datetime.fromisoformat(step.at), step.times - 1
                yield Line(at=at, code="before", text=words.say("erasure.before", number), number=number)
            if code := _code_of(step):
                at, reason = datetime.fromisoformat(step.at), _reason(step.remark, words.language)
                yield Line(at=at, code=code, text=words.say(f"erasure.{code}"), reason=reason)
            for entry in step.trail:
                yield _line(entry, words)


def _code_of(step: Step) -> str | None:
    """For a step without a trail."""
    return None if step.trail else _UNTOLD.get((step.action, step.result), "failed")


def _line(entry: Entry, words: Words) -> Line:
    code = entry.what.value.replace("-", "_")
    if entry.what is What.FOUND and (entry.number or 0) > 1:
        code = "found_more"
    if entry.what is What.EMPTIED and not entry.fields:
        code = "nothing_to_empty"
    text = words.say(f"erasure.{code}", entry.number, fields=", ".join(entry.fields))
    reason = _reason(entry.reason, words.language)
    return Line(at=entry.at, code=code, text=text, fields=entry.fields, number=entry.number, reason=reason)


def _reason(told: str | None, language: Language) -> Markup:
    return said(told, language) if told else NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`keep` is how long counts of runs are kept."""

    erasures: Sequence[Certified]
    made_at: datetime
    keep: timedelta
    language: Language

    def as_html(self) -> str:
        return draw("certificate.html", self.language, certificate=self, out_of_reach=OUT_OF_REACH)

    def as_json(self) -> str:
        words = words_in(self.language)
        found = {
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "language": self.language.value,
            "erasures": [_plain(one, words) for one in self.erasures],
            "out_of_reach": [
                {"code": code, "text": words.named("reach", code), "what_to_do": words.named("reach_do", code)}
                for code in OUT_OF_REACH
            ],
            "kept": words.say("certificate.kept", self.keep.days),
        }
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"

    def write(self, file: Path) -> None:
        """As the file's ending says, readable for its owner only. Raises Fatal where it can't be written."""
        text = self.as_json() if file.suffix.lower() == ".json" else self.as_html()
        try:
            with opening_private(file) as opened:
                opened.write(text)
        except OSError as error:
            raise Fatal(
                f"the certificate, {file}, can't be written ({error.strerror})",
                remedy="what was erased stays so: write it with `syncd erasures --certificate FILE`",
            ) from None


def _plain(one: Certified, words: Words) -> dict[str, Any]:
    asked = one.tombstone
    return {
        "name": one.name,
        "instance": one.instance,
        "sync": asked.sync if asked else None,
        "asked_at": iso(one.asked_at, one.zone),
        "by": asked.by if asked else None,
        "why": asked.why if asked else None,
        "state": one.state,
        "ended_at": iso(one.ended_at, one.zone) if one.ended_at else None,
        "steps": [_plain_line(line, one.zone) for line in one.lines(words)],
        "left": [{"code": code, "text": words.say(f"left.{code}", **places)} for code, places in one.left.items()],
    }


def _plain_line(line: Line, zone: tzinfo) -> dict[str, Any]:
    columns = asdict(line) | {"at": iso(line.at, zone), "reason": line.reason.striptags()}
    return {name: value for name, value in columns.items() if value not in (None, (), "")}


def is_form(file: Path) -> bool:
    """Whether the file's ending says in which form it is to be written."""
    return file.suffix.lower() in FORMS
