"""The `syncd` command: it parses and calls, and decides nothing."""

import sys

from syncd.cli.crashes import install_crash_hooks
from syncd.cli.loading import load
from syncd.cli.output import answering_to_the_end, print_version, survive_narrow_outputs


def main() -> None:
    survive_narrow_outputs()
    install_crash_hooks()
    with answering_to_the_end():
        if sys.argv[1:] == ["--version"]:  # scripts ask for it again and again, and what parses is slow to import
            print_version()
        else:
            load("syncd.cli.app:app")()
