"""The pages of docs/ and README.md, held against the program."""

import re
from pathlib import Path

import pytest

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
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions
from syncd.mapping import FieldSpec, ForeignIdSpec
from syncd.sources.csv import CsvOptions
from syncd.transforms import NAMES

ROOT = Path(__file__).parents[1]
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
    assert set(load(file, {"GOMUS_TOKEN": "of nobody"}).syncs) == {"members"}


@pytest.mark.parametrize(("table", "page"), [*((table, "configuration") for table in TABLES), *ELSEWHERE.items()])
def test_every_key_is_explained(table, page):
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in table.model_fields.items()} - {"type"}
    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_every_field_and_every_transform_is_explained():
    assert {field for field in FIELDS if f"`{field}`" not in CONFIGURATION} == set()
    assert {name for name in NAMES if not re.search(rf"`(\{{ |\"){name}\b", CONFIGURATION)} == set()


@pytest.mark.parametrize("table", [StateOptions, GomusOptions, DeleteOptions, GuardOptions, DaemonOptions])
def test_every_default_is_as_the_page_says(table):
    for name, field in table.model_fields.items():
        if isinstance(field.default, int | str):
            shown = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
            assert re.search(rf"\| [^|]*`{name}`[^|]* \| [^|]*`{re.escape(shown)}`", CONFIGURATION), name
