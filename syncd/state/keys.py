"""The key of the digests, made where there is none."""

import os
import secrets
from pathlib import Path

from syncd.machine.files import open_own
from syncd.state.connect import unwritable


def make_key(file: Path) -> str:
    """Create the key file in one step: an empty key, left behind by a full disk, would block every later start."""
    key = secrets.token_hex(32)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = open_own(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(key + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        file.hardlink_to(draft)
    except FileExistsError:  # another start was first
        return file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise unwritable(f"the key {file}", error) from None
    finally:
        draft.unlink(missing_ok=True)
    return key
