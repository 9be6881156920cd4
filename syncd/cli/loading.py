"""Imports that wait until they are needed."""

import gc
from pkgutil import resolve_name
from typing import Any


def load(place: str) -> Any:  # noqa: ANN401 - whatever is there
    """What "syncd.cli.planning:plan" names. No garbage is collected meanwhile, for that takes a third of the time."""
    gc.disable()
    try:
        return resolve_name(place)
    finally:
        gc.freeze()
        gc.enable()
