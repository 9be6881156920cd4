"""What a machine may lack: whoever needs it is skipped with the reason, and fails where the part is required."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

# An index that is out of reach is asked once more, and not for minutes.
IN_HASTE = {
    "PIP_RETRIES": "1",
    "PIP_DEFAULT_TIMEOUT": "15",
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_timeout": "15000",
}
# What pip says where there is none.
NO_INDEX = ("No matching distribution found", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError")


def leave_out(part: str, reason: str) -> NoReturn:
    """`part` is what stands after SYNCD_TEST_REQUIRE_; the reason says what is missing and how to have it."""
    if os.environ.get(f"SYNCD_TEST_REQUIRE_{part}"):
        pytest.fail(f"required here (SYNCD_TEST_REQUIRE_{part}): {reason}")
    pytest.skip(reason)


def tool(name: str, package: str) -> str:
    """Where the program is; servers lie where only root looks."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        return found
    leave_out("TOOLS", f"no {name}: apt-get install {package}")


def kubectl() -> str:
    """Never required: Debian has no package of it."""
    return shutil.which("kubectl") or pytest.skip("no kubectl: kubernetes.io tells how to install it")


def npm_install(folder: Path, package: str) -> str | None:
    """Why the package could not be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "there is no npm: apt-get install npm"
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), package]
    try:
        done = subprocess.run(command, check=False, capture_output=True, env=os.environ | IN_HASTE, timeout=100)
    except subprocess.TimeoutExpired:
        return f"npm does not get {package} within 100 seconds"
    return f"npm can't fetch {package}: is its registry within reach?" if done.returncode else None
