"""Writes `errors.md`: each reason why a record is not synced, out of the catalogue of the worklist.

python docs/making/errors.py
"""

from collections.abc import Iterator
from pathlib import Path

from syncd import reasons
from syncd.report.catalogue import catalogue

PAGE = Path(__file__).parents[1] / "errors.md"
HEAD = """\
# Why a record is not synced

Each reason has a code. `syncd failures` and the log have the sentence, `syncd worklist` has the words for the office
that owns the data, in German or English. What stands in braces differs from record to record.

This page is made by `docs/making/errors.py` from `syncd/report/catalogue.toml`.
"""


def draw() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    sentences = {reason.code: reason.template for reason in reasons.each()}
    yield HEAD
    for code, languages in catalogue().items():
        yield f"## {code}\n"
        if code in sentences:
            yield f"> {sentences[code]}\n"
        for language in ("en", "de"):
            words = languages[language]
            yield f"- **{language}** {words['text']} *{words['remedy']}*"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(draw().rstrip("\n") + "\n", encoding="utf-8")
