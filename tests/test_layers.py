"""The house as DESIGN draws it: a module imports lower layers only, and the outside world only where its layer may."""

import ast
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "syncd"
LAYERS = {
    0: {"errors", "records", "changes", "chunks", "durations", "addresses"},
    1: {"mapping", "transforms", "lookups", "digest", "diff", "guards", "schedule"},
    2: {"sources", "gomus", "state", "log"},
    3: {"reading", "plan", "spool", "watermark", "approval", "delivery", "executor", "ledger", "settlement"}
    | {"run", "verify", "erase"},
    4: {"config", "report", "notify", "assembly"},
    5: {"cli", "daemon", "web", "__main__"},
}
LAYER = {part: layer for layer, parts in LAYERS.items() for part in parts}
ASIDE = {"sandbox", "example"}
EDGES = LAYERS[2]
IMPURE = {"httpx", "sqlalchemy", "socket", "subprocess", "threading", "time", "random", "secrets"}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str) -> set[str]:
    file, found = MODULES[name], set()
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys() or {base}
    return found


IMPORTS = {name: imports(name) for name in MODULES}
INSIDE = {name: {used for used in found if used.split(".")[0] == "syncd"} for name, found in IMPORTS.items()}


def part(module: str) -> str:
    """`syncd.sources.files.csv` is of `sources`; the bare package holds the version and belongs to no layer."""
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("module", [name for name in MODULES if part(name)])
def test_imports_lower_layers_only(module: str) -> None:
    own = part(module)
    used = {part(name) for name in INSIDE[module]} - {own, ""}
    if own in ASIDE:
        assert not used
        return
    below = {other for other in LAYER if LAYER[other] <= LAYER[own]} - (EDGES if own in EDGES else set())
    assert used <= below | (ASIDE if LAYER[own] == 5 else set())


def test_imports_never_go_round() -> None:
    list(TopologicalSorter(INSIDE).static_order())


@pytest.mark.parametrize("module", [name for name in MODULES if LAYER.get(part(name), 9) <= 1])
def test_thought_touches_no_world(module: str) -> None:
    assert not {name.split(".")[0] for name in IMPORTS[module]} & IMPURE


def test_only_the_daemon_uses_apscheduler() -> None:
    assert {part(name) for name, used in IMPORTS.items() if any("apscheduler" in one for one in used)} <= {"daemon"}
