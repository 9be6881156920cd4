"""The options and the commands of `syncd`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from syncd.cli.commands import group_of
from syncd.cli.loading import load
from syncd.cli.output import print_version

EPILOG = """Examples: `syncd check` · `syncd plan members` · `syncd --once --sync members` · `syncd failures members`

Exit codes: 0 done · 1 the run failed · 2 usage or configuration · 3 done, but records were invalid or
refused · 4 held by a guard · 5 another process is running this sync, or is the daemon."""

COMMANDS = group_of(
    "syncd.cli.planning:plan",
    "syncd.cli.checking:check",
    "syncd.cli.serving:trigger",
    "syncd.cli.serving:worker",
    "syncd.cli.status:status",
    "syncd.cli.status:history",
    "syncd.cli.showing:show",
    "syncd.cli.status:held",
    "syncd.cli.status:failures",
    "syncd.cli.listing:worklist",
    "syncd.cli.reporting:report",
    "syncd.cli.deciding:approve",
    "syncd.cli.linking:link",
    "syncd.cli.deciding:retry",
    "syncd.cli.deciding:verify",
    "syncd.cli.pausing:pause",
    "syncd.cli.pausing:resume",
    "syncd.cli.erasing:erase",
    "syncd.cli.erased:erasures",
    "syncd.cli.forgetting:forget",
    "syncd.cli.starting:init",
    "syncd.cli.rehearsing:rehearse",
    "syncd.cli.probing:probe",
    "syncd.cli.trying:sandbox",
    "syncd.cli.trying:demo",
)
DB = group_of("syncd.cli.housekeeping:upgrade", "syncd.cli.housekeeping:copy")
CONFIGURATION = group_of(
    "syncd.cli.housekeeping:schema", "syncd.cli.housekeeping:show", "syncd.cli.housekeeping:example"
)

app = typer.Typer(
    name="syncd",
    cls=COMMANDS,
    help="Keeps the customers of a go~mus instance in step with your own CRM.\n\nFirst steps: `syncd demo`, then "
    "`syncd init` with an export of your own, `syncd rehearse`, `syncd check`, `syncd plan`, `syncd --once`. Without a "
    "command, `syncd` is the daemon: it runs every sync on its schedule until SIGTERM, and reads its configuration "
    "anew on SIGHUP.",
    epilog=EPILOG,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print_version()
        raise typer.Exit


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        help="The configuration; else $SYNCD_CONFIG, else ./config.toml. A folder: syncd.toml, and a file a museum.",
    ),
]
Format = Annotated[Literal["json", "console"] | None, typer.Option(help="Else console on a terminal, json elsewhere.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="On a terminal: also a line for each record, as a log has it.")
]
Once = Annotated[bool, typer.Option("--once", help="One run now, then exit.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="The daemon: exit with 5 where another is at work, instead of standing by.")
]
Syncs = Annotated[list[str] | None, typer.Option(help="With --once: only this sync; may be repeated.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FOREIGN_ID",
        help="With --once: send this customer alone, named with its prefix or without; may be repeated. "
        "Nobody is erased.",
    ),
]
ShowAnswer = Annotated[
    bool, typer.Option("--show-answer", help="With --only, on a terminal: what go~mus answers, word for word.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --once: plan and log it, change nothing.")]
AssumeEmpty = Annotated[
    bool,
    typer.Option(
        "--assume-empty",
        help="With --once: create without looking first. Only for an instance that surely holds none of them.",
    ),
]
Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")]


@app.callback(invoke_without_command=True)
def syncd(
    context: typer.Context,
    config: ConfigFile = None,
    log_format: Format = None,
    verbose: Verbose = False,
    once: Once = False,
    sync: Syncs = None,
    only: Only = None,
    show_answer: ShowAnswer = False,
    dry_run: DryRun = False,
    assume_empty: AssumeEmpty = False,
    no_wait: NoWait = False,
    version: Version = False,
) -> None:
    del version
    beside = {
        "--sync": sync,
        "--only": only,
        "--show-answer": show_answer,
        "--dry-run": dry_run,
        "--assume-empty": assume_empty,
    }
    stop = load("syncd.cli.exits:stop")
    context.obj = load("syncd.cli.context:Options")(config=config, log_format=log_format, verbose=verbose)
    if context.invoked_subcommand is not None:
        if any(given for given in (once, no_wait, *beside.values())):
            stop(f"--once, {', '.join(beside)}, --no-wait stand alone, without a command.")
        return
    if not once:
        if any(beside.values()):
            stop(f"{', '.join(beside)} go with --once; the daemon runs every sync.")
        load("syncd.cli.serving:run_daemon")(context, waits=not no_wait)
        return
    if no_wait:
        stop("--no-wait goes with the daemon; --once never waits for another process.")
    load("syncd.cli.running:run_once")(
        context, sync or [], only=only or [], show_answer=show_answer, dry_run=dry_run, assume_empty=assume_empty
    )


app.add_typer(typer.Typer(cls=DB, help="The state database.", no_args_is_help=True), name="db")
app.add_typer(typer.Typer(cls=CONFIGURATION, help="The configuration file.", no_args_is_help=True), name="config")
