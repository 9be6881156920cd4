"""The museums that runs are tried with, where a test has none of its own; and silence, where it makes thousands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from museum import Museum


@pytest.fixture
def museum(state_url: str) -> Iterator[Museum]:
    """On each kind of state database."""
    museum = Museum(state_url=state_url)
    yield museum
    museum.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Museum]:
    """Where the kind of state database does not matter."""
    museum = Museum(state_url=f"sqlite:///{tmp_path / 'state.db'}")
    yield museum
    museum.close()


@pytest.fixture
def silence() -> Iterator[None]:
    """No line of log."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: object) -> dict[str, object]:
    raise structlog.DropEvent
