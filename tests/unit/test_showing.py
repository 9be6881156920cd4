"""`config show`: what holds, in a form that can be read again, and no secret in it."""

import tomllib
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.config import load
from syncd.config.model import Config
from syncd.config.showing import as_toml, resolved

ROOT = Path(__file__).parents[2]
ENV = {"GOMUS_TOKEN": "token-of-nobody", "SYNCD_DIGEST_KEY": "a key of nobody", "KEY": "zz-secret-zz"}
TOKEN = 'token = { env = "GOMUS_TOKEN" }'
SYNC = f"""\
[gomus.main]
url = "https://demo.gomus.de"
{TOKEN}
[gomus.other]
url = "https://other.gomus.de"
{TOKEN}
[sync.members]
gomus = "main"
foreign_id = {{ from = "Nr", prefix = "M-" }}
fields = {{ surname = "Nachname" }}
source = {{ type = "csv", path = "members.csv" }}
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Config]:
    def read(text: str) -> Config:
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "config.toml", ENV)

    return read


def shown(config: Config) -> str:
    return as_toml(resolved(config))


# --- read again ---


@pytest.mark.parametrize("file", [ROOT / "config.example.toml", ROOT / "tests/unit/contract/main.toml"])
def test_what_is_printed_means_the_same(read: Callable[[str], Config], file: Path) -> None:
    config = load(file, ENV)
    printed = (
        shown(config).replace('token = "***"', TOKEN).replace('digest_key = "***"', 'digest_key = { env = "KEY" }')
    )
    again = read(printed)
    assert (again.syncs, again.daemon, again.state.keep) == (config.syncs, config.daemon, config.state.keep)
    assert {name: one.model_dump() for name, one in again.gomus.items()} == {
        name: one.model_dump() for name, one in config.gomus.items()
    }


KEYS = st.text(min_size=1, max_size=8)
SCALARS = st.one_of(
    st.text(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.dates(), st.times()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_document_is_read_as_it_was_written(document: dict[str, object]) -> None:
    assert tomllib.loads(as_toml(document)) == without_empty(document)


def without_empty(document: object, depth: int = 0) -> object:
    """An empty table has no line of its own, nor has one that holds nothing but such."""
    if not isinstance(document, dict) or depth > 3:
        return document
    found = {key: without_empty(one, depth + 1) for key, one in document.items()}
    return {key: one for key, one in found.items() if one != {} or depth == 3}


@pytest.mark.parametrize("value", [date(2026, 3, 1), time(8, 30), 1e300, -0.5, "a\\b", "\x7f\x00", "ü\n'\""])
def test_a_value_keeps_its_kind(value: object) -> None:
    assert tomllib.loads(as_toml({"key": value})) == {"key": value}


# --- what holds ---


def test_a_template_is_filled_in_and_leaves_no_trace(read: Callable[[str], Config]) -> None:
    config = read(
        SYNC.replace("[sync.members]\n", '[template.club.delete]\ngrace = "9d"\n[sync.members]\nuse = "club"\n')
    )
    document = tomllib.loads(shown(config))
    assert document["sync"]["members"]["delete"]["grace"] == "9d"
    assert ("template" in document, "use" in document["sync"]["members"]) == (False, False)


def test_a_value_that_stands_elsewhere_is_fetched(read: Callable[[str], Config], tmp_path: Path) -> None:
    (tmp_path / "zone").write_text("Europe/Vienna\n", encoding="utf-8")
    config = read(SYNC.replace('gomus = "main"', 'gomus = "main"\ntimezone = { file = "zone" }'))
    assert tomllib.loads(shown(config))["sync"]["members"]["timezone"] == "Europe/Vienna"


def test_of_one_sync_only_its_instance_is_printed(read: Callable[[str], Config]) -> None:
    document = resolved(read(SYNC), ["members"])
    assert (list(document), list(document["gomus"])) == (["gomus", "sync"], ["main"])


# --- no secret ---


def in_source(table: str) -> str:
    return SYNC.replace('source = { type = "csv", path = "members.csv" }', f"source = {table}")


REST = '{{ type = "rest", url = "https://crm.example.org/api", {} }}'
ELSEWHERE = '{ env = "KEY" }'
STATE = '[state]\ndigest_key = { env = "SYNCD_DIGEST_KEY" }\n'
EXAMPLE = """
[[sync.members.examples]]
given = { Nr = "zz-secret-zz" }
expect = { surname = "zz-secret-zz" }
"""


@pytest.mark.parametrize(
    "text",
    [
        SYNC.replace(TOKEN, f"token = {ELSEWHERE}"),
        SYNC + f"[state]\nledger = 'x'\ndigest_key = {ELSEWHERE}\nledger_old_keys = [{ELSEWHERE}]\n",
        SYNC + f'{STATE}url = "postgresql+psycopg://anna:zz-secret-zz@db/x"\n',
        SYNC + f'{STATE}url = "postgresql+psycopg://db/x?password=zz-secret-zz"\n',
        SYNC + '[notify]\nwebhook = { env = "HOOK" }\n',
        SYNC + EXAMPLE,
        in_source(REST.format(f'auth = {{ type = "bearer", token = {ELSEWHERE} }}')),
        in_source(REST.format(f'auth = {{ type = "basic", username = "zz-secret-zz", password = {ELSEWHERE} }}')),
        in_source(REST.format(f'auth = {{ type = "api-key", header = "api-key", value = {ELSEWHERE} }}')),
        in_source(REST.format(f"headers = {{ path = {ELSEWHERE} }}")),
        in_source(REST.format('params = { type = "zz-secret-zz" }')),
        in_source(REST.format('method = "POST", json = { a = [{ surname = "zz-secret-zz" }] }')),
        in_source('{ type = "sql", url = "postgresql+psycopg://a:zz-secret-zz@db/x", query = "select 1" }'),
        in_source('{ type = "sql", url = "sqlite:///x.db", query = "select * from x where token = \'zz-secret-zz\'" }'),
        in_source('{ type = "singer", command = ["tap", "--token", "zz-secret-zz"], stream = "x" }'),
    ],
)
def test_no_secret_and_no_record_is_printed(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    env = {**ENV, "HOOK": "https://hooks.example/zz-secret-zz"}
    printed = shown(load(tmp_path / "config.toml", env))
    assert ("zz-secret-zz" in printed, "***" in printed) == (False, True)


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql+psycopg://anna:pass@db.example.org:5432/x", "postgresql+psycopg://***@db.example.org:5432/x"),
        ("postgresql+psycopg://db/x?sslmode=require", "postgresql+psycopg://db/x?***"),
        ("postgresql+psycopg://anna:pa/ss@db/x", "***"),
        ("postgresql+psycopg://anna:pa@ss@db/x", "***"),
    ],
)
def test_an_address_loses_its_login_alone(read: Callable[[str], Config], url: str, printed: str) -> None:
    config = read(f'{SYNC}{STATE}url = "{url}"\n')
    assert resolved(config)["state"]["url"] == printed
