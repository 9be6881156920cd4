"""Imports that wait until they are needed."""

import gc
from pkgutil import resolve_name
from typing import Any

FEW_PASSES = 20_000
"""Objects between two passes of the garbage collector. A run makes many that live for a moment and hardly a cycle."""


def load(place: str) -> Any:  # noqa: ANN401 - whatever is there
    """What "syncd.cli.planning:plan" names. No garbage is collected meanwhile, for that takes a third of the time."""
    gc.disable()
    try:
        return resolve_name(place)
    finally:
        gc.freeze()
        gc.set_threshold(FEW_PASSES)
        gc.enable()
