"""How a record says that its customer is deleted."""

from collections.abc import Mapping

_TOLD: Mapping[object, bool] = {
    True: True,
    False: False,
    None: False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    "": False,
}


def parse_deletion(value: object) -> bool | None:
    """None where the value is neither true nor false."""
    if not isinstance(value, str | int | None):
        return None
    return _TOLD.get(value.strip().lower() if isinstance(value, str) else value)
