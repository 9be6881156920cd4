"""What syncd starts and who has started it: groups of processes, accounts, limits."""

import getpass
import os
import signal
import socket
import subprocess
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

CAN_LIMIT_MEMORY = find_spec("resource") is not None
OWN_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows; elsewhere a new session makes one
HAS_GROUPS = hasattr(os, "killpg")
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def ask_group_to_end(process: "subprocess.Popen[bytes]") -> None:
    """A process that was started in a new session, and all that it has started. On Windows nobody can be asked."""
    _signal_group(process, signal.SIGTERM)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """At once; on Windows what a process leaves behind that has ended by itself is not found any more."""
    _signal_group(process, _KILL)
    if not HAS_GROUPS and process.poll() is None:
        command = ("taskkill", "/T", "/F", "/PID", str(process.pid))
        with suppress(OSError):
            subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a program of the system
        process.kill()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # its group is gone
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)


def how_to_end(pid: str) -> str:
    if HAS_GROUPS:
        return f"kill {pid}; where it does not hear that, kill -9 {pid}"
    return f"taskkill /F /PID {pid}"


def account() -> str:
    """Who runs this process, and where."""
    try:
        name = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user has no name
        name = f"uid {os.getuid()}" if hasattr(os, "getuid") else "somebody"
    return f"{name}@{socket.gethostname()}"


def limit_memory(megabytes: int) -> None:
    """Of what this process writes to; what is only reserved does not count. Linux alone counts so."""
    resource: Any = import_module("resource")  # not on every system
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
