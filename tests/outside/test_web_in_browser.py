"""The pages in a real browser, as people meet them: on a desk and on a telephone, by keyboard, without a script."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from bad_day import NOW, QuietDaemon, add_run, fill, make_daemon, writing
from browser import SCREENS, browsing, layout, look_for_barriers, show
from office import open_office
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from syncd.assembly import looking_at_state
from syncd.config.model import WebOptions
from syncd.domain.languages import Language
from syncd.domain.runs import Status
from syncd.report.period import period_as_html, report_period
from syncd.report.run import report_as_html, report_run
from syncd.web import Metrics, serving

OF_AN_OFFICE = ("plan", "worklist", "certificate")
PAGES = ("status", "status in German", "many", "report", "report over the web", "held", "time", *OF_AN_OFFICE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses: of the status page on a bad day, in German and with many syncs, and of each kind of report."""
    folder = tmp_path_factory.mktemp("museum")
    daemon = make_daemon(folder, "members", "schools", "donors", "foerderkreis")
    fill(daemon)
    many = make_daemon(tmp_path_factory.mktemp("many"), *(f"list{number}" for number in range(12)))
    with writing(many) as store:
        for name in many.config.syncs:
            add_run(store, name, Status.DONE)
    for name, page in (*reports_of(daemon), *pages_of(tmp_path_factory.mktemp("office"))):
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    with ExitStack() as open_:
        urls = {
            name: open_.enter_context(
                serving(WebOptions(listen="127.0.0.1:0", lang=lang), shown, Metrics(), lambda: NOW)
            )
            for name, shown, lang in (
                ("status", daemon, None),
                ("status in German", daemon, Language.GERMAN),
                ("many", many, None),
            )
        }
        written = {name: (folder / f"{name}.html").as_uri() for name in ("report", "held", "time", *OF_AN_OFFICE)}
        run = f"{urls['status in German']}/runs/20260309T130000-members"
        yield urls | written | {"report over the web": run}


def reports_of(daemon: QuietDaemon) -> Iterator[tuple[str, str]]:
    zone = daemon.config.syncs["members"].timezone
    with looking_at_state(daemon.config) as state:
        members, schools = (state.store.runs.latest(name, 1)[0] for name in ("members", "schools"))
        yield "report", report_as_html(report_run(state.store, members), zone)
        yield "held", report_as_html(report_run(state.store, schools), zone, Language.GERMAN)
        since = NOW - timedelta(days=30)
        told = report_period(state.store, daemon.config.syncs.values(), since)
        yield "time", period_as_html(told, since, NOW, Language.GERMAN)


def pages_of(folder: Path) -> Iterator[tuple[str, str]]:
    with open_office(folder) as office:
        office.syncd("--once")
        for row in office.rows[:12]:
            row[4] = "030 23125999"
        office.rows[20][5] = "31.02.1971"
        del office.rows[30:]
        office.export()
        office.syncd("plan", "--html", "plan.html", "--lang", "de")
        office.syncd("--once")
        office.syncd("worklist", "--html", "worklist.html")
        office.syncd("erase", "M-0002", "--certificate", "certificate.html", "--lang", "de")
        yield from ((name, (folder / f"{name}.html").read_text(encoding="utf-8")) for name in OF_AN_OFFICE)


@pytest.fixture(scope="module")
def plain() -> Iterator[webdriver.Chrome]:
    """A browser that runs no script of a page."""
    with browsing(scripts=False) as browser:
        yield browser


def unfold(browser: webdriver.Chrome) -> None:
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        summary.send_keys(Keys.ENTER)


@pytest.mark.in_part(2)
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", PAGES)
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


@pytest.mark.parametrize("page", PAGES)
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
    for _ in range(16):
        plain.switch_to.active_element.send_keys(Keys.TAB)
        element = plain.switch_to.active_element
        reached.append(element.text.split("\n")[0])
        outline = element.value_of_css_property("outline-style"), element.value_of_css_property("outline-width")
        assert outline == ("solid", "3px"), reached
    worst_first = ["donors", "schools", "members", "foerderkreis"]
    last, done, table = "Mon 9 Mar 2026, 14:00 CET", "Sun 8 Mar 2026, 14:00 CET", "The same as a table"
    runs = [last, done, table, last, done, table, last, table, last, table]
    assert reached == ["Skip to the content", *worst_first, *runs, "Let it stand still"]


def test_a_run_leads_to_its_report_and_back_by_keyboard(plain: webdriver.Chrome, pages: dict[str, str]) -> None:
    show(plain, pages["status"], "phone")
    plain.find_element(By.CSS_SELECTOR, "#sync-members dd a").send_keys(Keys.ENTER)
    assert plain.current_url.endswith("/runs/20260309T130000-members")
    assert plain.find_element(By.TAG_NAME, "h1").text == "members → main"
    plain.find_element(By.CSS_SELECTOR, "main a").send_keys(Keys.ENTER)
    assert plain.current_url == f"{pages['status']}/"


def test_the_page_renews_itself_without_a_script(
    plain: webdriver.Chrome, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.web.app.REFRESH", timedelta(seconds=1))
    show(plain, pages["status"], "desktop")
    first = plain.find_element(By.TAG_NAME, "main")
    WebDriverWait(plain, 10).until(staleness_of(first))
    assert plain.current_url == f"{pages['status']}/"


def test_a_page_that_stands_still_does_so(plain: webdriver.Chrome, pages: dict[str, str]) -> None:
    show(plain, pages["status"], "desktop")
    plain.find_element(By.CSS_SELECTOR, "footer a").send_keys(Keys.ENTER)
    assert plain.current_url.endswith("/?still")
    plain.find_element(By.CSS_SELECTOR, "footer a").send_keys(Keys.ENTER)
    assert plain.current_url.endswith("/?")


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


@pytest.mark.in_part(2)
@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
@pytest.mark.parametrize("page", PAGES)
def test_no_barrier_is_found(  # noqa: PLR0917 - parts and cases
    scripting: webdriver.Chrome, pages: dict[str, str], axe: str, page: str, screen: str, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    scripting.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    show(scripting, pages[page], screen)
    unfold(scripting)
    barriers, passed = look_for_barriers(scripting, axe)
    assert barriers == {}, json.dumps(barriers, indent=1)
    assert passed > 15
