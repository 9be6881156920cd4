"""The documentation as a site: it is built strictly, asks nobody for anything, and its references leave nothing out."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import typer

from syncd.cli import exits
from syncd.cli.app import app
from syncd.config import json_schema
from syncd.state.tables import metadata

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (built.returncode, "WARNING" in built.stderr) == (0, False), built.stderr
    return folder


def html(site: Path) -> dict[str, str]:
    return {str(file.relative_to(site)): file.read_text(encoding="utf-8") for file in site.rglob("*.html")}


def rows(page: str) -> Iterator[list[str]]:
    """The cells of the tables, as they are read."""
    for row in re.findall(r"(?s)<tr>(.*?)</tr>", page):
        yield [unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in re.findall(r"(?s)<td>(.*?)</td>", row)]


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    asking = r"(?:\bsrc|\bsrcset|<link[^>]*\bhref)=[\"']?(?:https?:)?//[^\"'> ]+"
    assert [(name, found) for name, text in html(site).items() for found in re.findall(asking, text)] == []
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()[\s\"']*(?:https?:)?//[^)]+", styles) == []


def test_only_the_german_page_is_german_and_its_furniture_is_not(site: Path) -> None:
    pages = {name: text for name, text in html(site).items() if not name.startswith("404")}
    language = {name: re.findall(r'<html lang="(\w+)"', text)[0] for name, text in pages.items()}
    assert {name for name, one in language.items() if one != "en"} == {"datenschutz.html"}
    assert re.findall(r'<(\w+) lang="en" class="md-(?:header|sidebar|footer)[ "]', pages["datenschutz.html"]) == [
        "header",
        "div",
        "div",
        "footer",
    ]


def test_what_the_pages_show_of_the_repository_comes_along(site: Path) -> None:
    shown = set(re.findall(r'href="(?:\.\./)*(files/[^"#]+)"', "".join(html(site).values())))
    assert len(shown) > 5
    assert {name for name in shown if (site / name).read_bytes() != (ROOT / name[6:]).read_bytes()} == set()


def test_the_search_knows_both_languages(site: Path) -> None:
    index = (site / "search/search_index.js").read_text(encoding="utf-8")
    assert {"Auskunft", "Speicherdauer", "bookkeeping"} <= set(re.findall(r"\w+", index))


def test_every_key_is_in_the_reference_with_its_default_and_meaning(site: Path) -> None:
    told = {
        tuple(row[i] for i in (0, 2, 3)) for row in rows(html(site)["reference/configuration.html"]) if len(row) == 4
    }
    schema = json_schema()
    named = {name: one for name, one in schema["$defs"].items() if not name.startswith("PartOf")}  # of a template
    tables = [schema, *(one for name, one in named.items() if name not in ("Reference", "SourceOptions"))]
    keys = [(key, about, table) for table in tables for key, about in table.get("properties", {}).items()]
    assert len(keys) > 190
    of_the_file = schema["properties"].keys()  # each is a table, with a section of its own
    missing = {
        (key, about["description"])
        for key, about, table in keys
        if key not in of_the_file and (key, default_of(key, about, table), in_words(about["description"])) not in told
    }
    assert missing == set()


def default_of(key: str, about: dict[str, object], table: dict[str, list[str]]) -> str:
    default = about.get("default")
    if key in table.get("required", ()):
        return "needed"
    if default in (None, "", [], {}):
        return "none"
    return "see its table" if isinstance(default, dict) else json.dumps(default, ensure_ascii=False)


def in_words(markdown: str) -> str:
    return markdown.replace("`", "")


def commands(command: object, *names: str) -> Iterator[tuple[tuple[str, ...], object]]:
    yield names, command
    for name in getattr(command, "commands", {}):
        context = typer.Context(command)  # type: ignore[arg-type]  # a group
        yield from commands(command.resolve_command(context, [name])[1], *names, name)  # type: ignore[attr-defined]


def test_every_command_is_in_the_reference_with_its_options(site: Path) -> None:
    page = html(site)["reference/commands.html"]
    sections = dict(re.findall(r'(?s)<h2 id="([^"]+)">(.*?)(?=<h2|</article>)', page))
    found = list(commands(typer.main.get_command(app), "syncd"))
    assert len(found) > 20
    for names, command in found:
        section = unescape(re.sub("<[^>]+>", "", sections["-".join(names)]))
        for one in command.params:  # type: ignore[attr-defined]  # it is a command
            assert [name for name in one.opts if name.startswith("-") and name not in section] == [], names
            assert in_words(" ".join((one.help or "").split())) in " ".join(section.split()), (names, one.opts)


def test_every_exit_code_is_in_the_reference(site: Path) -> None:
    told = {row[0] for row in rows(html(site)["reference/commands.html"]) if len(row) == 2 and row[0].isdecimal()}
    assert told == {str(code) for code in exits.GRAVITY}


@pytest.mark.parametrize("name", ["privacy", "datenschutz"])
def test_whoever_asks_what_is_kept_is_told_of_every_table(name: str) -> None:
    page = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
    told = {table for row in re.findall(r"(?m)^\| (`\w+`(?:, `\w+`)*) \|", page) for table in re.findall(r"\w+", row)}
    assert told == set(metadata.tables)
