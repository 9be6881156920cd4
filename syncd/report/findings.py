"""What a check finds, one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from syncd.errors import Misconfigured, SyncdError


class Weight(Enum):
    GOOD = "good"
    DOUBT = "doubt"  # a person should look at it; nothing is wrong by itself
    INVALID = "invalid"  # records can't be sent
    FAILED = "failed"  # a run could not go on
    MISTAKE = "mistake"  # in the configuration


MARKS = {Weight.GOOD: "✓", Weight.DOUBT: "!"}  # else ✗


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`shown` takes the place of `words` on a terminal, where values may be seen; `below` are further lines there."""

    what: str
    words: str
    weight: Weight = Weight.GOOD
    shown: str | None = None
    below: tuple[str, ...] = ()
    excerpt: str = ""  # of the configuration, with the place underlined

    @property
    def is_good(self) -> bool:
        return self.weight in MARKS

    @property
    def as_json(self) -> dict[str, object]:
        """`ok` is false where a run would fail or leave records out; `weight` tells what a person should look at."""
        return {"what": self.what, "ok": self.is_good, "weight": self.weight.value, "words": self.words}

    def lines(self, *, on_terminal: bool) -> list[str]:
        words = (on_terminal and self.shown) or self.words
        excerpt = [f"  {line}" for line in self.excerpt.splitlines()]
        return [f"{MARKS.get(self.weight, '✗')} {self.what}: {words}", *excerpt, *(self.below if on_terminal else ())]


def find(what: str, look: Callable[[], str]) -> Finding:
    """One line, also where the look fails, so that the others still follow."""
    try:
        return Finding(what=what, words=look())
    except SyncdError as error:
        return failure(what, error)


def failure(what: str, error: SyncdError) -> Finding:
    weight = Weight.MISTAKE if isinstance(error, Misconfigured) else Weight.FAILED
    return Finding(what=what, words=": ".join(filter(None, (error.shown, error.remedy))), weight=weight)


def as_examples(places: list[str]) -> str:
    """The end of a sentence."""
    return f", for example {' | '.join(places)}" if places else ""
