"""Trying syncd without a go~mus: `sandbox` serves a fake one, `demo` syncs an example export against it."""

import io
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from syncd import log
from syncd.assembly import looking_at_state, make_sync, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.exits import FAILED, failing_in_words, stop
from syncd.cli.planning import draw_report
from syncd.config import load
from syncd.config.model import Config
from syncd.domain.changes import Action
from syncd.domain.runs import Summary, Trigger
from syncd.report.plan import plan_as_lines
from syncd.runs.run import run
from syncd.sandbox import TOKEN, Sandbox, Switches, create_app, serve, serve_forever

ENCODING = "windows-1252"  # as Excel wrote the example
MEMBERS = "members"


def sandbox(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8022,
    token: Annotated[str, typer.Option(help="The token it accepts.")] = TOKEN,
    switch: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE: one of go~mus's open points, such as bad_entry=partial-200.")
    ] = None,
    latency: Annotated[float, typer.Option(help="Seconds that each call takes.")] = 0.0,
) -> None:
    """Serve a fake go~mus to try syncd against; its page lists what it holds. Ends with Ctrl-C."""
    with ctx.answering(context):
        try:
            switches = replace(Switches(), **dict(_switch(text) for text in switch or []))  # type: ignore[arg-type]  # Switches checks
        except (ValueError, TypeError) as error:
            stop(f"--switch: {error}")
        app = create_app(Sandbox(switches, tokens=[token], latency=latency))
        try:
            serve_forever(app, host, port, announce=lambda url: print(f"A sandbox listens on {url}", flush=True))
        except KeyboardInterrupt:
            return
        except OSError as error:
            stop(f"{host}:{port} can't be listened on ({error.strerror}); choose another --port.", FAILED)


def _switch(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    kind = get_type_hints(Switches).get(name)
    if kind is None:
        raise ValueError(f"there is no switch {name!r}; there are {', '.join(get_type_hints(Switches))}")
    if kind is bool:
        return name, {"true": True, "false": False}.get(value, value)  # Switches refuses any other
    if kind is int and not value.isdecimal():
        raise ValueError(f"{name} is a number, not {value!r}")
    if kind == frozenset[str]:
        return name, frozenset(filter(None, value.split(",")))
    return name, int(value) if value.isdecimal() else value


# --- the demo ---


def demo() -> None:
    """Sync an example export against the sandbox: the plan, a first run, an unchanged one, and one with changes."""
    log.configure("json", io.StringIO())  # the demo tells it in its own words
    with failing_in_words(), tempfile.TemporaryDirectory(prefix="syncd-demo-") as folder:
        fake = Sandbox()
        with serve(create_app(fake)) as url:
            _Demo(Path(folder), fake, url).tell()


class _Demo:
    def __init__(self, folder: Path, fake: Sandbox, url: str) -> None:
        example = resources.files("syncd.example")
        self._export = folder / "members.csv"
        self._export.write_bytes((example / "members.csv").read_bytes())
        (folder / "config.toml").write_bytes((example / "config.toml").read_bytes())
        self._config: Config = load(folder / "config.toml", {"GOMUS_URL": url, "GOMUS_TOKEN": TOKEN})
        self._fake = fake
        self._url = url

    def tell(self) -> None:
        print(f"An association's members, exported by Excel (Windows-1252, ';'), and a fake go~mus on {self._url}.")
        self._plan()
        self._first_run()
        self._unchanged_run()
        self._changed_run()
        print("\nThat was a whole sync. `syncd check` and `syncd plan` do the same for your own configuration.")

    def _plan(self) -> None:
        _head("The plan (syncd plan): nothing is written anywhere")
        report = draw_report(self._config, self._config.syncs[MEMBERS])
        print("\n".join(plan_as_lines(report)))

    def _first_run(self) -> None:
        _head("The first run (syncd --once)")
        summary = self._run()
        _print_outcomes(summary)
        _print_calls(call.method for call in self._fake.calls_to("POST"))
        print(f"  go~mus now holds {len(self._fake.customers)} customers. The invalid records stay out until mended.")
        print(f"  Status '{summary.status.value}': as a command, this run exits with 3, for the records left out.")

    def _unchanged_run(self) -> None:
        _head("The second run: nothing has changed")
        summary = self._run()
        _print_outcomes(summary)
        touched = [call for call in self._fake.calls if call.route.startswith("/api/v4/customers")]
        print(f"  Calls to /customers: {len(touched)}; an unchanged customer costs no call.")

    def _changed_run(self) -> None:
        _head("The third run: three rows changed, one removed, one spoilt")
        changed, removed, spoilt = self._edit()
        summary = self._run()
        _print_outcomes(summary)
        with looking_at_state(self._config) as state:
            for name in (*changed, removed):
                for line in reversed(state.store.journal.of_customer(MEMBERS, name)):
                    if line.run_id == summary.run_id:
                        fields = f" {', '.join(line.fields)}" if line.fields else ""
                        print(f"  {name}: {line.action}{fields} → {line.result}")
            rows = [row for row in state.store.failures.invalid(MEMBERS) if row.foreign_id == spoilt]
            for row in rows:
                problems = "; ".join(str(problem) for problem in row.problems)
                print(f"  {spoilt}: {row.position}: {problems}. It counts as present: nothing is deleted.")
        about = [call for call in self._fake.calls if ":id" in call.route]
        print(f"  The removed one, call by call: {', '.join(call.method for call in about)}.")
        deleted = self._fake.deleted[-1]
        print(f"  What was deleted held: surname {deleted['surname']!r}, telephone {deleted['tel']!r}.")

    def _edit(self) -> tuple[list[str], str, str]:
        """Change three telephone numbers, remove a row, and give another an impossible birthday."""
        lines = self._export.read_bytes().decode(ENCODING).split("\r\n")
        columns = lines[0].split(";")
        rows = [number for number, line in enumerate(lines) if self._is_known(line, len(columns))]
        phone, born = columns.index("Telefon"), columns.index("Geburtsdatum")
        for offset, number in enumerate(rows[:3]):
            lines[number] = _with(lines[number], phone, f"030 23125 {100 + offset}")
        spoilt = rows[4]
        lines[spoilt] = _with(lines[spoilt], born, "31.02.1975")
        names = [f"MEMBER-{lines[number].split(';')[0]}" for number in rows[:5]]
        del lines[rows[3]]
        self._export.write_bytes("\r\n".join(lines).encode(ENCODING))
        return names[:3], names[3], names[4]

    def _is_known(self, line: str, width: int) -> bool:
        """A plain row that go~mus has."""
        cells = line.split(";")
        is_plain = len(cells) == width and '"' not in line
        return is_plain and bool(self._fake.by_foreign_id(f"MEMBER-{cells[0]}"))

    def _run(self) -> Summary:
        self._fake.reset_calls()
        sync = self._config.syncs[MEMBERS]
        with (
            opening_state(self._config) as state,
            opening_world(
                self._config, sync, state, stopping=threading.Event(), progress=lambda _stage, _done, _total: None
            ) as world,
        ):
            return run(make_sync(self._config, sync, world.sleep), world, trigger=Trigger.DEMO)


def _head(text: str) -> None:
    print(f"\n== {text}")


def _print_outcomes(summary: Summary) -> None:
    done = [f"{summary.counts[a.value]} {a.value}" for a in Action if a.value in summary.counts]
    read = [f"{summary.counts[name]} {name}" for name in ("records", "unchanged", "invalid") if name in summary.counts]
    print(f"  read: {', '.join(read)}")
    print(f"  done: {', '.join(done) or 'nothing'}")


def _print_calls(methods: Iterable[str]) -> None:
    print("  calls that write: " + ", ".join(f"{count} {method}" for method, count in Counter(methods).items()))


def _with(line: str, column: int, value: str) -> str:
    cells = line.split(";")
    cells[column] = value
    return ";".join(cells)
