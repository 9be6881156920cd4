"""The pages in a real browser, as people meet them: on a desk and on a telephone, by keyboard, without a script."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bad_day import NOW, fill, make_daemon
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from syncd.assembly import looking_at_state
from syncd.config.model import WebOptions
from syncd.report.run import report_as_html, report_run
from syncd.web import Metrics, serving

SCREENS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
AXE = "axe-core@4"


def missing(what: str) -> None:
    if os.environ.get("SYNCD_TEST_REQUIRE_BROWSER"):
        pytest.fail(f"a browser is required here: {what}")
    pytest.skip(f"no browser: {what}")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses: of the status page on a bad day, and of the report of a run."""
    folder = tmp_path_factory.mktemp("museum")
    daemon = make_daemon(folder, "members", "schools", "donors", "foerderkreis")
    fill(daemon)
    with looking_at_state(daemon.config) as state:
        run = state.store.runs.latest("members", 1)[0]
        report = report_as_html(report_run(state.store, run), daemon.config.syncs["members"].timezone)
    (folder / "report.html").write_text(report, encoding="utf-8")
    with serving(WebOptions(listen="127.0.0.1:0"), daemon, Metrics(), lambda: NOW) as url:
        yield {"status": url, "report": (folder / "report.html").as_uri()}


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


@pytest.fixture(scope="module")
def plain() -> Iterator[webdriver.Chrome]:
    """A browser that runs no script of a page."""
    with browsing(scripts=False) as browser:
        yield browser


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
        _fetch_axe(kept)
    return kept.read_text(encoding="utf-8")


def _fetch_axe(kept: Path) -> None:
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


def unfold(browser: webdriver.Chrome) -> None:
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        summary.send_keys(Keys.ENTER)


def layout(browser: webdriver.Chrome) -> dict[str, Any]:
    answer: dict[str, Any] = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})
    return answer


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", ["status", "report"])
def test_a_page_fits_the_width_of_the_screen(
    plain: webdriver.Chrome, pages: dict[str, str], page: str, screen: str
) -> None:
    show(plain, pages[page], screen)
    unfold(plain)
    assert layout(plain)["cssContentSize"]["width"] == SCREENS[screen][0]


@pytest.mark.parametrize("screen", SCREENS)
def test_without_a_script_everything_is_there(plain: webdriver.Chrome, pages: dict[str, str], screen: str) -> None:
    show(plain, "data:text/html,<p>plain<script>document.body.textContent='scripted'</script>", screen)
    assert plain.find_element(By.TAG_NAME, "body").text == "plain"
    show(plain, pages["status"], screen)
    text = plain.find_element(By.TAG_NAME, "body").text
    for words in ("2 of 4 syncs need you", "Förderkreis-März.csv", "Anrede (gewünscht)", "syncd approve schools"):
        assert words in text
    assert len(plain.find_elements(By.CSS_SELECTOR, "svg.chart .bar")) > 20


@pytest.mark.parametrize("page", ["status", "report"])
def test_its_own_style_and_nothing_else_is_let_in(
    scripting: webdriver.Chrome, pages: dict[str, str], page: str
) -> None:
    show(scripting, pages[page], "desktop")
    assert scripting.find_element(By.CSS_SELECTOR, ".card").value_of_css_property("border-radius") == "10px"
    scripting.execute_script("document.body.insertAdjacentHTML('beforeend', '<p id=x style=\"color:red\">x</p>')")
    assert scripting.find_element(By.ID, "x").value_of_css_property("color") != "rgba(255, 0, 0, 1)"


def test_everything_that_does_something_is_reached_by_keyboard_in_the_order_of_the_page(
    plain: webdriver.Chrome, pages: dict[str, str]
) -> None:
    show(plain, pages["status"], "desktop")
    reached = []
    for _ in range(9):
        plain.switch_to.active_element.send_keys(Keys.TAB)
        element = plain.switch_to.active_element
        reached.append(element.text.split("\n")[0])
        outline = element.value_of_css_property("outline-style"), element.value_of_css_property("outline-width")
        assert outline == ("solid", "3px"), reached
    names = ["members", "schools", "donors", "foerderkreis"]
    assert reached == ["Skip to the content", *names, *["The same as a table"] * 4]


def test_a_table_unfolds_by_keyboard(plain: webdriver.Chrome, pages: dict[str, str]) -> None:
    show(plain, pages["status"], "phone")
    table = plain.find_element(By.CSS_SELECTOR, "table.runs")
    assert not table.is_displayed()
    plain.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert table.is_displayed()


def test_the_skip_link_leads_to_the_content(plain: webdriver.Chrome, pages: dict[str, str]) -> None:
    show(plain, pages["status"], "desktop")
    plain.find_element(By.CSS_SELECTOR, ".skip").send_keys(Keys.ENTER)
    assert plain.switch_to.active_element.get_attribute("id") == "content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", ["status", "report"])
def test_no_barrier_is_found(  # noqa: PLR0917 - parts and cases
    scripting: webdriver.Chrome, pages: dict[str, str], axe: str, page: str, screen: str, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    scripting.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    show(scripting, pages[page], screen)
    unfold(scripting)
    scripting.execute_script(axe)
    found = scripting.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    barriers = {
        one["id"]: [(node["target"], node.get("failureSummary")) for node in one["nodes"]][:3]
        for one in found["violations"]
    }
    assert barriers == {}, json.dumps(barriers, indent=1)
    assert len(found["passes"]) > 15
