"""Every syncd command that the pages show, run as it stands there."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from office import CONFIG, Office, open_office, person
from reader import Reader, blocks, ending_of

from syncd.sandbox import Sandbox, create_app, serve

ROOT = Path(__file__).parents[2]
FOLLOWED = ("init.md", "tutorial.md")  # from an export to a sync: the commands build on each other
LIVE = "going-live.md"  # beside a shop
MUSEUMS = "many-museums.md"  # in a folder of configurations
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in (*FOLLOWED, LIVE, MUSEUMS)),
]


def commands(page: Path) -> list[tuple[str, int]]:
    """In the order in which a reader would type them, each with how the page says that it ends; comments are none."""
    typed = (
        line.replace("/srv/syncd/", "") for kind, text in blocks(page) for line in text.splitlines() if kind == "sh"
    )
    return [(line.partition("#")[0].strip(), ending_of(line)) for line in typed if line.startswith("syncd ")]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    receiver = Flask(__name__)
    receiver.add_url_rule("/", view_func=lambda: "heard", methods=["POST"])
    with open_office(tmp_path) as office, serve(receiver) as url:
        monkeypatch.setenv("SYNCD_WEBHOOK", url)
        office.configure(CONFIG.format(url=office.url) + '[notify]\nwebhook = { env = "SYNCD_WEBHOOK" }\n')
        yield office


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FOLLOWED)
def test_whoever_follows_the_page_gets_what_it_says(tmp_path: Path, name: str) -> None:
    """In order, with its configurations, by the export that it names; the sandbox of the page is one of the test."""
    (tmp_path / "office").mkdir()
    with open_office(tmp_path / "office") as office:
        (office.folder / "config.toml").unlink()
        office.age("members.csv")
        office.folder = office.folder if name == "init.md" else ROOT
        instead = {
            "http://127.0.0.1:8022": office.url,
            "https://your-museum.gomus.de": office.url,
            "127.0.0.1:8080": "127.0.0.1:0",
        }
        assert Reader(office, home=tmp_path, instead=instead).follow(ROOT / "docs" / name) == []
        assert len(office.sandbox.customers) == (len(office.rows) if name == "init.md" else 495)


def test_whoever_goes_live_by_the_page_gets_what_it_says(tmp_path: Path) -> None:
    """Six members; the shop has two of them plainly, one twice, and one address under another name."""
    (tmp_path / "office").mkdir()
    with open_office(tmp_path / "office") as office:
        del office.rows[6:]
        office.export()
        office.age("members.csv")
        lines = ["ID;Vorname;Nachname;E-Mail"]
        for number, member in ((101, 1), (102, 2), (103, 3), (203, 3), (104, 4)):
            name, surname, email = person(member)[1:4]
            name = "Zzmax" if member == 4 else name
            office.sandbox.add_customer(id=number, name=name, surname=surname, email=email)
            lines.append(f"{number};{name};{surname};{email}")
        (office.folder / "gomus-export.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
        assert Reader(office, home=tmp_path, instead={}).follow(ROOT / "docs" / LIVE) == []
        ids = {customer.id: customer.fields["foreign_id"] for customer in office.sandbox.customers}
        assert {number: ids[number] for number in (101, 102, 103, 203, 104)} == {
            101: "M-0001",
            102: "M-0002",
            103: None,
            203: "M-0003",
            104: None,
        }
        assert sorted(filter(None, ids.values())) == [f"M-{number:04d}" for number in range(1, 7)]


def test_whoever_has_many_museums_gets_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its configurations are files, named in their first line; the shell's `rm` is the only other command."""
    with open_office(tmp_path) as office:
        for name in ("LOUVRE_TOKEN", "PRADO_TOKEN"):
            monkeypatch.setenv(name, office.token)
        monkeypatch.setenv("LOUVRE_KEY", "a key of the louvre's own")
        page = list(blocks(ROOT / "docs" / MUSEUMS))
        with serve(create_app(Sandbox())) as elsewhere:
            for text in (text for kind, text in page if kind == "toml"):
                file = office.folder / text.partition("\n")[0].removeprefix("# ")
                (file.parent / file.stem).mkdir(parents=True)
                shutil.copy(office.folder / "members.csv", file.parent / file.stem)
                text = text.replace("https://louvre.gomus.de", office.url)  # noqa: PLW2901 - as this machine has it
                file.write_text(text.replace("https://prado.gomus.de", elsewhere), encoding="utf-8")
            for line in (line for kind, text in page for line in text.splitlines() if kind == "sh"):
                if line.startswith("rm "):
                    (office.folder / line.removeprefix("rm ")).unlink()
                else:
                    ended = office.syncd(*shlex.split(line, comments=True)[1:])
                    assert (line, ended.code) == (line, ending_of(line)), ended.err


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_on_the_page_works(office: Office, page: Path) -> None:
    office.syncd("--once")
    failed = [
        (command, ended.err)
        for command, code in commands(page)
        if (ended := office.syncd(*shlex.split(command)[1:])).code != code
    ]
    assert failed == []
