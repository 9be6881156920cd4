"""The first step of docs/tutorial.md: its commands install syncd. What follows is in tests/faces/test_docs.py."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from parts import IN_HASTE, NO_INDEX, leave_out, tool
from reader import blocks

from syncd import __version__

ROOT = Path(__file__).parents[2]


def test_the_first_step_installs_it(tmp_path: Path) -> None:
    install = next(text for language, text in blocks(ROOT / "docs/tutorial.md") if language == "bash")
    # what syncd needs is here already, and is found
    environment = os.environ | IN_HASTE | {"HOME": str(tmp_path), "PYTHONPATH": sysconfig.get_path("purelib")}
    install = install.replace("python3 ", f"{sys.executable} ")
    typed = f"set -e\n{install}command -v syncd\n"
    shell = [tool("bash", "bash"), "-c", typed]
    done = subprocess.run(shell, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and any(words in done.stderr for words in NO_INDEX):
        leave_out("TAP", "pip gets nothing to build syncd with from a package index")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [f"syncd {__version__}", f"{tmp_path}/syncd-venv/bin/syncd"]
