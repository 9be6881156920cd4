"""Reasons on pages: why a run failed, a record is not synced, a change is held; and what to do about it."""

import re

from markupsafe import Markup, escape

from syncd import reasons
from syncd.domain.languages import Language
from syncd.report.catalogue import Explaining

_PAIRS = re.compile(r" \(.+ for .+\)(?=: `syncd link)")


def said(reason: str, language: Language) -> Markup:
    """Every reason on a page passes through here.

    Why a record is not synced is in the catalogue; what else there is is in English, and marked so on another page.
    """
    if language is Language.ENGLISH:
        return coded(reason)
    if reasons.read(reason):
        return Markup("{}").format(Explaining(language=language).problem("", reason).text)
    return Markup('<span lang="en">{}</span>').format(coded(reason))


def without_pairs(reason: str) -> str:
    """A guard's reason without the ids that it names."""
    return _PAIRS.sub("", reason)


def coded(text: str) -> Markup:
    """What stands between ` is shown as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def ended(text: str | Markup) -> Markup:
    """With a full stop, if it has no end yet."""
    return escape(text) + ("" if escape(text).striptags().endswith((".", "?", "!")) else ".")
