"""The documentation in a real browser, opened from a disk: on a desk, on a telephone, its search without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import SCREENS, layout, look_for_barriers, show
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).parents[2]
LOOKED_AT = ("index", "tutorial", "reference/configuration", "datenschutz")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True)
    return folder


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", LOOKED_AT)
def test_a_page_fits_the_screen_and_asks_nobody(
    scripting: webdriver.Chrome, site: Path, page: str, screen: str
) -> None:
    show(scripting, (site / f"{page}.html").as_uri(), screen)
    assert layout(scripting)["cssContentSize"]["width"] == SCREENS[screen][0]
    asked = scripting.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [name for name in asked if not name.startswith("file:")] == []


@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
@pytest.mark.parametrize("page", LOOKED_AT)
def test_no_barrier_is_found(  # noqa: PLR0917 - parts and cases
    scripting: webdriver.Chrome, site: Path, axe: str, page: str, screen: str, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    scripting.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    show(scripting, (site / f"{page}.html").as_uri(), screen)
    barriers, passed = look_for_barriers(scripting, axe)
    assert barriers == {}, json.dumps(barriers, indent=1)
    assert passed > 15


@pytest.mark.parametrize(("words", "page"), [("Löschfristen", "datenschutz.html"), ("overdue_after", "alarms.html")])
def test_the_search_finds_it(scripting: webdriver.Chrome, site: Path, words: str, page: str) -> None:
    show(scripting, (site / "index.html").as_uri(), "desktop")
    scripting.find_element(By.CSS_SELECTOR, ".md-search__input").send_keys(words)
    found = WebDriverWait(scripting, 20).until(
        lambda shown: [one.get_attribute("href") for one in shown.find_elements(By.CSS_SELECTOR, ".md-search-result a")]
    )
    assert any(page in str(address) for address in found), found
