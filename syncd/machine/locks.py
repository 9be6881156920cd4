"""The system's lock on an open file, which dies with its holder. The file itself stays.

Windows lets nobody else read what is locked: a file that others read meanwhile has another one to be locked in its
place, see `locked_for`.
"""

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portalocker import LockFlags

IS_STRICT = os.name == "nt"
PAUSE = 0.05


def locked_for(file: Path) -> Path:
    """What is locked for a file that others read meanwhile."""
    return file.with_name(f"{file.name}.held") if IS_STRICT else file


def take(descriptor: int, *, is_shared: bool = False) -> bool:
    """Take it at once; False where another holder has it. Raises OSError where there are no locks on that disk."""
    from portalocker import LockFlags  # noqa: PLC0415 - slow to import, and a question to the state needs no lock

    kind = LockFlags.SHARED if is_shared else LockFlags.EXCLUSIVE
    return _lock(descriptor, kind | LockFlags.NON_BLOCKING)


def wait_for(descriptor: int) -> None:
    """Take it once nobody else has it. Raises OSError as above."""
    from portalocker import LockFlags  # noqa: PLC0415 - as above

    while not _lock(descriptor, LockFlags.EXCLUSIVE):  # Windows gives up after ten seconds
        time.sleep(PAUSE)


def give_back(descriptor: int) -> None:
    """Free it; nothing happens where it is not held."""
    from portalocker import unlock  # noqa: PLC0415 - as above

    unlock(descriptor)


def _lock(descriptor: int, flags: "LockFlags") -> bool:
    from portalocker import AlreadyLocked, LockException, lock  # noqa: PLC0415 - as above

    try:
        lock(descriptor, flags)
    except AlreadyLocked:
        return False
    except LockException as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)) from None
    return True
