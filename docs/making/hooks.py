"""What mkdocs asks while it builds the site: generated parts of pages, and what the pages show of the repository."""

import re
from pathlib import Path
from posixpath import dirname, normpath, relpath
from posixpath import join as join_path

import commands
import configuration
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
MADE = {
    "configuration": configuration.as_markdown,
    "commands": commands.as_markdown,
    "changelog": lambda: _changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")),
}
PAGES = {"CHANGELOG.md": "changelog.md", "README.md": "index.md"}  # what the site has a page of its own for
FURNITURE = re.compile(r'<(header|div|footer) (class="md-(?:header|sidebar|footer)[ "])')


def _changelog(text: str) -> str:
    """Without its heading; its links begin at the root of the repository."""
    return text.partition("\n")[2].replace("](docs/", "](")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put in what is generated, and carry along the files of the repository that the page leads to."""
    whole = re.sub(r"<!-- made: (\w+) -->", lambda found: MADE[found[1]](), markdown)
    whole = re.sub(
        r"`[^`\n]*`", lambda code: code[0].replace("\\|", "|"), whole
    )  # a row of a table needs no such sign here
    here = dirname(page.file.src_uri)

    def inside(found: re.Match[str]) -> str:
        target = normpath(join_path(here, found[1]))
        if not target.startswith("../"):
            return found[0]
        return f"]({relpath(_carried(target[3:], config, files), here or '.')}{found[2] or ''})"

    return re.sub(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)", inside, whole)


def _carried(name: str, config: MkDocsConfig, files: Files) -> str:
    """The place on the site of a file of the repository."""
    if name in PAGES:
        return PAGES[name]
    place = f"files/{name}"
    if files.get_file_from_path(place) is None:
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    return place


def on_post_page(output: str, page: Page, **_: object) -> str:
    """The search has a name for those who hear the page; a page in another language says so, its furniture too."""
    output = output.replace('class="md-search"', 'class="md-search" aria-label="Search"', 1)
    language = page.meta.get("lang")
    if language is None:
        return output
    output = output.replace('<html lang="en"', f'<html lang="{language}"', 1)
    return FURNITURE.sub(r'<\1 lang="en" \2', output)
