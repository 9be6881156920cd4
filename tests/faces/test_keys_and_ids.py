"""What `check` says of ids that do not last, and of keys that can be guessed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

TOO_SIMPLE = ["x", "secret", "12345678901", "x" * 64, "abababababababab"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.rows = office.rows[:6]
        office.export()
        yield office


@pytest.mark.parametrize("column", ["E-Mail", "Telefon", "Geboren", "Nachname"])
def test_check_warns_of_an_id_that_does_not_last(office: Office, column: str) -> None:
    office.reconfigure('from = "Nr"', f'from = "{column}"\ntransform = [{{ replace = {{ " " = "-" }} }}]')
    out = office.syncd("check").out
    assert f"! members: foreign_id: '{column}' looks like " in out
    assert "zzmail1" not in out
    told = json.loads(office.syncd("check", "--json").out)
    assert [one["ok"] for one in told if one["what"] == "members: foreign_id"] == [True]


def test_check_says_nothing_of_a_number_that_lasts(office: Office) -> None:
    ended = office.syncd("check")
    assert (ended.code, "looks like" in ended.out) == (0, False)


@pytest.mark.parametrize("key", TOO_SIMPLE)
@pytest.mark.parametrize("name", ["digest_key", "ledger_key"])
def test_a_key_that_can_be_guessed_is_refused_with_a_way_to_make_one(
    office: Office, monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv("KEY", key)
    office.reconfigure("[gomus.main]", f'{name} = {{ env = "KEY" }}\n[gomus.main]')
    for command in (["--once"], ["check"], ["plan"]):
        ended = office.syncd(*command)
        told = ended.out + ended.err
        assert (ended.code, f"state.{name}" in told, "openssl rand -hex 32" in told) == (2, True, True)
        assert f"'{key}'" not in told


@pytest.mark.parametrize("key", ["3f" * 32 + "a7b9c1", "correct horse battery"])
def test_a_key_that_is_long_enough_is_taken(office: Office, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("KEY", key)
    office.reconfigure("[gomus.main]", 'digest_key = { env = "KEY" }\n[gomus.main]')
    assert office.syncd("--once").code == 0
