"""Which list `same_as` may name."""

from pathlib import Path

import pytest

from syncd.assembly import make_mapper
from syncd.config import load
from syncd.config.likeness import kin_of
from syncd.domain.records import Position, SourceRecord
from syncd.errors import Misconfigured

HEAD = """
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "TOKEN" }
[gomus.other]
url = "https://other.gomus.de"
token = { env = "TOKEN" }
"""
SYNC = """
[sync.NAME]
gomus = "GOMUS"
[sync.NAME.source]
type = "csv"
path = "NAME.csv"
[sync.NAME.foreign_id]
from = "Nr"
prefix = "NAME-"
transform = [{ replace = { "/" = "-" } }]
ALIKE
[sync.NAME.fields]
surname = "Nachname"
"""


def sync(name: str, same_as: str | None = None, gomus: str = "main") -> str:
    alike = f'same_as = {{ sync = "{same_as}", from = "Mitglied" }}' if same_as else ""
    return SYNC.replace("NAME", name).replace("ALIKE", alike).replace("GOMUS", gomus)


def written(folder: Path, *syncs: str) -> Path:
    file = folder / "config.toml"
    file.write_text(HEAD + "".join(syncs), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("syncs", "words"),
    [
        ([sync("letters", "member"), sync("members")], "there is no [sync.member]; did you mean 'members'?"),
        ([sync("letters", "letters"), sync("members")], "names its own sync"),
        ([sync("letters", "members"), sync("members", gomus="other")], "of another instance"),
        ([sync("letters", "members"), sync("members", "letters")], "one list must come first"),
        ([sync("a", "b"), sync("b", "c"), sync("c", "a")], "one list must come first"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_in_words(tmp_path: Path, syncs: list[str], words: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(written(tmp_path, *syncs), {"TOKEN": "secret-token-of-gomus"})
    assert words in str(refused.value)
    assert "foreign_id.same_as" in str(refused.value)


def test_the_other_lists_prefix_and_steps_apply(tmp_path: Path) -> None:
    config = load(
        written(tmp_path, sync("letters", "members"), sync("members"), sync("donors")),
        {"TOKEN": "secret-token-of-gomus"},
    )
    mapper = make_mapper(config.syncs["letters"])
    for cell, twin in (("2019/0123", "members-2019-0123"), (" ", None)):
        record = SourceRecord(values={"Nr": "1", "Mitglied": cell}, position=Position(source="letters.csv"))
        assert mapper.same_as(record) == twin
    kin = {name: kin_of(config, one) for name, one in config.syncs.items()}
    assert kin == {"letters": {"letters", "members"}, "members": {"letters", "members"}, "donors": {"donors"}}
