"""What the owner of the data is to be told of a record, where its cells say so."""

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field

from syncd.mapping.checks import ValueProblem
from syncd.mapping.filters import CompiledCondition, Condition, compile_condition


class Errand(Condition):
    """A condition, as of `where`, and the text that stands on the worklist while a record fulfils it."""

    text: str = Field(min_length=1, description="What stands on the worklist.")


class Errands:
    """Those of one sync, compiled."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self._tests = [(errand.text, compile_condition(errand)) for errand in errands]
        self._is_of_today = any(errand.is_of_today for errand in errands)
        self._spelt = "\n".join(one.model_dump_json(by_alias=True, exclude_defaults=True) for one in errands)

    def __bool__(self) -> bool:
        return bool(self._tests)

    def spelt_on(self, today: date) -> bytes:
        """Stands for all that decides what is told; nothing where nothing is."""
        return (self._spelt + (today.isoformat() if self._is_of_today else "")).encode()

    def of(self, values: Mapping[str, object], today: date) -> tuple[str, ...]:
        """The texts. A condition that can't be judged tells nothing."""
        return tuple(text for text, condition in self._tests if _holds(condition, values, today))


def _holds(condition: CompiledCondition, values: Mapping[str, object], today: date) -> bool:
    try:
        return condition.holds(values, today)
    except ValueProblem:
        return False
