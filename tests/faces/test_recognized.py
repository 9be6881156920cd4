"""What `check` and `init` show of a source that they have read."""

import io
from contextlib import redirect_stdout

from syncd.cli.recognized import Letters


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


VALUES = [{"Name": "Anna Müller", "Nr": 5}, {"Name": "Grün", "Ort": "Groß-Gerau"}, {"Name": "Łódź"}]


def words_on(stream: io.StringIO) -> str:
    with redirect_stdout(stream):
        letters = Letters()
    for values in VALUES:
        letters.look_at(values)
    return str(letters)


def test_on_a_terminal_words_show_each_letter_once() -> None:
    assert words_on(Terminal()) == "; its letters, as in Müller, Groß, Łódź"


def test_no_value_is_shown_elsewhere() -> None:
    assert words_on(io.StringIO()) == ""
