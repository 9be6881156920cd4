"""Files of syncd's own: who may read them, what is in them at a place, and what the disk has to say."""

import errno
import os
import shutil
import stat
from pathlib import Path, PurePath

HAS_RIGHTS = hasattr(os, "getuid")  # for owner, group and others; on Windows a file has those of its folder
NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_READ_ONLY = getattr(os, "ST_RDONLY", 1)
_BINARY = getattr(os, "O_BINARY", 0)  # without it Windows writes other bytes than it is given


def open_own(path: Path, flags: int) -> int:
    """Open a file that only its owner can read where it is made; no child process inherits it. Raises OSError."""
    return os.open(path, flags | _BINARY, 0o600)


def make_private(descriptor: int) -> None:
    """Readable for its owner only, also where the file was there already."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)


def is_open_to_others(path: Path) -> bool:
    """Whether another account may read or write it. False where Python can't tell. Raises OSError."""
    return HAS_RIGHTS and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def write_at(descriptor: int, offset: int, content: bytes) -> None:
    os.lseek(descriptor, offset, os.SEEK_SET)
    os.write(descriptor, content)


def sync_folder(folder: Path) -> None:
    """So that a new file's name survives a crash too. Windows opens no folder, and has a journal of names itself."""
    if not HAS_RIGHTS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that its path leads to."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def trouble_with_disk(folder: Path) -> int | None:
    """Why nothing can be written there, as an errno: EROFS, or ENOSPC. Raises OSError where the folder is gone."""
    if not hasattr(os, "statvfs"):
        return None if shutil.disk_usage(folder).free else errno.ENOSPC
    disk = os.statvfs(folder)
    if disk.f_flag & _READ_ONLY:
        return errno.EROFS
    return errno.ENOSPC if not disk.f_bavail or (disk.f_files and not disk.f_favail) else None


def file_system(folder: PurePath, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the file system that a folder, with links resolved, lies on; empty where the system does not tell.

    Windows names a share in the path itself, once the letter of a drive is resolved.
    """
    if _is_share(folder.drive):
        return "smb"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    points = [line.split()[1:3] for line in lines]
    above = [(point, kind) for point, kind in points if folder.is_relative_to(point.replace("\\040", " "))]
    return max(reversed(above), key=lambda mount: len(mount[0]), default=("", ""))[1]  # the last one hides the others


def _is_share(drive: str) -> bool:
    r"""`\\server\share` and `\\?\UNC\server\share` are, `C:` and `\\?\C:` are not."""
    place = drive.replace("/", "\\").upper()
    return place.startswith("\\\\?\\UNC\\") or (place.startswith("\\\\") and place[2:4] not in ("?\\", ".\\"))
