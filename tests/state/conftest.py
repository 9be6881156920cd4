"""The state database of two processes, on both kinds of database."""

from collections.abc import Iterator

import pytest
from rows import store_on

from syncd.state.connect import open_engine
from syncd.state.store import Store


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    engine = open_engine(state_url)
    yield store_on(engine)
    engine.dispose()


@pytest.fixture
def other(store: Store, state_url: str) -> Iterator[Store]:
    """A second process, as far as the database can tell."""
    engine = open_engine(state_url)
    yield store_on(engine)
    engine.dispose()
