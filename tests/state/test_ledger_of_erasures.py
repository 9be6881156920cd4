"""The ledger of erasures: in a file and in databases, under one key and its successors, after crashes and by hand."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databases import ON_POSTGRES
from rows import LATER, NOW

from syncd.errors import Fatal, Misconfigured
from syncd.state.erasures import Erasures, Key, Place
from syncd.state.register import open_register

MAIN = Place("main", "https://demo.gomus.de")


@pytest.fixture(params=["file", "sqlite", ON_POSTGRES])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be kept; nothing is there yet."""
    match request.param:
        case "file":
            return str(tmp_path / "erasures.ledger")
        case "sqlite":
            return f"sqlite:///{tmp_path / 'ledger.db'}"
        case _:
            return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "erasures.ledger"


def ledger(place: str | Path, *secrets: str) -> Erasures:
    return Erasures(open_register(str(place)), [Key(secret) for secret in secrets or ("secret",)])


def listed(erasures: Erasures, *foreign_ids: str, at: Place = MAIN) -> list[str]:
    return erasures.read(at).among(foreign_ids)


def test_who_was_written_down_is_listed_by_the_next_process(place: str) -> None:
    assert listed(ledger(place), "M-1") == []
    ledger(place).add(MAIN, ["M-1", "M-3"], NOW)
    assert listed(ledger(place), "M-1", "M-2", "M-3") == ["M-1", "M-3"]


def test_who_is_taken_out_is_listed_no_more_and_may_be_again(place: str) -> None:
    ledger(place).add(MAIN, ["M-1", "M-2"], NOW)
    assert ledger(place).undo(MAIN, "M-1", LATER)
    assert not ledger(place).undo(MAIN, "M-1", LATER)
    assert listed(ledger(place), "M-1", "M-2") == ["M-2"]
    ledger(place).add(MAIN, ["M-1"], LATER)
    assert listed(ledger(place), "M-1", "M-2") == ["M-1", "M-2"]


def test_a_person_is_written_down_once(file: Path) -> None:
    for _ in range(3):
        ledger(file).add(MAIN, ["M-1"], NOW)
    assert len(file.read_text().splitlines()) == 1


MOVED = {
    "renamed": (Place("other", MAIN.url), True),
    "moved": (Place("main", "https://moved.gomus.de"), True),
    "another": (Place("other", "https://other.gomus.de"), False),
}


@pytest.mark.parametrize(("at", "is_same"), MOVED.values(), ids=MOVED)
def test_it_holds_where_the_name_or_the_address_is_the_same(file: Path, at: Place, is_same: bool) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    assert listed(ledger(file), "M-1", at=at) == (["M-1"] if is_same else [])


def test_it_follows_an_instance_whose_name_and_address_change_one_after_the_other(file: Path) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    renamed, moved = Place("other", MAIN.url), Place("other", "https://moved.gomus.de")
    for _ in range(2):
        ledger(file).follow(renamed, ledger(file).read(renamed), LATER)
    assert listed(ledger(file), "M-1", at=moved) == ["M-1"]
    assert len(file.read_text().splitlines()) == 2
    assert ledger(file).undo(moved, "M-1", LATER)
    assert listed(ledger(file), "M-1", at=moved) == []


def test_who_is_taken_out_after_a_move_is_not_brought_back_by_it(file: Path) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    renamed = Place("other", MAIN.url)
    ledger(file).undo(renamed, "M-1", LATER)
    ledger(file).follow(renamed, ledger(file).read(renamed), LATER)
    assert listed(ledger(file), "M-1", at=renamed) == listed(ledger(file), "M-1") == []


# --- keys ---


def test_the_first_key_writes_and_all_of_them_read(place: str) -> None:
    ledger(place, "old").add(MAIN, ["M-1"], NOW)
    ledger(place, "new", "old").add(MAIN, ["M-2"], NOW)
    assert listed(ledger(place, "new", "old"), "M-1", "M-2") == ["M-1", "M-2"]
    assert ledger(place, "new", "old").undo(MAIN, "M-1", LATER)
    assert listed(ledger(place, "new", "old"), "M-1", "M-2") == ["M-2"]


def test_a_line_under_an_unknown_key_is_a_mistake_of_the_configuration(place: str) -> None:
    ledger(place, "old").add(MAIN, ["M-1"], NOW)
    for act in (
        lambda erasures: erasures.read(MAIN),
        lambda erasures: erasures.add(MAIN, ["M-2"], NOW),
        lambda erasures: erasures.undo(MAIN, "M-1", NOW),
    ):
        with pytest.raises(Misconfigured, match=r"state\.ledger_old_keys: .* line 1 was written under a key"):
            act(ledger(place, "new"))


def test_a_line_tells_neither_id_nor_instance_and_no_two_keys_the_same(file: Path) -> None:
    ledger(file, "one").add(MAIN, ["M-1"], NOW)
    ledger(file, "two", "one").add(Place("another", "https://x"), ["M-1"], NOW)
    first, second = (line.split()[2:] for line in file.read_text().splitlines())
    assert not {"M-1", "main", MAIN.url} & {*first, *second}
    assert not {*first} & {*second}


def test_what_is_written_today_is_read_by_every_later_version() -> None:
    """The ledger outlives the state, and versions: these are its words of 2026."""
    key = Key("secret")
    assert (key.check, key.person("M-1")) == ("d10c6d0bfc1d03c17349f0fc099b9a11", "779f91ea456c7aa45f8da5e776ad629e")
    assert key.instance("main") == "6866f31aaefd1e2260d9de438ed2fc0e"
    assert key.address("https://demo.gomus.de") == "7d74a4bf630ff3a4bde815f05c6a0921"


# --- files ---


def test_a_file_is_for_its_owner_only_whatever_it_was(file: Path) -> None:
    before = os.umask(0)
    try:
        ledger(file).add(MAIN, ["M-1"], NOW)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        ledger(file).add(MAIN, ["M-2"], NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [1, 20, 60, 100, 150, -2])
def test_a_last_line_that_a_crash_cut_short_is_mended(file: Path, left: int) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    whole = file.read_bytes()
    ledger(file).add(MAIN, ["M-2"], NOW)
    file.write_bytes(whole + file.read_bytes()[len(whole) :][:left])
    assert listed(ledger(file), "M-1", "M-2") == ["M-1"]
    ledger(file).add(MAIN, ["M-3"], NOW)
    assert listed(ledger(file), "M-1", "M-2", "M-3") == ["M-1", "M-3"]


def test_a_last_line_without_its_end_counts(file: Path) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    file.write_bytes(file.read_bytes()[:-1])
    assert listed(ledger(file), "M-1") == ["M-1"]
    ledger(file).add(MAIN, ["M-2"], NOW)
    assert listed(ledger(file), "M-1", "M-2") == ["M-1", "M-2"]


GARBAGE = {
    "words": b"who wrote this?",
    "an empty line": b"",
    "no text": b"\xff\xfe\x00",
    "another word": b"2026-03-01T08:30:15+00:00 forgotten" + b" %032x" % 7 * 4,
    "no time": b"yesterday erased" + b" %032x" % 7 * 4,
    "too short a digest": b"2026-03-01T08:30:15+00:00 erased" + b" %031x" % 7 * 4,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_line_that_is_none_is_named(file: Path, garbage: bytes) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    file.write_bytes(file.read_bytes() + garbage + b"\n")
    with pytest.raises(Misconfigured, match=r"state\.ledger: .*erasures\.ledger line 2 is no line of a ledger"):
        ledger(file).read(MAIN)


def test_lines_of_several_processes_at_once_are_all_there(file: Path) -> None:
    names = [f"M-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: ledger(file).add(MAIN, [name], NOW), names))
    assert listed(ledger(file), *names) == names


@pytest.mark.parametrize("how", ["no folder", "a folder"])
def test_what_can_not_be_written_is_said(tmp_path: Path, how: str) -> None:
    place = tmp_path / "nowhere" / "ledger" if how == "no folder" else tmp_path
    with pytest.raises(Fatal, match=r"does not exist|can't be (read|written)"):
        ledger(place).add(MAIN, ["M-1"], NOW)


def test_a_disk_that_is_full_leaves_no_half(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger(file).add(MAIN, ["M-1"], NOW)
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(Fatal, match="can't be written"):
            ledger(file).add(MAIN, ["M-2", "M-3"], NOW)
    assert file.read_bytes() == before


def test_reading_makes_nothing(tmp_path: Path) -> None:
    for place in (tmp_path / "erasures.ledger", f"sqlite:///{tmp_path / 'ledger.db'}"):
        ledger(place).read(MAIN)
    assert list(tmp_path.iterdir()) == []


def test_a_hundred_thousand_lines_are_read_at_once(file: Path) -> None:
    ledger(file).add(MAIN, [f"M-{number}" for number in range(100_000)], NOW)
    assert len(listed(ledger(file), *(f"M-{number}" for number in range(99_990, 100_010)))) == 10


def test_without_a_ledger_nobody_is_listed() -> None:
    assert Erasures().add(MAIN, ["M-1"], NOW) == {}
    assert not Erasures().undo(MAIN, "M-1", NOW)
    assert Erasures().read(MAIN).among(["M-1"]) == []


# --- who was linked ---


def is_linked(erasures: Erasures, foreign_id: str, at: Place = MAIN) -> bool:
    return erasures.linked(at, erasures.read(at)).has(foreign_id)


def link(erasures: Erasures, *foreign_ids: str, at: Place = MAIN) -> None:
    erasures.linked(at, erasures.read(at)).add(foreign_ids, NOW)


def test_who_was_linked_is_known_to_the_next_process_and_is_not_erased(place: str) -> None:
    link(ledger(place), "M-1")
    assert [is_linked(ledger(place), one) for one in ("M-1", "M-2")] == [True, False]
    assert listed(ledger(place), "M-1") == []


def test_who_is_linked_twice_is_written_down_once(file: Path) -> None:
    for _ in range(2):
        link(ledger(file), "M-1")
    assert len(file.read_text().splitlines()) == 1


def test_who_was_created_under_the_id_is_no_linked_one_whatever_key_listed_it(file: Path) -> None:
    link(ledger(file, "old"), "M-1", "M-2")
    erasures = ledger(file, "new", "old")
    erasures.linked(MAIN, erasures.read(MAIN)).remove(["M-1", "M-3"], LATER)
    assert [is_linked(erasures, one) for one in ("M-1", "M-2")] == [False, True]


def test_linked_ones_follow_an_instance_that_is_called_otherwise(file: Path) -> None:
    link(ledger(file), "M-1")
    renamed, moved = Place("other", MAIN.url), Place("other", "https://new.gomus.de")
    ledger(file).follow(renamed, ledger(file).read(renamed), LATER)
    assert is_linked(ledger(file), "M-1", moved)


def test_an_erasure_and_a_link_of_one_person_do_not_end_each_other(file: Path) -> None:
    link(ledger(file), "M-1")
    ledger(file).add(MAIN, ["M-1"], NOW)
    ledger(file).undo(MAIN, "M-1", LATER)
    assert (listed(ledger(file), "M-1"), is_linked(ledger(file), "M-1")) == ([], True)
