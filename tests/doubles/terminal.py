"""A terminal for tests: the command finds one on both of its outputs."""

import os
import subprocess
import sys

import pytest
from office import Office


def on_a_terminal(office: Office, *arguments: str) -> tuple[int, bytes]:
    """The exit code, and all that was shown."""
    terminal, inside = pytest.importorskip("pty", reason="no terminals to be had").openpty()
    environment = {**os.environ, "GOMUS_TOKEN": office.token, "TERM": "xterm-256color", "COLUMNS": "400"}
    command = [sys.executable, "-m", "syncd", *arguments]
    with subprocess.Popen(command, cwd=office.folder, env=environment, stdout=inside, stderr=inside) as process:
        os.close(inside)
        shown = b""
        try:
            while part := os.read(terminal, 65536):
                shown += part
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(terminal)
        return process.wait(timeout=30), shown
