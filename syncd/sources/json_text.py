"""JSON as sources send it: a value that is out of bounds spoils its own record, and no other."""

import json
from typing import Any


def read_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Raises ValueError or RecursionError for what is no JSON.

    NaN and Infinity, which are none of JSON's but of Python's, are taken: no field takes them.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a number of more digits than Python reads
        return json.loads(text, parse_int=_read_int)


def _read_int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits  # far too long for any field
