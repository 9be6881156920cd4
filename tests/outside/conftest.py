"""What the tests with a browser share."""

from collections.abc import Iterator

import pytest
from browser import browsing, fetch_axe
from selenium import webdriver


@pytest.fixture(scope="module")
def scripting() -> Iterator[webdriver.Chrome]:
    with browsing(scripts=True) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    """The checker of accessibility, kept between runs."""
    assert pytestconfig.cache is not None
    kept = pytestconfig.cache.mkdir("axe-core") / "axe.min.js"
    if not kept.exists():
        fetch_axe(kept)
    return kept.read_text(encoding="utf-8")
