"""How much of what decides is noticed by the suite: breaks one place at a time, and runs the tests that execute it.

Run by hand: `make mutants`. Each mutant is a change of one operator, condition, number or statement, drawn by a seed,
as many from each package. The tests run in a copy; nothing of the checkout is changed. A survivor is either a claim
that no test makes, or a change that changes nothing: a person judges.

The suite runs once, with up to SETS sets of parameters of each test but the units', to learn which tests execute which
line and how long each takes. A mutant is then judged by the tests that execute its line: all QUICK ones, then those
named alike, then one set of each other test before the second of any, by no more than MOST of them, and SECONDS
altogether. So a mutant can be
called a survivor that another test would have caught, but never the other way round. What was learned is kept:
`--again` uses it.

With `--processes` each mutant is written into a copy of its own, and all of `--tests` are run there until one is red:
slower, but the processes that tests start see it too.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from itertools import accumulate, chain, groupby
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TypeAlias

import pytest
from coverage import CoverageData

ROOT = Path(__file__).parents[1]
PACKAGES = ("delivery", "plan", "state", "gomus")
COPIED = ("syncd", "migrations", "tests", "pyproject.toml", "config.example.toml", "docs", "README.md", "deploy")
TESTS = ("tests/unit", "tests/runs", "tests/sources", "tests/state", "tests/faces")
# What reads the sources themselves would notice any change.
NOT_TESTS = ("tests/unit/test_layers.py", "tests/unit/test_repository.py", "tests/faces/test_docs.py")
# Whose sets of parameters have little in common: each is a test of its own.
APART = ("tests/runs/test_costs.py",)
NOTED = ROOT / ".mutants"
SETS = 10
QUICK = 0.05  # seconds
MOST = 400
SECONDS = 180.0
LONGEST = 60  # seconds of one test; what takes longer hangs, which is noticed too
HANGS = 600  # seconds of all of them
RED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)
# What takes time to import, and is not ours: each mutant's process has it already.
PRELOADED = "alembic flask httpx hypothesis.stateful phonenumbers pydantic rich sqlalchemy structlog typer".split()
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

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def stem(self) -> str:
        """By which tests that are about it call it."""
        return Path(self.file).stem[:5]

    def __str__(self) -> str:
        return f"{self.file}:{self.lines.start}  {self.before}  ->  {self.after}"


# --- breaking ---


def draw_mutants(package: str, number: int, chance: random.Random) -> list[Mutant]:
    place = ROOT / "syncd" / package
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
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
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return  # of `zip`: it guards against mistakes, of which there are none
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
    """What one run of the tests showed: which lines each executes, and how long those take that are green."""

    executed: CoverageData
    seconds: Mapping[str, float]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Those that execute one of its lines, in the order and within the bounds that the top of this file names."""
        lines = self.executed.contexts_by_lineno(mutant.file)
        found = {context.partition("|")[0] for line in mutant.lines for context in lines.get(line, ())}
        tests = sorted(found & self.seconds.keys(), key=self.seconds.__getitem__)
        quick = [test for test in tests if self.seconds[test] < QUICK]
        near = [test for test in tests[len(quick) :] if mutant.stem in test]
        chosen = quick + near + _in_turns(test for test in tests[len(quick) :] if test not in near)[:MOST]
        spent = accumulate(self.seconds[test] for test in chosen)
        return [test for test, so_far in zip(chosen, spent, strict=True) if so_far <= SECONDS]


def _in_turns(tests: Iterable[str]) -> list[str]:
    """One set of parameters of each test, then another one of each, and so on."""
    turns = Counter[str]()
    order = []
    for test in tests:
        function = test if test.startswith(APART) else test.partition("[")[0]
        order.append((turns[function], test))
        turns[function] += 1
    return [test for _, test in sorted(order, key=lambda each: each[0])]


def learn(folder: Path, workers: int, *, places: Sequence[str], marks: str) -> None:
    """Run the tests in a copy of the project, and note what they showed. Those that are red are named, and left out."""
    ignored = [f"--ignore={name}" for name in NOT_TESTS]
    listed = _pytest(folder, "-m", marks, "--collect-only", *ignored, *places)
    sets = groupby((line for line in listed.splitlines() if "::" in line), key=lambda test: test.partition("[")[0])
    chosen = [test for _, each in sets for test in _spread(list(each))]
    measured = ["--cov=syncd", "--cov-context=test", "--cov-report=", "--durations=0", "--durations-min=0", "-rfE"]
    (folder / "chosen").write_text("\n".join(chosen), encoding="utf-8")
    told = _pytest(folder, "-m", marks, *measured, f"--numprocesses={workers}", "@chosen")
    red = RED.findall(told)
    print("".join(f"left out, for it is red without any mutant: {test}\n" for test in red), end="", flush=True)
    seconds = defaultdict[str, float](float)
    for duration, test in re.findall(r"^([0-9.]+)s \w+ +(tests/.+)$", told, re.MULTILINE):
        seconds[test] += float(duration)
    NOTED.mkdir(exist_ok=True)
    shutil.copy(folder / ".coverage", NOTED / "coverage")
    green = {test: spent for test, spent in seconds.items() if test not in red}
    (NOTED / "seconds.json").write_text(json.dumps(green), encoding="utf-8")


def _spread(tests: Sequence[str]) -> Sequence[str]:
    """Up to SETS of them, from the first to the last; all of a unit's, for they are quick."""
    return (
        tests
        if len(tests) <= SETS or tests[0].startswith("tests/unit/")
        else [tests[number * (len(tests) - 1) // (SETS - 1)] for number in range(SETS)]
    )


def recall() -> Suite:
    executed = CoverageData(str(NOTED / "coverage"))
    executed.read()
    seconds = json.loads((NOTED / "seconds.json").read_text(encoding="utf-8"))
    return Suite(executed=executed, seconds=seconds)


def judge_apart(mutant: Mutant | None, tests: Sequence[str], folder: Path) -> list[str]:
    """As `judge` does, in a process of its own; one that hangs is noticed too."""
    context = get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sending.send(judge(mutant, tests, folder)))
    process.start()
    sending.close()
    try:
        return receiving.recv() if receiving.poll(HANGS) else [f"{mutant} hangs"]
    except EOFError:
        return [f"{mutant} dies"]
    finally:
        process.kill()
        process.join()


def judge(mutant: Mutant | None, tests: Sequence[str], folder: Path) -> list[str]:
    """The first of the tests that goes red; without a mutant, all that are red by being run so.

    Only this process sees the mutant: it has imported nothing of ours yet.
    """
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    options = ["-q", f"--timeout={LONGEST}", "--numprocesses=0", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of hypothesis, which was imported before
    if mutant:
        sys.meta_path.insert(0, _Mutated(mutant, folder))
        options += ["-x"]
    watch = _Watch()
    if tests:
        with suppress(Exception):  # as what tests have left open is told, once they are over
            pytest.main([*options, *tests], plugins=[watch])
    return watch.red


def judge_in_a_copy(mutant: Mutant | None, tests: Sequence[str], marks: str, folder: Path) -> list[str]:
    """The first of the tests that goes red, or all that are red without a mutant."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as top:
        copy = shutil.copytree(folder, Path(top) / "project")
        if mutant:
            (copy / mutant.file).write_text(mutant.source, encoding="utf-8")
        options = ["-x"] if mutant else []
        told = _pytest(copy, *options, "-n0", f"--timeout={2 * LONGEST}", "-rfE", "-m", marks, *tests)
    return RED.findall(told)


class _Watch:
    def __init__(self) -> None:
        self.red: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self.red.append(report.nodeid)


@dataclass(frozen=True, slots=True)
class _Mutated(MetaPathFinder, SourceLoader):
    mutant: Mutant
    folder: Path

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self.mutant.module else None

    def get_filename(self, _name: str) -> str:
        return str(self.folder / self.mutant.file)

    def get_data(self, _path: str) -> bytes:
        return self.mutant.source.encode()


def _pytest(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


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
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="or single modules, such as gomus/client.py")
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--marks", default="not postgres and not long", help="of the tests, as pytest's -m takes them")
    parser.add_argument("--again", action="store_true", help="use what the last run of the suite has shown")
    parser.add_argument("--processes", action="store_true", help="tests that start processes: see above")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    drawn = {package: draw_mutants(package, options.number, chance) for package in options.packages}
    for name in PRELOADED:
        import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as top:
        folder = copy_project(Path(top).resolve())
        if not (options.again or options.processes):
            learn(folder, options.workers, places=options.tests, marks=options.marks)

        def judge_one(mutant: Mutant | None, tests: Sequence[str]) -> list[str]:
            if options.processes:
                return judge_in_a_copy(mutant, options.tests, options.marks, folder)
            return judge_apart(mutant, tests, folder)

        suite = Suite(executed=CoverageData(), seconds={}) if options.processes else recall()
        print(f"{len(suite.seconds)} tests, {sum(suite.seconds.values()):.0f} s (seed {options.seed})", flush=True)
        with ThreadPool(options.workers) as pool:
            judged = [
                (mutant, pool.apply_async(judge_one, (mutant, suite.tests_of(mutant))))
                for mutant in chain.from_iterable(drawn.values())
            ]
            red = []
            for mutant, result in judged:
                red += result.get()
                print("caught   " if result.get() else "SURVIVED ", mutant, flush=True)
            unsure = pool.apply(judge_one, (None, [test for test in red if "::" in test]))
        print("".join(f"red by itself, so that it says nothing: {test}\n" for test in unsure), end="")
        for package, mutants in drawn.items():
            caught = sum(bool(set(result.get()) - set(unsure)) for mutant, result in judged if mutant in mutants)
            print(f"{package}: {caught} of {len(mutants)} caught ({100 * caught // len(mutants)} %)")


if __name__ == "__main__":
    main()
