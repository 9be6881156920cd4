"""Which records count: conditions on a record's cells, all of which must hold."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from syncd import reasons
from syncd.mapping.cells import in_one_line, make_reader
from syncd.mapping.checks import ValueProblem
from syncd.mapping.lookups import fold
from syncd.mapping.origin import as_text, from_path
from syncd.mapping.spec import Transforms
from syncd.mapping.transforms import compile_transform, transformed

TODAY = "today"

Test: TypeAlias = Callable[[str | None, date], bool]
"""From a cell's text, None where it is empty, and the day on which it is asked. Raises ValueProblem."""


def _as_words(value: object) -> object:
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str | int | bool) and as_text(word) for word in words):
        raise ValueError("takes a text or a list of texts; for empty cells there is 'empty = true'")
    return [as_text(word) for word in words]


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"is not a regular expression ({error.msg}): in single quotes, a sign that means itself has a \\ before it"
        ) from None
    return pattern


def _check_day(day: str) -> str:
    if day != TODAY:
        try:
            date.fromisoformat(day)
        except ValueError:
            raise ValueError(f"{day!r} is neither 'today' nor a date such as '2026-12-31'{_suggest(day)}") from None
    return day


def _suggest(day: str) -> str:
    if found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", day.strip()):
        return f"; did you mean '{found[3]}-{int(found[2]):02}-{int(found[1]):02}'?"
    return "; did you mean 'today'?" if day.strip().casefold() in ("heute", "now", "jetzt") else ""


def _check_form(form: object) -> object:
    compile_transform({"date": form})
    return form


Words: TypeAlias = Annotated[list[str], BeforeValidator(_as_words)]
Day: TypeAlias = Annotated[str, AfterValidator(_check_day)]
TESTS = ("is", "is_not", "empty", "matches", "date")


class Condition(BaseModel):
    """One condition of `where`: a cell, and exactly one of the tests."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", min_length=1, description="The column.")
    transform: Transforms = Field(default=[], description="Steps that change the cell before it is asked.")
    is_: Words | None = Field(default=None, alias="is", description="Holds where the cell is one of these words.")
    is_not: Words | None = Field(default=None, description="Holds where the cell is none of these words.")
    empty: bool | None = Field(
        default=None, strict=True, description="Holds where the cell is empty, or with false where it is not."
    )
    matches: Annotated[str, AfterValidator(_check_pattern)] | None = Field(
        default=None, description="Holds where this regular expression finds something in the cell."
    )
    date: Annotated[Any, AfterValidator(_check_form)] = Field(
        default=None, description="The form of the cell's date, which is compared with `before` and `after`."
    )
    before: Day | None = Field(
        default=None, description="Holds where the day is earlier than this one: a date, or today."
    )
    after: Day | None = Field(default=None, description="Holds where the day is later than this one: a date, or today.")
    or_empty: bool = Field(default=False, strict=True, description="An empty cell holds too.")

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if sum(test is not None for test in (self.is_, self.is_not, self.empty, self.matches, self.date)) != 1:
            raise ValueError(f"takes exactly one of {', '.join(map(repr, TESTS))}")
        has_bound = self.before is not None or self.after is not None
        if self.date is not None and not has_bound:
            raise ValueError("with 'date' takes 'before' or 'after': \"today\", or a date such as \"2026-12-31\"")
        if self.date is None and (has_bound or self.or_empty):
            raise ValueError("takes 'before', 'after' and 'or_empty' only with 'date', the form of the cell's date")
        return self

    @property
    def is_of_today(self) -> bool:
        return TODAY in (self.before, self.after)


class Where:
    """The conditions of one sync, compiled."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._tests = [compile_condition(condition) for condition in conditions]
        self.is_of_today = any(condition.is_of_today for condition in conditions)
        self.spelt = "\n".join(one.model_dump_json(by_alias=True, exclude_defaults=True) for one in conditions)

    def holds(self, values: Mapping[str, object], today: date) -> bool:
        """Whether the record counts. Raises ValueProblem where a condition can't be judged, and no other fails."""
        problem: ValueProblem | None = None
        for condition in self._tests:
            try:
                if not condition.holds(values, today):
                    return False
            except ValueProblem as found:
                words = reasons.UNJUDGED.tell(column=condition.column, why=found.reason)
                problem = problem or ValueProblem(words)
        if problem:
            raise problem
        return True


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """`read` finds the text of the cell, None where it is empty."""

    column: str
    read: Callable[[Mapping[str, object]], str | None]
    test: Test

    def holds(self, values: Mapping[str, object], today: date) -> bool:
        """Raises ValueProblem where it can't be judged."""
        return self.test(self.read(values), today)


def compile_condition(condition: Condition) -> CompiledCondition:
    find = from_path(condition.from_)
    words = [*(condition.is_ or ()), *(condition.is_not or ())]
    reader = make_reader(in_one_line, transforms=condition.transform, words=words, takes_days=True)
    steps = [compile_transform(one) for one in condition.transform]

    def read(values: Mapping[str, object]) -> str | None:
        text = transformed(reader.read(find(values)), steps)
        return (text or "").strip() or None

    return CompiledCondition(condition.from_, read, _compile_test(condition))


def _compile_test(condition: Condition) -> Test:
    if condition.date is not None:
        return _compile_date(condition)
    if condition.matches is not None:
        search = re.compile(condition.matches).search
        return lambda text, _today: search(text or "") is not None
    if condition.empty is not None:
        return lambda text, _today: (text is None) is condition.empty
    if condition.is_ is not None:
        return _among(condition.is_)
    among = _among(condition.is_not or ())
    return lambda text, today: not among(text, today)


def _among(words: Collection[str]) -> Test:
    known = frozenset(map(fold, words))
    return lambda text, _today: text is not None and fold(text) in known


def _compile_date(condition: Condition) -> Test:
    to_iso = compile_transform({"date": condition.date})

    def day_of(bound: str, today: date) -> date:
        return today if bound == TODAY else date.fromisoformat(bound)

    def test(text: str | None, today: date) -> bool:
        if text is None:
            return condition.or_empty
        day = date.fromisoformat(to_iso(text) or "")
        is_early = condition.before is None or day < day_of(condition.before, today)
        return is_early and (condition.after is None or day > day_of(condition.after, today))

    return test
