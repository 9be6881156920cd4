"""A real browser for tests: screens, the page that is shown, and the checker of accessibility, which npm fetches."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

SCREENS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
AXE = "axe-core@4"


def missing(what: str) -> None:
    if os.environ.get("SYNCD_TEST_REQUIRE_BROWSER"):
        pytest.fail(f"a browser is required here: {what}")
    pytest.skip(f"no browser: {what}")


@contextmanager
def browsing(*, scripts: bool) -> Iterator[webdriver.Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        missing("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    opened = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    try:
        yield opened
    finally:
        opened.quit()


def fetch_axe(kept: Path) -> None:
    if shutil.which("npm") is None:
        missing("npm, which fetches axe-core, is not installed")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, AXE]
        if subprocess.run(command, capture_output=True, timeout=100, check=False).returncode:
            missing("npm can't fetch axe-core")
        (Path(folder) / "node_modules/axe-core/axe.min.js").replace(kept)  # at once, for another worker may read it


def show(browser: webdriver.Chrome, url: str, screen: str) -> None:
    width, height, is_mobile = SCREENS[screen]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(url)


def layout(browser: webdriver.Chrome) -> dict[str, Any]:
    answer: dict[str, Any] = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})
    return answer


def look_for_barriers(browser: webdriver.Chrome, axe: str) -> tuple[dict[str, list[Any]], int]:
    """What the checker finds on the page that is shown, by rule, and how many rules it passes."""
    browser.execute_script(axe)
    found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    barriers = {
        one["id"]: [(node["target"], node.get("failureSummary")) for node in one["nodes"]][:3]
        for one in found["violations"]
    }
    return barriers, len(found["passes"])
