"""Python as it is on Windows, as far as another system can play it: `python like_windows.py ARGUMENTS` is `syncd`.

What Windows lacks is gone. What is locked can't be read, what is open can't be removed or replaced, a folder can't be
opened. The locks are the real library's, on a double of what it calls: locks of an open file, as Linux has them too.
Paths are not played: `PureWindowsPath` is for those.
"""

import builtins
import errno
import fcntl
import io
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path, PosixPath
from types import ModuleType, SimpleNamespace
from typing import Any

NO_MODULES = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty"}
NOT_IN = {
    os: "O_CLOEXEC fchmod fchown getuid geteuid getgid killpg getpgid setsid pread pwrite statvfs ST_RDONLY fork",
    time: "CLOCK_BOOTTIME CLOCK_MONOTONIC clock_gettime",
    signal: "SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGALRM SIGCHLD pthread_kill",
}
VIOLATION = 33
_get_ofd, _set_ofd = fcntl.F_OFD_GETLK, fcntl.F_OFD_SETLK
_fcntl, _statvfs = fcntl.fcntl, os.statvfs


class Win32Error(Exception):
    """What pywin32 raises."""

    winerror = VIOLATION
    strerror = "another process has locked a part of the file"


def _flock(kind: int, start: int, length: int) -> bytes:
    return struct.pack("hhlli", kind, os.SEEK_SET, start, length, 0)


def _is_locked(descriptor: int, kind: int, start: int = 0, length: int = 0) -> bool:
    found = struct.unpack("hhlli", _fcntl(descriptor, _get_ofd, _flock(kind, start, length)))
    return bool(found[0] != fcntl.F_UNLCK)


def locking(descriptor: int, mode: int, length: int) -> None:
    """As that of msvcrt, from the place where the file stands; whoever waits gives up soon."""
    start, give_up_at = os.lseek(descriptor, 0, os.SEEK_CUR), time.monotonic() + (1.0 if mode == 1 else 0.0)
    if mode == 0:
        if _owned.get(descriptor) != "exclusive":
            raise PermissionError(errno.EACCES, "not locked")
        _fcntl(descriptor, _set_ofd, _flock(fcntl.F_UNLCK, start, length))
        del _owned[descriptor]
        return
    while True:
        try:
            _fcntl(descriptor, _set_ofd, _flock(fcntl.F_WRLCK, start, length))
        except OSError:
            if time.monotonic() >= give_up_at:
                raise PermissionError(errno.EACCES, "Permission denied") from None
            time.sleep(0.01)
        else:
            _owned[descriptor] = "exclusive"
            return


_owned: dict[int, str] = {}


def _lock_file_ex(handle: int, mode: int, *_place: object) -> None:
    if mode & 2:
        raise NotImplementedError
    try:
        _fcntl(handle, _set_ofd, _flock(fcntl.F_RDLCK, 0, 0))
    except OSError:
        raise Win32Error from None
    _owned[handle] = "shared"


def _unlock_file_ex(handle: int, *_place: object) -> None:
    if _owned.pop(handle, None):
        _fcntl(handle, _set_ofd, _flock(fcntl.F_UNLCK, 0, 0))


def _module(name: str, **names: Any) -> None:
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(names)


def import_locks() -> None:
    """What asks which system it is, and then takes other ways."""
    _module("msvcrt", locking=locking, get_osfhandle=int, LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2)
    _module("pywintypes", error=Win32Error, OVERLAPPED=SimpleNamespace)
    _module("win32con", LOCKFILE_FAIL_IMMEDIATELY=1, LOCKFILE_EXCLUSIVE_LOCK=2)
    _module("win32file", LockFileEx=_lock_file_ex, UnlockFileEx=_unlock_file_ex)
    _module("winerror", ERROR_LOCK_VIOLATION=VIOLATION, ERROR_NOT_LOCKED=158)
    system, os.name = os.name, "nt"
    paths = sys.modules[Path.__module__]
    theirs, paths.WindowsPath = paths.WindowsPath, PosixPath  # type: ignore[attr-defined]
    try:
        import portalocker  # noqa: F401

        import syncd.machine.locks  # noqa: F401
    finally:
        os.name, paths.WindowsPath = system, theirs  # type: ignore[attr-defined]
    del sys.modules["msvcrt"]  # by it others would know Windows


def _denied(path: object) -> PermissionError:
    return PermissionError(errno.EACCES, "Permission denied", str(path))


def _is_open(path: object) -> bool:
    try:
        there = os.stat(path)  # type: ignore[call-overload] # noqa: PTH116
    except OSError:
        return False
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            if os.path.samestat(os.fstat(int(name)), there):
                return True
        except OSError:
            continue
    return False


def _unless_open(act: Callable[..., Any]) -> Callable[..., Any]:
    def acting(*paths: Any, **options: Any) -> Any:
        for path in paths:
            if _is_open(path):
                raise _denied(path)
        return act(*paths, **options)

    return acting


def be_strict_with_files() -> None:
    os.umask(0)
    whole_open, whole_os_open, read, write = io.open, os.open, os.read, os.write

    def opening(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        opened = whole_open(file, mode, *arguments, **options)
        if not isinstance(file, int) and Path(file).is_file() and _is_locked(opened.fileno(), fcntl.F_RDLCK):
            opened.close()
            raise _denied(file)
        return opened

    def os_opening(path: Any, flags: int, _mode: int = 0, **options: Any) -> int:
        if not isinstance(path, int) and os.path.isdir(path):  # noqa: PTH112
            raise _denied(path)
        return whole_os_open(path, flags, 0o666, **options)  # what Windows shows of every file

    def of_unlocked(act: Callable[..., Any], kind: int) -> Callable[..., Any]:
        def acting(descriptor: int, what: Any) -> Any:
            if Path(f"/proc/self/fd/{descriptor}").is_file():
                start = os.lseek(descriptor, 0, os.SEEK_CUR)
                if _is_locked(descriptor, kind, start, what if isinstance(what, int) else len(what)):
                    raise _denied(descriptor)
            return act(descriptor, what)

        return acting

    builtins.open = io.open = opening  # type: ignore[assignment]
    os.open = os_opening  # type: ignore[assignment]
    os.read, os.write = of_unlocked(read, fcntl.F_RDLCK), of_unlocked(write, fcntl.F_WRLCK)
    os.unlink = os.remove = _unless_open(os.unlink)
    os.replace, os.rename = _unless_open(os.replace), _unless_open(os.rename)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    shutil.disk_usage = lambda folder: SimpleNamespace(free=_statvfs(folder).f_bavail * _statvfs(folder).f_frsize)  # type: ignore[assignment,return-value]


def become() -> None:
    """This process has no other way back than its end."""
    import asyncio  # noqa: F401 - the libraries that ask which system it is have asked
    import getpass  # noqa: F401
    import multiprocessing.synchronize  # noqa: F401
    import socketserver  # noqa: F401
    import subprocess  # noqa: F401
    import tempfile  # noqa: F401

    import_locks()
    be_strict_with_files()
    for module, names in NOT_IN.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in NO_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]


if __name__ == "__main__":
    become()
    from syncd.cli.main import main

    main()
