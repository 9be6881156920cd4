"""How much of what decides is noticed by the suite: breaks one place at a time, and runs the tests that execute it.

Run by hand: `make mutants`. Each mutant is a change of one operator, condition, number or statement, drawn by a seed,
as many from each package. The tests run in a copy; nothing of the checkout is changed. A survivor is either a claim
that no test makes, or a change that changes nothing: a person judges.

The whole suite runs once, to learn which tests execute which line and how long each takes. A mutant is then judged by
the tests that execute its line, one set of parameters of each test before the second of any, the quick ones first, and
by no more than MOST of them or SECONDS altogether. So a mutant can be called a survivor that a slow test would have
caught, but never the other way round.
"""

import argparse
import ast
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import Queue
from typing import TypeAlias

from coverage import CoverageData

ROOT = Path(__file__).parents[1]
PACKAGES = ("delivery", "plan", "state", "gomus")
COPIED = ("syncd", "migrations", "tests", "pyproject.toml", "config.example.toml", "docs", "README.md", "deploy")
TESTS = ("tests/unit", "tests/runs", "tests/state", "tests/faces")
# What reads the sources themselves would notice any change.
NOT_TESTS = ("tests/unit/test_layers.py", "tests/unit/test_repository.py", "tests/faces/test_docs.py")
MOST = 400
SECONDS = 90.0
LONGEST = 300  # seconds; who takes longer hangs, which is noticed too
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
    file: str
    lines: range
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.lines.start}  {self.before}  ->  {self.after}"


# --- breaking ---


def draw_mutants(package: str, number: int, chance: random.Random) -> list[Mutant]:
    files = sorted((ROOT / "syncd" / package).rglob("*.py"))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    places = [(file, index) for file, tree in trees.items() for index in range(sum(1 for _ in _places(tree)))]
    drawn = chance.sample(places, min(number, len(places)))
    return [_mutant(file, deepcopy(trees[file]), index) for file, index in drawn]


def _mutant(file: Path, tree: ast.Module, wanted: int) -> Mutant:
    holder, name, index, node = list(_places(tree))[wanted]
    changed = _changed(node)
    if index is None:
        setattr(holder, name, changed)
    else:
        getattr(holder, name)[index] = changed
    return Mutant(
        file=str(file.relative_to(ROOT)),
        lines=range(node.lineno, node.end_lineno + 1),
        before=ast.unparse(node)[:80],
        after=ast.unparse(changed)[:80],
        source=ast.unparse(ast.fix_missing_locations(tree)),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What one run of all tests showed."""

    folder: Path
    executed: CoverageData
    seconds: dict[str, float]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Those that execute one of its lines, in the order and within the bounds that the top of this file names."""
        contexts = self.executed.contexts_by_lineno(str(self.folder / mutant.file))
        found = {context.partition("|")[0] for line in mutant.lines for context in contexts.get(line, ())}
        turns = defaultdict[str, int](int)
        order = []
        for test in sorted(found & self.seconds.keys(), key=self.seconds.__getitem__):
            function = test.partition("[")[0]
            order.append((turns[function], test))
            turns[function] += 1
        chosen = [test for _, test in sorted(order, key=lambda each: each[0])][:MOST]
        spent = accumulate(self.seconds[test] for test in chosen)
        return [test for test, so_far in zip(chosen, spent, strict=True) if so_far <= SECONDS]


def run_suite(folder: Path, workers: int) -> Suite:
    """Raises SystemExit where a test is red without any mutant."""
    ignored = [f"--ignore={name}" for name in NOT_TESTS]
    measured = ["--cov=syncd", "--cov-context=test", "--cov-report=", "--durations=0", "--durations-min=0"]
    done = _pytest(folder, [*ignored, *measured, f"--numprocesses={workers}", *TESTS], timeout=None)
    if done.returncode != 0:
        sys.exit(f"the tests are red without any mutant: mend them first\n{done.stdout[-2000:]}")
    seconds = defaultdict[str, float](float)
    for duration, test in re.findall(r"^([0-9.]+)s \w+ +(tests/.+)$", done.stdout, re.MULTILINE):
        seconds[test] += float(duration)
    executed = CoverageData(str(folder / ".coverage"))
    executed.read()
    return Suite(folder=folder, executed=executed, seconds=dict(seconds))


def is_caught(mutant: Mutant, suite: Suite, folder: Path) -> bool:
    """Whether a test goes red in the copy of the project that lies in the folder."""
    tests = suite.tests_of(mutant)
    if not tests:
        return False
    target = folder / mutant.file
    original = target.read_bytes()
    target.write_text(mutant.source, encoding="utf-8")
    chosen = folder / "chosen"
    chosen.write_text("\n".join(tests), encoding="utf-8")
    try:
        return _pytest(folder, ["-x", "--timeout=60", "--numprocesses=0", "@chosen"], timeout=LONGEST).returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_bytes(original)


def _pytest(folder: Path, arguments: list[str], *, timeout: float | None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not postgres and not long", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)


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
    parser.add_argument("--number", type=int, default=40, help="how many mutants of each package (default: 40)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    drawn = {package: draw_mutants(package, options.number, chance) for package in options.packages}
    with tempfile.TemporaryDirectory(prefix="mutants-") as top, ThreadPoolExecutor(options.workers) as pool:
        folders: Queue[Path] = Queue()
        for number in range(options.workers):
            folders.put(copy_project(Path(top, str(number)).resolve()))
        suite = run_suite(folders.queue[0], options.workers)
        print(f"{len(suite.seconds)} tests in {sum(suite.seconds.values()):.0f} s (seed {options.seed})", flush=True)

        def judge(mutant: Mutant) -> bool:
            folder = folders.get()
            caught = is_caught(mutant, suite, folder)
            folders.put(folder)
            print("caught   " if caught else "SURVIVED ", mutant, flush=True)
            return caught

        for package, mutants in drawn.items():
            caught = sum(pool.map(judge, mutants))
            print(f"{package}: {caught} of {len(mutants)} caught ({100 * caught // len(mutants)} %)", flush=True)


if __name__ == "__main__":
    main()
