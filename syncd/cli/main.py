"""The `syncd` command: it parses and calls, and decides nothing."""

from pathlib import Path
from typing import Annotated

import typer

from syncd import __version__, log
from syncd.cli import (
    checking,
    deciding,
    erasing,
    housekeeping,
    linking,
    planning,
    rehearsing,
    reporting,
    serving,
    starting,
    status,
    trying,
)
from syncd.cli.context import Options
from syncd.cli.exits import answering_to_the_end, stop
from syncd.cli.progress import survive_narrow_outputs
from syncd.cli.running import run_once

EPILOG = """Examples: `syncd check` · `syncd plan members` · `syncd --once --sync members` · `syncd failures members`

Exit codes: 0 done · 1 the run failed · 2 usage or configuration · 3 done, but records were invalid or
refused · 4 held by a guard · 5 another process is running this sync."""

app = typer.Typer(
    name="syncd",
    help="Keeps the customers of a go~mus instance in step with your own CRM.\n\nFirst steps: `syncd demo`, then "
    "`syncd init` with an export of your own, `syncd check`, `syncd plan`, `syncd --once`. Without a command, `syncd` "
    "is the daemon: it runs every sync on its schedule until SIGTERM, and reads its configuration anew on SIGHUP.",
    epilog=EPILOG,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"syncd {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def syncd(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="The configuration; else $SYNCD_CONFIG, else ./config.toml.")
    ] = None,
    log_format: Annotated[
        log.LogFormat | None, typer.Option(help="Else console on a terminal, json elsewhere.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One run now, then exit.")] = False,
    sync: Annotated[list[str] | None, typer.Option(help="With --once: only this sync; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --once: plan and log it, change nothing.")] = False,
    assume_empty: Annotated[
        bool,
        typer.Option(
            "--assume-empty",
            help="With --once: create without looking first. Only for an instance that surely holds none of them.",
        ),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    del version
    context.obj = Options(config=config, log_format=log_format)
    if context.invoked_subcommand is not None:
        if once or sync or dry_run or assume_empty:
            stop("--once, --sync, --dry-run and --assume-empty stand alone, without a command.")
        return
    if not once:
        if sync or dry_run or assume_empty:
            stop("--sync, --dry-run and --assume-empty go with --once; the daemon runs every sync.")
        serving.run_daemon(context)
        return
    run_once(context, sync or [], dry_run=dry_run, assume_empty=assume_empty)


for command in (
    planning.plan,
    checking.check,
    serving.trigger,
    status.status,
    status.history,
    status.show,
    status.failures,
    reporting.report,
    deciding.approve,
    linking.link,
    deciding.retry,
    deciding.verify,
    erasing.erase,
    erasing.erasures,
    starting.init,
    rehearsing.rehearse,
    trying.sandbox,
    trying.demo,
):
    app.command()(command)
app.add_typer(housekeeping.db, name="db")
app.add_typer(housekeeping.configuration, name="config")


def main() -> None:
    survive_narrow_outputs()
    log.install_crash_hooks()
    with answering_to_the_end():
        app()
