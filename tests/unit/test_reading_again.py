"""When a daemon reads a folder of museums again, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from syncd.config import load
from syncd.daemon.reading import LOOK, Reading
from syncd.errors import Misconfigured

ENV = {"GOMUS_TOKEN": "token-of-nobody"}
MUSEUM = """\
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "GOMUS_TOKEN" }
[sync.members]
source = { type = "csv", path = "members.csv" }
foreign_id = { from = "Nr", prefix = "M-" }
fields = { surname = "Nachname" }
"""


@dataclass
class Watched:
    """A folder that is looked at once in `LOOK` seconds; `now` is the clock."""

    folder: Path
    now: float = 0.0
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.write("syncd", "")
        self.write("louvre", MUSEUM)
        self.before = load(self.folder, ENV)
        self.reading = Reading(lambda: load(self.folder, ENV), self.before, lambda: self.now)

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.toml").write_text(text, encoding="utf-8")

    def looks(self, count: int, before_each: Callable[[int], object] = lambda _look: None) -> list[bool]:
        found = []
        for look in range(count):
            before_each(look)
            self.now += LOOK
            found.append(self.reading.is_due())
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_file_is_read_once_it_was_left_alone(watched: Watched) -> None:
    assert watched.looks(2) == [False, False]
    written = watched.looks(5, lambda look: watched.write("prado", MUSEUM[: 20 * look]) if look < 3 else None)
    assert written == [False, False, False, True, False]


def test_a_file_that_is_gone_or_was_replaced_by_one_as_long_is_a_change(watched: Watched) -> None:
    watched.write("louvre", MUSEUM.replace("M-", "N-"))
    assert watched.looks(3) == [False, True, False]
    (watched.folder / "louvre.toml").unlink()
    assert watched.looks(3) == [False, True, False]


def test_a_mistake_is_told_once_and_again_when_it_is_another(watched: Watched) -> None:
    config = watched.before
    structlog.reset_defaults()
    with capture_logs() as events:
        for text in (MUSEUM + "[", MUSEUM + "[", MUSEUM.replace("Nr", ""), MUSEUM):
            watched.write("louvre", text)
            config = watched.reading.read_anew(config)
            assert list(config.syncs) == ["louvre/members"]
    assert [event["museum"] for event in events] == ["louvre", "louvre"]


def test_a_folder_that_is_gone_is_noticed_and_so_is_its_return(watched: Watched) -> None:
    away = watched.folder.with_name("away")
    watched.folder.rename(away)
    assert watched.looks(3) == [False, True, False]
    with pytest.raises(Misconfigured):
        watched.reading.read_anew(watched.before)
    away.rename(watched.folder)
    assert watched.looks(3) == [False, True, False]


def test_a_file_whose_rights_change_is_read_again(watched: Watched) -> None:
    (watched.folder / "louvre.toml").chmod(0o640)
    assert watched.looks(3) == [False, True, False]
