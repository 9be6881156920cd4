"""Every command with its arguments and options, as the program itself declares them."""

import re
from collections.abc import Iterator

import typer
from typer import Context

from syncd.cli.app import EPILOG, app


def as_markdown() -> str:
    return "\n".join(line for context in commands() for line in _section(context)) + _exit_codes()


def commands() -> Iterator[Context]:
    """`syncd` itself and each command, as it is when it is called."""
    yield from _within(Context(typer.main.get_command(app), info_name="syncd"))


def _within(context: Context) -> Iterator[Context]:
    yield context
    for name in getattr(context.command, "commands", {}):
        _, command, _ = context.command.resolve_command(context, [name])  # type: ignore[attr-defined]  # it is a group
        yield from _within(Context(command, parent=context, info_name=name))


def _section(context: Context) -> Iterator[str]:
    command = context.command
    yield f"## `{context.command_path}` {{ #{context.command_path.replace(' ', '-')} }}\n"
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    yield "\n\n".join(paragraph.replace("\n", " ") for paragraph in (command.help or "").split("\n\n")) + "\n"
    rows = [record for one in command.params if (record := one.get_help_record(context))]
    if rows:
        yield "| argument or option | meaning |\n|---|---|"
        yield from (f"| `{_cell(spelt)}` | {_cell(meaning)} |" for spelt, meaning in rows)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _exit_codes() -> str:
    told = EPILOG.partition("Exit codes:")[2].replace("\n", " ")
    rows = [f"| {code} | {meaning.strip()} |" for code, meaning in re.findall(r"(\d) ([^·.]+)", told)]
    return "\n## Exit codes\n\n| code | means |\n|---|---|\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(as_markdown())
