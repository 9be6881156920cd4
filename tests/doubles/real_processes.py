"""Real processes for tests: quick ones, from a server that has imported everything, where the system can fork."""

from multiprocessing import get_all_start_methods, get_context
from typing import Any


def processes_with(*modules: str) -> Any:
    """They have none of this one's open files."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context
