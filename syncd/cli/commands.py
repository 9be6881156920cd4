"""Commands that are imported when they are called; `--help` lists them by their docstrings, and imports none."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from syncd.cli.loading import load


def group_of(*places: str) -> type[TyperGroup]:
    """The commands that stand at these places, named after their functions."""
    promised = {place.rpartition(":")[2]: place for place in places}

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own
            super().__init__(**settings)
            self.commands = {name: TyperCommand(name) for name in promised} | dict(self.commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own
            """For what tells of a command."""
            if cmd_name in promised:
                return TyperCommand(cmd_name, help=_docstring(promised[cmd_name]))
            return super().get_command(ctx, cmd_name)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own
            """For what calls it."""
            if args[0] in promised:
                return args[0], _command(promised[args[0]]), args[1:]
            return super().resolve_command(ctx, args)

    return Group


def _command(place: str) -> Any:  # noqa: ANN401 - typer's own
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(load(place))
    return typer.main.get_command(alone)


def _docstring(place: str) -> str | None:
    module, _, function = place.rpartition(".")[2].partition(":")
    return _docstrings(Path(__file__).with_name(f"{module}.py"))[function]


@cache
def _docstrings(file: Path) -> dict[str, str | None]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
