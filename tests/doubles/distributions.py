"""Which installed distributions syncd needs without any extra."""

import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]


def needed_by_the_core() -> set[str]:
    """Normalized names of what `dependencies` asks for, and of what these depend on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: set[str] = set()
    waiting = [_name_in(requirement) for requirement in project["dependencies"]]
    while waiting:
        if (name := normalized(waiting.pop())) not in found:
            found.add(name)
            with suppress(PackageNotFoundError):  # for another system or Python
                waiting += [_name_in(one) for one in requires(name) or [] if "extra ==" not in one]
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def _name_in(requirement: str) -> str:
    (name,) = re.findall(r"^[\w.-]+", requirement)
    return name
