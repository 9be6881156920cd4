"""Pages for people: the environment that all templates share, and the pages of plans."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syncd import __version__
from syncd.domain.languages import Language
from syncd.report import words
from syncd.report.plan import PlanReport, by_reason, closing
from syncd.report.saying import coded, ended, said

LISTED_PLACES = 100

STYLE = files("syncd.report").joinpath("templates/style.css").read_text(encoding="utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""By which a Content-Security-Policy lets this style in, and no other."""


@cache
def make_environment(*packages: str) -> Environment:
    """An environment with the templates of these packages and the ones that all pages share."""
    loaders = [PackageLoader(package) for package in (*packages, __package__ or "")]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.globals.update(style=Markup(STYLE), style_hash=STYLE_HASH, version=__version__)  # noqa: S704 - our own file
    environment.globals.update(kind_of=words.kind)
    environment.filters.update(number=words.number, capitalized=words.capitalized, coded=coded, ended=ended)
    return environment


def draw(template: str, language: Language, *packages: str, **values: object) -> str:
    """A page in this language; its words come from the table."""
    spoken = words.words_in(language)
    drawn = make_environment(*packages).get_template(template)
    return drawn.render(
        words=spoken, say=spoken.say, said=partial(said, language=language), lang=language.value, **values
    )


def plans_as_html(plans: Sequence[PlanReport], language: Language) -> str:
    """A self-contained page; it names foreign_ids, but no value."""
    return draw(
        "plan.html",
        language,
        plans=plans,
        in_plan=words.IN_PLAN,
        closing=closing,
        by_reason=by_reason,
        listed=LISTED_PLACES,
    )
