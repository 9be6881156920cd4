"""What a newcomer writes into the configuration, and what is said then: in mistakes.txt, each message whole."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.config import load
from syncd.errors import Misconfigured

ENV = {"GOMUS_TOKEN": "of nobody", "EMPTY": "", "SYNCD_DIGEST_KEY": "a key of nobody"}
RIGHT = """\
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "GOMUS_TOKEN" }

[sync.members]
schedule = "every 15m"

[sync.members.source]
type = "csv"
path = "members.csv"

[sync.members.foreign_id]
from = "Nr"
prefix = "M-"

[sync.members.fields]
name = "Vorname"
email = { from = "E-Mail", transform = ["strip", "lower"] }

[sync.members.delete]
grace = "30d"
"""


def mistakes():
    """Name, what is right, what stands in its place, and what is said."""
    text = Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8")
    for entry in re.split(r"\n\n(?=# )", text.strip()):
        name, *lines = entry.split("\n")
        right = [line[2:] for line in lines if line.startswith("-")]
        wrong = [line[2:] for line in lines if line.startswith("+")]
        said = lines[len(right) + len(wrong) :]
        yield pytest.param("\n".join(right), "\n".join(wrong), "\n".join(said), id=name[2:])


def complaint(content):
    """All that a terminal shows of it, and what a log would hold; nothing where it is right."""
    Path("config.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        load(Path("config.toml"), ENV)
    except Misconfigured as error:
        shown = [f"{problem.located}\n{problem.excerpt}".strip() for problem in error.problems]
        return "\n".join([*shown, *([error.remedy] if error.remedy else [])])
    return ""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_configuration_that_they_are_made_of_is_right():
    assert complaint(RIGHT) == ""


@pytest.mark.parametrize(("right", "wrong", "said"), list(mistakes()))
def test_a_mistake_is_told_with_its_place_and_what_to_write(right, wrong, said):
    assert RIGHT.count(right) == 1
    assert complaint(RIGHT.replace(right, wrong)) == said


@pytest.mark.parametrize(
    "content",
    [
        RIGHT.encode("utf-8-sig"),
        RIGHT.replace("\n", "\r\n"),
        RIGHT.replace("\n", "\r"),
        RIGHT.replace("\n", "\n\t"),
        RIGHT.replace("[sync.members]\n", "[ sync . members ]\n"),
        "\n\n" + RIGHT.rstrip("\n"),
    ],
    ids=["a byte order mark", "ends of lines of Windows", "of old Macs", "tabs", "blanks in a heading", "no last end"],
)
def test_what_editors_make_of_a_file_is_no_mistake(content):
    assert complaint(content) == ""


UTF_16 = "config.toml is not UTF-8 text but UTF-16, which Windows calls Unicode\nsave it with the encoding UTF-8"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (RIGHT.encode("utf-16"), UTF_16),
        (RIGHT.encode("utf-16-le"), UTF_16),
        (
            RIGHT.replace("Vorname", "Straße").encode("windows-1252"),
            "config.toml:17:13: is not UTF-8 text\nsave it with the encoding UTF-8",
        ),
        ("a = " + "[" * 5000, "config.toml: has brackets within brackets, too many for syncd: leave some out"),
        ("a = " + "9" * 5000, "config.toml: holds a number with too many digits"),
    ],
    ids=["UTF-16", "UTF-16 without a mark", "Windows-1252", "brackets without end", "a number without end"],
)
def test_a_file_that_is_no_text_of_toml_is_told_so(content, said):
    assert complaint(content) == said


NO_TOKEN = "is no token: leave out quotes, 'Bearer', blanks around it, line ends and letters beyond ASCII"


@pytest.mark.parametrize(
    "content", ["abc\n\n", "ab\ncd", " abc", "abc ", '"abc"', "'abc'", "Bearer abc", "abc\x01", "äbc"]
)
def test_a_file_that_holds_more_than_the_token_is_told_so(content):
    Path("token").write_text(content, encoding="utf-8")
    said = complaint(RIGHT.replace('{ env = "GOMUS_TOKEN" }', '{ file = "token" }'))
    assert said.startswith(f"config.toml:3:1: gomus.main.token: what the file token holds {NO_TOKEN}\n")


def test_a_folder_is_told_so():
    with pytest.raises(Misconfigured) as refusal:
        load(Path(), {})
    assert str(refusal.value).startswith("the folder . has no syncd.toml: name a file in it, such as config.toml; ")


def test_all_mistakes_are_told_in_the_order_of_the_file():
    wrong = RIGHT.replace("every 15m", "often").replace('"csv"', '"csw"').replace("30d", "30 days")
    assert re.findall(r"config\.toml:(\d+):", complaint(wrong)) == ["6", "9", "21"]


def test_a_long_line_is_cut_around_the_place():
    wrong = RIGHT.replace('"Vorname"', '{ from = "' + "V" * 300 + '", write = "onec", default = "' + "D" * 300 + '" }')
    line, marks = complaint(wrong).split("\n")[1:]
    assert len(line) < 130
    assert line[marks.index("^") : marks.rindex("^") + 1] == '"onec"'


# --- no text whatever shows a secret, or ends in a traceback

SECRET = "Xk9" * 6
WITH_SECRETS = f"""\
[state]
url = "postgresql://syncd:{SECRET}@db/syncd"
digest_key = "{SECRET}"   # was {SECRET}
ledger_old_keys = [
  "{SECRET}",
]

[notify]
webhook = "https://chat.example.org/{SECRET}"

[gomus.main]
url = "https://demo.gomus.de"
token = "{SECRET}"
timeout = "30s"

[sync.members]
schedule = "every 15m"
foreign_id = {{ from = "Nr", prefix = "M-" }}
fields = {{ surname = "Nachname", name = {{ from = "Vorname", transform = ["strip"] }} }}

[sync.members.source]
type = "rest"
url = "https://crm.example.org/api"
auth = {{ type = "basic", username = "syncd", password = "{SECRET}" }}
headers = {{ X-Api-Key = "{SECRET}", Accept = "application/json" }}
params = {{ access_token = "{SECRET}" }}
records = "data"
"""

places = st.floats(0, 1, exclude_max=True)
signs = st.sampled_from(list("\"'=[]{}#,.:\\ \t\nü„“$%0x\u00a0\x00"))
changes = st.one_of(
    st.tuples(st.just("delete"), places, st.just("")),
    st.tuples(st.just("insert"), places, signs),
    st.tuples(st.just("swap"), places, st.just("")),
    st.tuples(st.just("delete line"), places, st.just("")),
    st.tuples(st.just("repeat line"), places, st.just("")),
    st.tuples(st.just("change value"), places, st.sampled_from(["5", "true", '""', "[]", "{}", "1979-05-27", "nan"])),
)


def changed(text, change):
    kind, share, new = change
    at = int(share * len(text))
    lines = text.split("\n")
    line = int(share * len(lines))
    match kind:
        case "delete":
            return text[:at] + text[at + 1 :]
        case "insert":
            return text[:at] + new + text[at:]
        case "swap":
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case "delete line":
            return "\n".join(lines[:line] + lines[line + 1 :])
        case "repeat line":
            return "\n".join(lines[: line + 1] + lines[line:])
        case _:
            return "\n".join([*lines[:line], re.sub(r"=.*", f"= {new}", lines[line]), *lines[line + 1 :]])


@given(st.lists(changes, max_size=4))
@example([])
def test_whatever_is_wrong_no_message_shows_a_secret(done):
    text = WITH_SECRETS
    for change in done:
        text = changed(text, change)
    assert "Xk9Xk9" not in complaint(text)


@given(st.lists(changes, min_size=1, max_size=6))
def test_whatever_is_wrong_it_is_told_in_words(done):
    text = RIGHT
    for change in done:
        text = changed(text, change)
    said = complaint(text)
    assert not re.search(r"Input should|pydantic|Traceback|Value error|Extra inputs", said)
    assert all(len(line) < 400 for line in said.split("\n"))
