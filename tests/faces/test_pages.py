"""The pages of docs/ and README.md, held against the program."""

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from syncd.config import load
from syncd.config.model import (
    DaemonOptions,
    DeleteOptions,
    GuardOptions,
    NotifyOptions,
    StateOptions,
    SyncTable,
    WebOptions,
)
from syncd.domain.durations import format_duration
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.mapping.transforms import NAMES
from syncd.sources import available_sources, find_source
from syncd.sources.files.csv import CsvOptions

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
TABLES = (
    StateOptions,
    GomusOptions,
    SyncTable,
    CsvOptions,
    ForeignIdSpec,
    FieldSpec,
    DeleteOptions,
    GuardOptions,
    WebOptions,
    DaemonOptions,
)
ELSEWHERE = {NotifyOptions: "alarms"}


def toml_blocks(page):
    return "\n".join(re.findall(r"(?ms)^```toml\n(.*?)^```", page))


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md"])
def test_the_examples_of_a_page_are_together_one_valid_configuration(page, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(toml_blocks((ROOT / page).read_text(encoding="utf-8")), encoding="utf-8")
    assert "members" in load(file, {"GOMUS_TOKEN": "of nobody"}).syncs


@pytest.mark.parametrize(("table", "page"), [*((table, "configuration") for table in TABLES), *ELSEWHERE.items()])
def test_every_key_is_explained(table, page):
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in table.model_fields.items()} - {"type"}
    assert {key for key in keys if f"`{key}`" not in text} == set()


def models_in(model):
    """A table of the configuration, and all tables in it."""
    yield model
    for field in model.model_fields.values():
        for inner in models_of(field.annotation):
            yield from models_in(inner)


def models_of(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_of(part)]


PAGE_OF = {"csv": "docs/configuration.md"}


@pytest.mark.parametrize("source", available_sources())
def test_every_key_of_every_source_is_explained(source):
    page = ROOT / PAGE_OF.get(source, f"docs/sources/{source}.md")
    text = page.read_text(encoding="utf-8")
    fields = [field for model in models_in(find_source(source).Options) for field in model.model_fields.items()]
    assert len(fields) > 3
    assert {name for key, field in fields if f"`{(name := field.alias or key)}`" not in text} == set()
    for key, field in fields:
        if isinstance(field.default, int | timedelta) or (isinstance(field.default, str) and field.default):
            assert f"`{spelled(field.default)}`" in text, key


def spelled(default):
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, timedelta):
        default = format_duration(default)
    return f'"{default}"' if isinstance(default, str) else str(default)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/sources").glob("*.md")), ids=lambda page: page.name)
def test_the_examples_of_a_source_are_one_valid_configuration(page, tmp_path):
    file, blocks = tmp_path / "config.toml", toml_blocks(page.read_text(encoding="utf-8"))
    (name,) = set(re.findall(r"(?m)^\[sync\.(\w+)", blocks))
    rest = {
        "[gomus.": '[gomus.main]\nurl = "https://demo.gomus.de"\ntoken = { env = "TOKEN" }\n',
        "foreign_id": f'[sync.{name}.foreign_id]\nfrom = "id"\nprefix = "A-"\n',
        "fields": f'[sync.{name}.fields]\nsurname = "name"\n',
    }
    text = blocks + "".join(table for start, table in rest.items() if start not in blocks)
    file.write_text(text, encoding="utf-8")
    (sync,) = load(file, dict.fromkeys(re.findall(r'env = "(\w+)"', text), "sqlite:///any.db")).syncs.values()
    assert sync.source.type == {"remote-files": "csv"}.get(page.stem, page.stem)


def test_every_field_and_every_transform_is_explained():
    assert {field for field in FIELDS if f"`{field}`" not in CONFIGURATION} == set()
    assert {name for name in NAMES if not re.search(rf"`(\{{ |\"){name}\b", CONFIGURATION)} == set()


@pytest.mark.parametrize("table", [StateOptions, GomusOptions, DeleteOptions, GuardOptions, DaemonOptions])
def test_every_default_is_as_the_page_says(table):
    for name, field in table.model_fields.items():
        if isinstance(field.default, int | str):
            shown = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
            shown = shown.lower() if isinstance(field.default, bool) else shown
            assert re.search(rf"\| [^|]*`{name}`[^|]* \| [^|]*`{re.escape(shown)}`", CONFIGURATION), name
