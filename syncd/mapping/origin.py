"""Where a value is in a source record: under a key, where an expression leads, or put together by a template."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Any, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError

from syncd import reasons
from syncd.mapping.checks import ValueProblem

LONGEST_NUMBER = 1_024  # bits: what is longer can't be written out for ever

Origin: TypeAlias = Callable[[Mapping[str, object]], object]
"""From a record's values to the one that is meant; None where there is none.

Raises ValueProblem where an expression does not fit the record, or a template's place holds no single value.
"""


def from_path(path: str) -> Origin:
    """The value under the literal key if the record has it, otherwise what the path finds as a JMESPath expression."""
    expression = _compile(path)

    def find(values: Mapping[str, object]) -> object:
        if path in values:
            return values[path]
        if expression is None:
            return None
        try:
            return expression.search(values)
        except JMESPathError:
            raise ValueProblem(reasons.NO_FIT.tell(path=repr(path))) from None

    return find


def from_template(template: str, read: Callable[[object], str | None]) -> Origin:
    """The template with its places filled, as `read` has them; None where it has places and all of them are empty."""
    pieces = parse_template(template)
    literals, places = pieces[0::2], [from_path(path) for path in pieces[1::2]]

    def fill(values: Mapping[str, object]) -> object:
        found = [read(find(values)) for find in places]
        if places and not any(found):
            return None
        return "".join(literal + (text or "") for literal, text in zip_longest(literals, found, fillvalue=""))

    return fill


def parse_template(template: str) -> list[str]:
    """Literal text and the paths of places in turn; `{{` and `}}` stand for themselves.

    Raises ValueError, in words for the configuration, where a brace lacks its partner.
    """
    if re.search(r"[{}]", re.sub(r"\{\{|\}\}|\{[^{}]+\}", "", template)):
        raise ValueError("has a brace without its partner; write '{Column}', and '{{' for a brace itself")
    pieces: list[str] = [""]
    for token in re.findall(r"\{\{|\}\}|\{[^{}]+\}|[^{}]+", template):
        if token in ("{{", "}}"):
            pieces[-1] += token[0]
        elif token.startswith("{"):
            pieces += [token[1:-1], ""]
        else:
            pieces[-1] += token
    return pieces


def _compile(path: str) -> Any:  # noqa: ANN401 - jmespath's own type
    try:
        return jmespath.compile(path)
    except JMESPathError:
        return None  # 'E-Mail' or 'Straße Nr.': a key, and nothing else


def is_expression(path: str) -> bool:
    return _compile(path) is not None


@lru_cache(1_024)
def find_roots(path: str) -> frozenset[str]:
    """The names that an expression takes from the record itself; none where the path is no expression."""
    expression = _compile(path)
    return frozenset(_roots(expression.parsed)) if expression is not None else frozenset()


def _roots(node: Mapping[str, Any]) -> Iterator[str]:
    match node["type"]:
        case "field":
            yield node["value"]
        case "subexpression" | "index_expression" | "projection" | "value_projection" | "filter_projection" | "pipe":
            yield from _roots(node["children"][0])
        case _:
            for child in node.get("children", ()):
                if isinstance(child, Mapping):
                    yield from _roots(child)


def is_empty(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | dict) and not value)
    )


def as_text(value: object) -> str:
    """As a person would write it: a whole number without '.0'. Raises ValueProblem for what is no single value."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() <= LONGEST_NUMBER:
            return str(value)
        case float() if not math.isfinite(value):
            raise ValueProblem(reasons.ENDLESS.tell())
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case int():
            raise ValueProblem(reasons.TOO_MANY_DIGITS.tell())
        case _:
            raise ValueProblem(reasons.NO_SINGLE_VALUE.tell())
