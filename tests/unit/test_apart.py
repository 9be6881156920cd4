"""What a process gets to know in which a run of one museum goes on."""

from pathlib import Path

from syncd.config import load
from syncd.config.model import Config
from syncd.daemon.apart import part_of, without_secrets_of_others
from syncd.daemon.order import Order
from syncd.domain.due import Due

SYNC = """
[gomus.{name}]
url = "https://{name}.gomus.de"
token = {{ env = "{token}" }}
[sync.{name}]
gomus = "{name}"
[sync.{name}.source]
type = "csv"
path = "members.csv"
[sync.{name}.foreign_id]
from = "Nr"
prefix = "M-"
[sync.{name}.fields]
name = "Vorname"
"""
ENVIRONMENT = {"TOWN": "token of the town", "CASTLE": "token of the castle", "HOME": "/home/of/nobody", "BOTH": "same"}


def two_museums(folder: Path) -> Config:
    """As the files of a folder are called: museum/sync."""
    text = SYNC.format(name="town", token="TOWN") + SYNC.format(name="castle", token="CASTLE")
    (folder / "config.toml").write_text(text)
    config = load(folder / "config.toml", ENVIRONMENT)
    syncs = {
        f"{name}/members": one.model_copy(update={"name": f"{name}/members"}) for name, one in config.syncs.items()
    }
    return config.model_copy(update={"syncs": syncs})


def test_it_has_no_secret_of_another_museum(tmp_path: Path) -> None:
    config = two_museums(tmp_path)
    order = Order(
        config=config, sync=config.syncs["town/members"], replica="one", due=Due(sync="town/members", moment=None)
    )
    told = without_secrets_of_others(order, ENVIRONMENT)
    assert told == {name: value for name, value in ENVIRONMENT.items() if name != "CASTLE"}
    assert "castle" not in repr(part_of(config, "town/members"))


def test_syncs_of_one_file_are_of_one_museum(tmp_path: Path) -> None:
    two_museums(tmp_path)
    config = load(tmp_path / "config.toml", ENVIRONMENT)
    assert part_of(config, "town").syncs.keys() == {"town", "castle"}
