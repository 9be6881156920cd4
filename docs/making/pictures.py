"""Makes the pictures of the pages anew, by the commands of the tutorial: `.venv/bin/python docs/making/pictures.py`.

Needs Debian's packages `chromium` and `chromium-driver`. Look at each picture before it is committed.
"""

import base64
import csv
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from syncd.sandbox import TOKEN, Sandbox, create_app, serve

PICTURES = Path(__file__).parents[1] / "pictures"
SYNCD = [sys.executable, "-m", "syncd"]
SLOW = "requests_per_second = 10\n"
PAGE = "127.0.0.1:18080"
COLUMNS, WIDTH = 110, 900
PHONE = 11  # the column of the export that changes from run to run


@contextmanager
def museum() -> Iterator[Path]:
    """The folder of the tutorial after its fifth step."""
    with tempfile.TemporaryDirectory() as name, serve(create_app(Sandbox())) as url:
        folder = Path(name)
        os.environ |= {"GOMUS_TOKEN": TOKEN}
        (folder / "members.csv").write_bytes((resources.files("syncd.example") / "members.csv").read_bytes())
        age(folder)
        run(folder, "init", "members.csv", "--url", url, "--yes")
        file = folder / "config.toml"
        text = file.read_text(encoding="utf-8").replace(SLOW, "")
        text = text.replace('lookup = "country" }', 'lookup = "country", default = "DE" }')
        text = text.replace("[sync.members]\n", '[sync.members]\nschedule = "0 6 * * *"\n')
        file.write_text(f'{text}\n[web]\nlisten = "{PAGE}"\n', encoding="utf-8")
        yield folder


def age(folder: Path) -> None:
    yesterday = time.time() - 86_400
    os.utime(folder / "members.csv", (yesterday, yesterday))


def run(folder: Path, *arguments: str) -> None:
    subprocess.run([*SYNCD, *arguments], cwd=folder, check=False, stdout=subprocess.DEVNULL)


def change(folder: Path, count: int) -> None:
    """Give so many members another telephone number."""
    file = folder / "members.csv"
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="cp1252"), newline=""), delimiter=";"))
    for number, row in enumerate(rows[1 : count + 1]):
        row[PHONE] = f"030 23125 {number + 100 * (count % 9):03d}"
    with file.open("w", encoding="cp1252", newline="") as written:
        csv.writer(written, delimiter=";").writerows(rows)
    age(folder)


def typed(folder: Path, *arguments: str) -> str:
    """What the command prints on a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*SYNCD, *arguments], cwd=folder, env=environment, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:
        pass  # so ends a terminal
    process.wait()
    return said.decode().replace("\r\n", "\n")


def drawn(text: str, title: str) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(text.strip(), no_wrap=True, overflow="ellipsis"))
    svg = console.export_svg(title=title)
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # it would ask another host


@contextmanager
def browsing() -> Iterator[Callable[[str, str, int], None]]:
    """To call with an address, the name of the picture, and the height at which it is cut."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))

    def picture(url: str, name: str, height: int) -> None:
        screen = {"width": WIDTH, "height": 400, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.get(url)
        whole = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(whole, height), "scale": 1}
        shown = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        (PICTURES / f"{name}.png").write_bytes(base64.b64decode(shown["data"]))

    try:
        yield picture
    finally:
        browser.quit()


def main() -> None:
    with museum() as folder, browsing() as picture:
        (folder / "rehearsal.svg").write_text(
            drawn(typed(folder, "rehearse", "members"), "syncd rehearse members"), encoding="utf-8"
        )
        (folder / "rehearsal.html").write_text(f'<body style="margin: 0"><img src="rehearsal.svg" width="{WIDTH}">')
        picture((folder / "rehearsal.html").as_uri(), "rehearsal", 1000)
        run(folder, "plan", "--html", "plan.html")
        picture((folder / "plan.html").as_uri(), "plan", 800)
        run(folder, "--once")
        run(folder, "report", "--output", "report.html")
        picture((folder / "report.html").as_uri(), "report", 800)
        for count in (3, 0, 41, 7, 0, 12):
            change(folder, count)
            run(folder, "--once")
        daemon = subprocess.Popen(SYNCD, cwd=folder, stdout=subprocess.DEVNULL)
        time.sleep(4)
        picture(f"http://{PAGE}/", "status", 1000)
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    main()
