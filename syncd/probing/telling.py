"""Findings in words: as lines for a terminal, as JSON for scripts, as a page for the vendor."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files

from syncd.domain.languages import Language
from syncd.probing.findings import LOST, UNTRIED, Finding
from syncd.probing.invented import MOST, invent
from syncd.probing.leftovers import Left
from syncd.probing.probe import Probed
from syncd.report.html import draw
from syncd.report.words import Words, words_in


@cache
def words_of(language: Language) -> Words:
    """The table of probes."""
    text = files(__package__).joinpath(f"languages/{language.value}.toml").read_text(encoding="utf-8")
    return Words(language, tomllib.loads(text))


def asked(finding: Finding, words: Words) -> str:
    return words.say(f"{finding.section}.asked", field=finding.code.removesuffix("_form"))


def answered(finding: Finding, words: Words) -> str:
    if finding.answer in (LOST, UNTRIED):
        default = f"probe.{finding.answer}"
        return words.say(f"{finding.section}.{UNTRIED}" if finding.answer == UNTRIED else default)
    return words.say(f"{finding.section}.{finding.answer}", None, **finding.values)


def as_lines(name: str, probed: Probed, language: Language) -> Iterator[str]:
    words = words_of(language)
    yield words.say("probe.heading", name=name)
    for one in probed.findings:
        yield f"{one.point or '–':>3}  {asked(one, words)}: {answered(one, words)}"
    yield from outcome_as_lines(probed, language)


def outcome_as_lines(probed: Probed, language: Language) -> Iterator[str]:
    """How many customers were made, and who is left."""
    words = words_of(language)
    if probed.made and not probed.left:
        yield words.say("probe.made", probed.made)
    for one in probed.left:
        yield left_as_line(one, words)
    if probed.left:
        yield words.say("probe.remedy")


def left_as_line(left: Left, words: Words) -> str:
    number = str(left.gomus_id) if left.gomus_id else words.say("probe.no_number")
    return words.say("probe.left", foreign_id=left.foreign_id, number=number, why=words.say(f"left.{left.why}"))


def promise(name: str, language: Language) -> str:
    """What `--write` would do."""
    ids = [one.foreign_id for one in invent("…")]
    return words_of(language).say("probe.promise", name=name, count=MOST, first=ids[0], last=ids[-1])


def as_json(probed: Probed, language: Language) -> list[Mapping[str, object]]:
    words = words_of(language)
    told: list[Mapping[str, object]] = [
        {
            "point": one.point,
            "code": one.code,
            "answer": one.answer,
            "values": dict(one.values),
            "text": answered(one, words),
        }
        for one in probed.findings
    ]
    return told + [
        {
            "point": None,
            "code": "left",
            "answer": one.why,
            "values": {"foreign_id": one.foreign_id, "number": one.gomus_id},
            "text": left_as_line(one, words),
        }
        for one in probed.left
    ]


def as_html(name: str, probed: Probed, language: Language, *, at: datetime, zone: tzinfo) -> str:
    """A page of its own that names no address, no token and nobody but invented customers."""
    words = words_of(language)
    rows: Sequence[tuple[str, str, str, str]] = [
        (str(one.point or "–"), asked(one, words), answered(one, words), one.code) for one in probed.findings
    ]
    return draw(
        "probe.html",
        language,
        "syncd.probing",
        rows=rows,
        outcome=list(outcome_as_lines(probed, language)),
        is_left=bool(probed.left),
        told={key: words.say(f"page.{key}") for key in words.table["page"]},
        heading=words.say("probe.heading", name=name),
        at=words_in(language).moment(at, zone),
    )
