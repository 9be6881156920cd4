"""Where something stands in an answer, as a JMESPath expression says."""

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from syncd.errors import IncompleteRead


def find(path: str, document: object, *, key: str, place: str) -> Any:  # noqa: ANN401 - whatever stands there
    """None where the path leads to nothing. `key` is the option that holds the path.

    Raises IncompleteRead where the expression does not fit the document.
    """
    try:
        return jmespath.search(path, document)
    except JMESPathError:  # its message quotes the value that a function can't take
        raise IncompleteRead(
            place, f"{key} can't be applied to what came", remedy=f"check {key} against a real answer"
        ) from None
