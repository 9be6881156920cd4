"""A real browser for tests: screens, the page that is shown, and the checker of accessibility, which npm fetches."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from parts import leave_out, npm_install
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service

SCREENS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
AXE = "axe-core@4"


def missing(what: str) -> NoReturn:
    leave_out("BROWSER", f"no browser: {what}")


@contextmanager
def browsing(*, scripts: bool) -> Iterator[webdriver.Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        missing("chromium and chromedriver are not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    try:
        opened = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    except WebDriverException as error:
        missing(f"chromium does not start: {(error.msg or '').splitlines()[:1]}")
    try:
        yield opened
    finally:
        opened.quit()


def fetch_axe(kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        if reason := npm_install(Path(folder), AXE):
            missing(f"no axe-core to look with: {reason}")
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
