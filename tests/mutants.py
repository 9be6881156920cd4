"""How much of what decides is noticed by the suite: breaks one place at a time, and runs the tests against it.

Run by hand: `make mutants`. Each mutant is a change of one operator, condition, number or statement, drawn by a seed.
The tests run in a copy; nothing of the checkout is changed. A survivor is either a claim that no test makes, or a
change that changes nothing: a person judges.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TypeAlias

ROOT = Path(__file__).parents[1]
PACKAGES = ("delivery", "plan", "state", "gomus", "runs", "domain")
COPIED = ("syncd", "migrations", "tests", "pyproject.toml", "config.example.toml", "docs", "README.md", "deploy")
TESTS = ("tests/unit", "tests/runs", "tests/state")
# What reads the sources themselves would notice any change.
NOT_TESTS = ("tests/unit/test_layers.py", "tests/unit/test_repository.py", "tests/unit/test_documentation.py")
LONGEST = 400  # seconds; who takes longer hangs, which is noticed too
OTHER = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.BitOr: ast.BitAnd,
}


Place: TypeAlias = tuple[ast.AST, str, int | None, ast.AST]
"""Where a node stands: what holds it, in which field, at which place of a list; and the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    file: Path
    line: int
    before: str
    after: str
    source: str

    @property
    def package(self) -> str:
        return self.file.relative_to(ROOT / "syncd").parts[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}  {self.before}  ->  {self.after}"


# --- breaking ---


def mutants_of(file: Path) -> Iterator[Mutant]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    count = sum(1 for _ in _places(tree))
    for number in range(count):
        copy = deepcopy(tree)
        holder, name, index, node = next(place for n, place in enumerate(_places(copy)) if n == number)
        changed = _changed(node)
        before, line = ast.unparse(node), node.lineno
        if changed is None or before == ast.unparse(changed):
            continue
        value = getattr(holder, name)
        if index is None:
            setattr(holder, name, changed)
        else:
            value[index] = changed
        source = ast.unparse(ast.fix_missing_locations(copy))
        yield Mutant(file=file, line=line, before=before[:80], after=ast.unparse(changed)[:80], source=source)


def _places(tree: ast.Module) -> Iterator[Place]:
    """Every node within a function's body that can be changed, with where it stands."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                yield from _inside(function, "body", function.body.index(statement), statement)


def _inside(holder: ast.AST, name: str, index: int | None, node: ast.AST) -> Iterator[Place]:
    if isinstance(node, ast.FunctionDef | ast.Raise | ast.Assert | ast.JoinedStr):
        return  # functions within are walked by themselves; words are no decisions
    if _changed(node) is not None:
        yield holder, name, index, node
    for field, value in ast.iter_fields(node):
        if field == "annotation":
            continue
        for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield from _inside(node, field, place, child)


def _changed(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            return ast.Compare(node.left, [OTHER[type(op)]()], node.comparators)
        case ast.BoolOp(op=op):
            return ast.BoolOp(OTHER[type(op)](), node.values)
        case ast.BinOp(op=op) if type(op) in OTHER:
            return ast.BinOp(node.left, OTHER[type(op)](), node.right)
        case ast.UnaryOp(op=ast.Not()):
            return node.operand
        case ast.Constant(value=bool()):
            return ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            return ast.Constant(node.value + 1)
        case ast.IfExp():
            return node.orelse
        case ast.Expr(value=ast.Call()) if not _is_log(node.value):
            return ast.Pass()
        case ast.AugAssign() | ast.Continue() | ast.Break():
            return ast.Pass()
        case _:
            return None


def _is_log(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="log")):
            return True
    return False


# --- judging ---


def is_caught(mutant: Mutant, folder: Path) -> bool:
    """Whether a test goes red in the copy of the project that lies in the folder."""
    target = folder / mutant.file.relative_to(ROOT)
    original = target.read_bytes()
    target.write_text(mutant.source, encoding="utf-8")
    try:
        return not is_green(folder)
    finally:
        target.write_bytes(original)


def is_green(folder: Path) -> bool:
    ignored = [f"--ignore={name}" for name in NOT_TESTS]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not postgres and not long", "--numprocesses=0"]
    try:
        done = subprocess.run(
            [*command, *ignored, *TESTS], cwd=folder, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def copy_project(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=60, help="how many mutants (default: 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    options = parser.parse_args()
    files = [file for name in options.packages for file in sorted((ROOT / "syncd" / name).rglob("*.py"))]
    everybody = [mutant for file in files for mutant in mutants_of(file)]
    drawn = random.Random(options.seed).sample(everybody, min(options.number, len(everybody)))
    print(f"{len(everybody)} places, {len(drawn)} drawn (seed {options.seed})", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as top, ThreadPoolExecutor(options.workers) as pool:
        folders: Queue[Path] = Queue()
        for number in range(options.workers):
            folders.put(copy_project(Path(top, str(number))))
        if not is_green(folders.queue[0]):
            sys.exit("the tests are red without any mutant: mend them first")
        results = Counter[tuple[str, bool]]()

        def judge(mutant: Mutant) -> None:
            folder = folders.get()
            caught = is_caught(mutant, folder)
            folders.put(folder)
            results[mutant.package, caught] += 1
            print("caught   " if caught else "SURVIVED ", mutant, flush=True)

        list(pool.map(judge, drawn))
    for name in sorted({package for package, _ in results}):
        caught, whole = results[name, True], results[name, True] + results[name, False]
        print(f"{name}: {caught} of {whole} caught ({100 * caught // whole} %)")


if __name__ == "__main__":
    main()
