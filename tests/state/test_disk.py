"""Disks that are full or read-only, for real: small file systems are mounted, filled up, and given room again."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from museum import Museum, sqlite_url
from office import MARKS, Ended, Office, open_office, person
from parts import tool

from syncd.domain.runs import Status
from syncd.errors import Fatal, StateUnusable
from syncd.plan.spool import Spool
from syncd.state.keys import make_key
from syncd.state.lease import take_lease
from syncd.state.migrate import upgrade

ENOUGH = "20m"


@dataclass(frozen=True)
class Disk:
    """A file system of its own."""

    folder: Path

    def resize(self, options: str) -> None:
        mount("-o", f"remount,{options}", str(self.folder))

    def fill(self) -> None:
        """To the last byte."""
        descriptor, size = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT), 1 << 16
        while size:
            try:
                os.write(descriptor, bytes(size))
            except OSError:
                size //= 2
        os.close(descriptor)

    def empty(self) -> None:
        (self.folder / "ballast").unlink()


def mount(*arguments: str) -> None:
    ended = subprocess.run([tool("mount", "mount"), *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"nothing can be mounted here: {ended.stderr.strip()}")


@pytest.fixture
def new_disk() -> Iterator[Callable[[Path, str], Disk]]:
    """Mounts one of a size at a folder; options of tmpfs."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    mounted: list[Path] = []

    def make(folder: Path, options: str) -> Disk:
        folder.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
        mounted.append(folder)
        return Disk(folder)

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def change(office: Office, count: int) -> None:
    for row in office.rows[:count]:
        row[1] += "x"
    office.export()


def assert_in_words(ended: Ended, words: str) -> None:
    assert ended.code == 1
    assert words in ended.out + ended.err
    assert "crashed" not in ended.out + ended.err
    assert "Traceback" not in ended.err
    assert not any(mark in ended.out + ended.err for mark in MARKS)


# --- the state database ---


def test_wherever_in_a_run_the_disk_is_full_the_next_one_goes_on_without_a_duplicate(
    tmp_path: Path, new_disk: Callable[[Path, str], Disk]
) -> None:
    """The sizes end from before the tables are made until after the last outcome is recorded."""
    ended, told = set(), set()
    for number, size in enumerate(range(204, 612, 16)):
        disk = new_disk(tmp_path / f"disk {number}", f"size={size}k")
        museum = None
        try:
            museum = Museum(state_url=sqlite_url(disk.folder), upgrading=upgrade)
            museum.fill(60)
            ended.add((museum.run().status, bool(museum.sandbox.customers)))
        except StateUnusable as error:
            told.add(error.message)
            ended.add((None, bool(museum and museum.sandbox.customers)))
        disk.resize(f"size={ENOUGH}")
        if museum is None:
            continue
        assert museum.run().status is Status.DONE
        assert (len(museum.sandbox.customers), museum.sandbox.duplicates()) == (60, [])
        museum.run()
        assert museum.calls() == []
        museum.close()
    assert {(None, False), (Status.FAILED, True), (Status.DONE, True)} <= ended
    no_room_for_the_lock = "the lock beside the state database can't be written (No space left on device)"
    assert told - {no_room_for_the_lock} == {"the state database finds the disk full"}


def test_a_full_disk_is_told_in_words_and_holds_up_nothing_for_good(
    office: Office, new_disk: Callable[[Path, str], Disk]
) -> None:
    disk = new_disk(office.folder / "state", "size=2m")
    assert office.syncd("--once").code == 0
    disk.fill()
    change(office, 10)
    office.sandbox.reset_calls()
    for command in (["--once"], ["status"]):
        assert_in_words(office.syncd(*command), "the state database finds the disk full")
    assert list(office.sandbox.calls) == []
    disk.empty()
    ended = office.syncd("--once")
    assert (ended.code, ended.named("run.finished")[0]["counts"]) == (0, {"records": 40, "unchanged": 30, "update": 10})
    assert office.sandbox.duplicates() == []


def test_a_key_that_found_no_room_is_made_by_the_next_start(
    office: Office, new_disk: Callable[[Path, str], Disk]
) -> None:
    disk = new_disk(office.folder / "state", f"size={ENOUGH},nr_inodes=5")  # the database, its two logs, a lock
    assert_in_words(office.syncd("--once"), "syncd.key can't be written (No space left on device)")
    disk.resize("nr_inodes=100")
    assert office.syncd("--once").code == 0


def test_a_key_is_written_whole_or_not_at_all(tmp_path: Path, new_disk: Callable[[Path, str], Disk]) -> None:
    disk = new_disk(tmp_path / "disk", "size=4k")
    disk.fill()
    with pytest.raises(StateUnusable, match="make room"):
        make_key(disk.folder / "syncd.key")
    assert [file.name for file in disk.folder.iterdir()] == ["ballast"]


def test_a_lock_that_finds_no_room_is_told_in_words(tmp_path: Path, new_disk: Callable[[Path, str], Disk]) -> None:
    disk = new_disk(tmp_path / "disk", f"size={ENOUGH}")
    museum = Museum(state_url=sqlite_url(disk.folder))
    disk.fill()
    with pytest.raises(StateUnusable, match="make room"), take_lease(museum.engine, "members"):
        pass
    museum.close()


def test_a_read_only_file_system_is_told_in_words(office: Office, new_disk: Callable[[Path, str], Disk]) -> None:
    disk = new_disk(office.folder / "state", f"size={ENOUGH}")
    disk.resize("ro")
    assert_in_words(office.syncd("--once"), "can't be written (Read-only file system)")
    disk.resize("rw")
    assert office.syncd("--once").code == 0
    disk.resize("ro")
    for command in (["--once"], ["status"], ["plan"]):
        assert_in_words(office.syncd(*command), "lies on a read-only file system")
    disk.resize("rw")
    assert office.syncd("--once").code == 0


# --- temporary files ---


def test_no_room_for_temporary_files_ends_a_run_before_anything_is_written(
    office: Office, new_disk: Callable[[Path, str], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = new_disk(office.folder / "temporary", "size=64k")
    monkeypatch.setenv("SQLITE_TMPDIR", str(disk.folder))
    long = "x" * 240
    office.rows[:] = [
        [nr, name + long, surname + long, *rest] for nr, name, surname, *rest in map(person, range(1, 16_000))
    ]
    office.export()
    for command in (["--once"], ["plan"]):
        assert_in_words(office.syncd(*command), "the folder for temporary files is full")
    assert [call for call in office.sandbox.calls if call.method != "GET"] == []
    assert list(disk.folder.iterdir()) == []


def test_the_state_databases_errors_are_not_taken_for_the_spools() -> None:
    with pytest.raises(StateUnusable), Spool():
        raise StateUnusable("the state database finds the disk full")
    with pytest.raises(Fatal, match="temporary files can not be used"), Spool() as spool:
        spool._db.execute("select * from nothing")


# --- standard output ---


@pytest.mark.parametrize("buffering", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_log_that_finds_no_room_does_not_end_a_run(office: Office, buffering: str) -> None:
    ended = onto_a_full_disk(office, buffering, "--once")
    assert (ended.returncode, len(office.sandbox.customers)) == (0, 40)
    assert ended.stderr == "The log can't be written any more (No space left on device); the run goes on.\n"


@pytest.mark.parametrize("buffering", ["", "1"], ids=["buffered", "unbuffered"])
def test_an_answer_that_finds_no_room_is_a_failure_in_words(office: Office, buffering: str) -> None:
    ended = onto_a_full_disk(office, buffering, "status")
    assert (ended.returncode, ended.stderr) == (1, "The answer can't be written (No space left on device).\n")


def onto_a_full_disk(office: Office, buffering: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "GOMUS_TOKEN": office.token, "PYTHONUNBUFFERED": buffering}
    with Path("/dev/full").open("w") as full:
        return subprocess.run(
            [sys.executable, "-m", "syncd", *arguments],
            cwd=office.folder,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
