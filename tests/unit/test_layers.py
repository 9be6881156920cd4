"""The house: who may import whom, what is public, and how large a room may get."""

import ast
import re
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "syncd"
# A package imports only what stands above it in this list.
HOUSE = (
    "reasons errors log machine network letters domain mapping sources gomus state plan delivery runs config matching "
    "report alerts assembly rehearsal probing web cluster daemon cli"
).split()
EDGES = {"sources", "gomus", "state"}  # never each other
ASIDE = {"sandbox", "example"}  # import nothing of syncd; the command line and rehearsals try them out
PURE = {"letters", "domain", "mapping"}
IMPURE = {"httpx", "sqlalchemy", "socket", "subprocess", "threading", "time", "random", "secrets", "os", "pathlib"}
OF_ONE_SYSTEM = {"fcntl", "grp", "msvcrt", "portalocker", "pwd", "resource", "termios"}
LONGEST_FUNCTION, LONGEST_MODULE = 40, 400


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in MODULES.items()}


def imports(name: str) -> set[str]:
    found = set()
    package = name if MODULES[name].stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys() or {base}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            module, colon, _ = node.value.partition(":")
            found |= {module} & MODULES.keys() if colon else set()  # a place, as in "syncd.cli.planning:plan"
    return found


IMPORTS = {name: imports(name) for name in MODULES}
INSIDE = {name: {used for used in found if used.split(".")[0] == "syncd"} for name, found in IMPORTS.items()}


def part(module: str) -> str:
    """`syncd.sources.files.csv` is of `sources`; the bare package holds the version and belongs to no layer."""
    return [*module.split("."), ""][1]


def may_import(own: str) -> set[str]:
    if own in ASIDE:
        return set()
    if own == "__main__":
        return {"cli"}
    above = set(HOUSE[: HOUSE.index(own)])
    return (above - EDGES if own in EDGES else above) | (ASIDE if own in {"rehearsal", "cli"} else set())


def test_every_room_has_its_place() -> None:
    assert {part(module) for module in MODULES} - {"", "__main__"} == {*HOUSE, *ASIDE}


@pytest.mark.parametrize("module", [name for name in MODULES if part(name)])
def test_imports_only_what_stands_above(module: str) -> None:
    own = part(module)
    assert {part(name) for name in INSIDE[module]} - {own, ""} <= may_import(own)


def faces() -> dict[str, list[str]]:
    """What each package states as its public names: the `__all__` of its `__init__`."""
    found = {}
    for name, tree in TREES.items():
        if name.count(".") == 1 and MODULES[name].stem == "__init__":
            stated = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["__all__"]]
            found[part(name)] = list(ast.literal_eval(stated[0])) if stated else []
    return found


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


FACES = faces()


def uses(module: str) -> set[tuple[str, str]]:
    """Each package whose inside another module takes, with the name that is taken from it."""
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("syncd") and not node.level:
            whole = [f"{node.module}.{alias.name}".split(".") for alias in node.names]
            found |= {(names[1], names[2]) for names in whole if len(names) > 2 and names[1] in FACES}
    return {(package, name) for package, name in found if package != part(module)}


USED = {module: uses(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_takes_only_what_a_package_shows(module: str) -> None:
    assert {(package, name) for package, name in USED[module] if name not in FACES[package]} == set()


@pytest.mark.parametrize("package", [package for package in FACES if package not in ASIDE])
def test_shows_only_what_somebody_takes(package: str) -> None:
    taken = {name for used in USED.values() for where, name in used if where == package}
    assert set(FACES[package]) - taken - ({"main"} if package == "cli" else set()) == set()


def test_imports_never_go_round() -> None:
    list(TopologicalSorter(INSIDE).static_order())


@pytest.mark.parametrize("module", [name for name in MODULES if part(name) in PURE])
def test_thought_touches_no_world(module: str) -> None:
    assert not {name.split(".")[0] for name in IMPORTS[module]} & IMPURE


def test_only_the_daemon_uses_apscheduler() -> None:
    assert {part(name) for name, used in IMPORTS.items() if any("apscheduler" in one for one in used)} <= {"daemon"}


def test_only_machine_asks_which_system_it_is() -> None:
    asking = {name for name, used in IMPORTS.items() if {one.split(".")[0] for one in used} & OF_ONE_SYSTEM}
    asking |= {
        name for name, file in MODULES.items() if re.search(r"sys\.platform|os\.name\b", file.read_text("utf-8"))
    }
    assert {part(name) for name in asking} == {"machine"}


@pytest.mark.parametrize("module", MODULES)
def test_no_function_and_no_module_is_too_long(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    functions = [node for node in ast.walk(TREES[module]) if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION] == []
