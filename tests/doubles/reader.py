"""Somebody who follows a page: types its commands in their order, edits the configuration, compares what is printed."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from fork_server import Forked
from office import Office
from parts import tool

ENDING = re.compile(r"# ends with (\d)")


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The language and the text of each block."""
    yield from re.findall(r"(?ms)^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"))


def ending_of(line: str) -> int:
    """The exit code that the page promises of a command."""
    asked = ENDING.search(line)
    return int(asked[1]) if asked else 0


class Reader:
    """What stands in `instead` is read in the place of what the page says: addresses of this machine.

    `sh` blocks are typed; a line says how it ends if not with 0. A `text` block behind one is what it prints, with … in
    the place of what differs each time. A `toml` block has lines for tables of the configuration, in the place of
    those that are there.
    """

    def __init__(self, office: Office, *, home: Path, instead: Mapping[str, str]) -> None:
        self.office, self.home, self._instead = office, home, instead
        self._jobs: list[Forked | None] = []
        self._printed = ""
        self.mistakes: list[str] = []

    def follow(self, page: Path) -> list[str]:
        """What did not go as the page says."""
        before = ""
        try:
            for language, text in blocks(page):
                for place, other in self._instead.items():
                    text = text.replace(place, other)  # noqa: PLW2901 - the same text, as this machine has it
                if language == "sh":
                    self._type(text.splitlines())
                elif language == "toml":
                    self._edit(text)
                elif (language, before) == ("text", "sh"):
                    self._compare(text)
                before = language
        finally:
            for job in filter(None, self._jobs):
                job.kill()
        return self.mistakes

    def _type(self, lines: list[str]) -> None:
        self._printed = ""
        for line in lines:
            code = self._enter(line.partition("#")[0].strip())
            if code != ending_of(line):
                self.mistakes.append(f"{line}: ended with {code}: {self._printed}")

    def _enter(self, line: str) -> int:
        match line.split():
            case ["export", setting] if not setting.endswith("="):
                name, _, value = setting.partition("=")
                self.office.token = self.office.token if value == "..." else value
                assert name == "GOMUS_TOKEN"
            case ["cd", folder]:
                self.office.folder = Path(folder.replace("~", str(self.home)))
            case ["syncd", "sandbox", "&"]:
                self._jobs.append(None)  # it runs since before
            case ["syncd", *arguments, "&"]:
                self._jobs.append(daemon := self.office.start(*arguments))
                assert daemon.stdout is not None
                next(line for line in daemon.stdout if "daemon.scheduled" in line)
            case ["kill", number]:
                return self._end(int(number.removeprefix("%")))
            case ["syncd", *_]:
                ended = self.office.syncd(*shlex.split(line)[1:])
                self._printed += ended.out + ended.err
                if line.startswith("syncd init "):
                    self.office.reconfigure("requests_per_second = 10\n", "")  # a test does not wait
                return ended.code
            case _:
                return self._ask_the_shell(line)
        return 0

    def _end(self, number: int) -> int:
        job = self._jobs[number - 1]
        if job is None:
            return 0
        job.send_signal(signal.SIGTERM)
        job.communicate(timeout=30)
        return job.wait()

    def _ask_the_shell(self, line: str) -> int:
        environment = {**os.environ, "HOME": str(self.home)}
        shell = [tool("bash", "bash"), "-c", line]
        code = subprocess.run(shell, cwd=self.office.folder, env=environment, check=False).returncode
        for export in self.home.rglob("*.csv"):
            self.office.age(str(export))  # nobody waits until it is settled
        return code

    def _edit(self, text: str) -> None:
        file = self.office.folder / "config.toml"
        written = file.read_text(encoding="utf-8")
        for header, lines in re.findall(r"(?m)^(\[.+\])\n((?:[^\[\n].*\n)+)", text):
            start, found, rest = written.partition(f"{header}\n")
            table, next_header, after = rest.partition("\n[")
            for line in lines.splitlines():
                table = re.sub(rf"(?m)^{re.escape(line.split()[0])} *=.*\n?", "", table)
            written = start + ("" if found else "\n") + f"{header}\n" + lines + table + next_header + after
        file.write_text(written, encoding="utf-8")

    def _compare(self, text: str) -> None:
        rest = self._printed
        for line in text.splitlines():
            for part in filter(None, (part.strip() for part in line.split("…"))):
                _, found, behind = rest.partition(part)
                if not found:
                    self.mistakes.append(f"is not printed, or not in this order: {part!r}; there is: {rest}")
                rest = behind if found else rest
