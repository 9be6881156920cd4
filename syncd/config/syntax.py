"""What is wrong with a text that is no TOML: in words, with what to write instead, and where it is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from syncd.config.discretion import known_keys, may_hold_login, secret_keys, shown_keys
from syncd.config.secrets import is_name_of_variable, secret_in_plain_text
from syncd.config.spans import Span, Spans, find_spans
from syncd.gomus.fields import FIELDS

_STRAIGHT = 'write the straight sign " before and behind the text'
_QUOTES = "„“”‟‚‘’‛«»‹›´`"
_UNSEEN = re.compile("[\u00a0\u00ad\u2000-\u200f\u2028\u2029\u202f\u2060\u3000\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
TRUTH = re.compile(r"(true|yes|ja|wahr|on|an)\b|(false|no|nein|falsch|off|aus)\b", re.IGNORECASE)
_NOTHING = re.compile(r"(None|null|nil|NULL|leer)\b")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?|%([A-Za-z_]\w*)%")
_TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'")
_PAIR = re.compile(r"\s*([\w.\"' -]+?)\s*=")
_SWAPPED = 'the field of go~mus stands on the left and your column on the right, as in addr_street = "Straße"'
_TEMPLATE = 'several columns are put together by a template, as in { template = "{Vorname} {Nachname}" }'
_ONE_LINE = "a table in { } stands in one line"


@dataclass(frozen=True, slots=True)
class _Fault:
    """`at` is where `tomllib` stopped, and `spans` is what stands before that."""

    text: str
    at: int
    complaint: str
    spans: Spans

    @property
    def first(self) -> int:
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def line(self) -> str:
        return self.text[self.first :].partition("\n")[0]

    @property
    def rest(self) -> str:
        """Of the line."""
        return self.line[self.at - self.first :]

    @property
    def value(self) -> int:
        """Where the value begins in which, or behind which, the reader stopped; where it stopped, if there is none."""
        spans = self.spans.values.values()
        around = [start for start, end in spans if start < self.at and not self.text[end : self.at].strip(" \t")]
        return max(around, default=self.at if self.spans.lost is None else min(self.spans.lost, self.at))

    @property
    def key(self) -> str:
        """That the line begins with, or the last one before the place; as an example needs one."""
        found = re.findall(r"([\w-]+)[\"']?\s*=", self.text[self.first : self.at])
        return found[-1] if found else "key"

    @property
    def is_in_fields(self) -> bool:
        return bool(re.search(r"\.fields\]", self.text[: self.at].rpartition("\n[")[2] or ""))

    def line_of(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def up_to(self, start: int, pattern: str) -> Span:
        """From the start to the first sign of the line that is in the pattern."""
        found = re.compile(rf"[^\n{pattern}]*").match(self.text, start)
        end = found.end() if found else start
        return start, max(start + len(self.text[start:end].rstrip()), start + 1)


_Found = tuple[str, Span] | None


def diagnose(text: str, complaint: str) -> tuple[str, Span]:
    """Why `tomllib` has refused the text; `complaint` is its message, of which the place is taken."""
    found = re.search(r"at line (\d+), column (\d+)", complaint)
    at = len(text)
    if found:
        lines = text.split("\n")
        at = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
    at = min(at, len(text.rstrip()))
    fault = _Fault(text, at, complaint, find_spans(text))
    for rule in _RULES:
        if known := rule(fault):
            return known
    return 'this is no line such as key = "text", [table] or # remark', (at, at + 1)


def _signs(fault: _Fault) -> _Found:
    at = fault.at
    if found := _UNSEEN.match(fault.text, at):
        return "a blank that is none, as web pages and Word have it: delete it and type a blank", found.span()
    if found := _CONTROL.match(fault.text, at):
        return f"a sign that can't be seen (U+{ord(found[0]):04X}): delete it", found.span()
    return None


def _secret(fault: _Fault) -> _Found:
    """The value of a secret key is to go, whatever else is wrong with it."""
    found = re.match(r"\s*([\w-]+)\s*=\s*(?=[^\s{\[])", fault.line)
    if not found or found[1] not in secret_keys() or fault.at < fault.first + found.end():
        return None
    if _VARIABLE.match(fault.line, found.end()):
        return None
    return secret_in_plain_text(found[1]), fault.up_to(fault.first + found.end(), "#")


def _typographic(fault: _Fault) -> _Found:
    for place in (fault.at, fault.value):
        if fault.text[place : place + 1] and fault.text[place] in _QUOTES:
            sign = fault.text[place]
            return f"{sign} is a typographic sign, as Word makes it: {_STRAIGHT}", fault.up_to(place, "#,")
    if fault.text[fault.value : fault.value + 1] in ('"', "'") and "ter" in fault.complaint:
        start = fault.value
        found = re.compile(rf"[^\n]*?([{_QUOTES}])\s*(?=$|[#,}}\]\n])").match(fault.text, start)
        if found:
            return f"{found[1]} is a typographic sign, as Word makes it: {_STRAIGHT}", found.span(1)
    return None


def _backslash(fault: _Fault) -> _Found:
    if not re.search("Unescaped|hex value|scalar value", fault.complaint):
        return None
    start = fault.value
    found = re.compile(r'"[^"\n]*"?').match(fault.text, start)
    message = r"in double quotes a backslash begins an escape: put Windows paths in single quotes, as in 'C:\Export'"
    return message, (found.span() if found else (fault.at, fault.at + 1))


def _open_text(fault: _Fault) -> _Found:
    start = fault.value
    sign = fault.text[start : start + 1]
    is_triple = fault.text.startswith(sign * 3, start)
    if sign not in ('"', "'") or "newline or" in fault.complaint or (_TEXT.match(fault.text, start) and not is_triple):
        return None
    if is_triple:
        return f"the text that {sign * 3} opens here has no end: write {sign * 3} behind it", (start, start + 3)
    return f"the quote that opens here is not closed: write {sign} behind the text", fault.up_to(start, "#")


def _twice(fault: _Fault) -> _Found:
    if not re.search(r"twice|overwrite|[Dd]uplicate|mutate|namespace", fault.complaint):
        return None
    before = [start for start in fault.spans.twice if start <= fault.at]
    if not before:
        message = "this was given a value before, and can't be a table too: leave one of the two out"
        return message, fault.up_to(fault.first, "=#")
    start = max(before)
    number = fault.line_of(fault.spans.twice[start])
    if fault.text[start] == "[":
        return f"this table stands in line {number} already: put its keys there", fault.up_to(start, "#")
    return f"this key stands in line {number} already: leave one of the two out", fault.up_to(start, "=#")


def _heading(fault: _Fault) -> _Found:
    line = fault.line
    if not re.match(r"\s*\[[^=]*$", line) or fault.spans.opened:
        return None
    start = fault.first + len(line) - len(line.lstrip())
    whole = fault.up_to(start, "#")
    inside = line.partition("#")[0].strip().strip("[]")
    if re.search(r"[^\w.\"' -]|[^\x00-\x7f]|\w\s+\w", inside):
        return "names of tables have letters from a to z, digits, '-' and '_' only, as in [sync.members]", whole
    if not all(part.strip() for part in inside.split(".")):
        return "the table has no name, or a dot too many: write it as in [sync.members]", whole
    written = fault.text[slice(*whole)]
    opened = len(written) - len(written.lstrip("["))
    if opened == len(written) - len(written.rstrip("]")):
        return None
    return f"a table's name stands in as many brackets on both sides: write {'[' * opened}{inside}{']' * opened}", whole


def _end_of_table(fault: _Fault) -> _Found:
    if "key" not in fault.complaint:
        return None
    if fault.rest[:1] in ("}", "") and fault.text[: fault.at].rstrip()[-1:] in (",", "{"):
        if fault.rest[:1]:
            return f"leave out the comma before }}: {_ONE_LINE}, its last key without a comma", _before(fault)
        return f"{_ONE_LINE}: join the lines, or write it as a table of its own, as in [sync.members.delete]", _before(
            fault
        )
    return None


def _key_problem(fault: _Fault) -> _Found:
    if "key" not in fault.complaint.replace("key/value", "") and "statement" not in fault.complaint:
        return None
    line, start = fault.line, fault.first + len(fault.line) - len(fault.line.lstrip())
    if line.lstrip().startswith("- "):
        return "leave out the - before the key", (start, start + 1)
    if (found := re.match(r"\s*(//|;|--|<!--)", line)) and "{" not in line:
        return f"{found[1]} begins no remark here: write #", fault.up_to(start, "")
    if fault.text[fault.at : fault.at + 1] == ":":
        return f"write = in place of : between a key and its value, as in {_last_word(fault)} = ...", (
            fault.at,
            fault.at + 1,
        )
    if line.lstrip().startswith("="):
        return "the key is missing before =", (start, start + 1)
    return _unfit_key(fault, start) or _no_sign(fault)


def _unfit_key(fault: _Fault, start: int) -> _Found:
    """A key with blanks or umlauts and without quotes, at the start of the line or in an inline table."""
    before = fault.line[: fault.at - fault.first]
    begins = max([start, *(found.end() + fault.first for found in re.finditer(r"[{,]\s*", before))])
    key = fault.up_to(begins, "=#}")
    written = fault.text[slice(*key)]
    has_sign = fault.text[key[1] :].lstrip(" \t").startswith("=")
    if not has_sign or '"' in written or not re.search(r"[^\x00-\x7f]|\w\s+\w", written):
        return None
    if fault.is_in_fields and begins == start:
        return _SWAPPED, key
    return 'a key with blanks, or letters beyond a to z, stands in quotes, as in "Herr Dr." = ...', key


def _no_sign(fault: _Fault) -> _Found:
    if "after a key" not in fault.complaint:
        return None
    end = len(fault.text[: fault.at].rstrip())
    before = fault.text[fault.first : end]
    word = re.search(r"[^\s{]*$", before)
    span = (fault.first + (word.start() if word else 0), end)
    if re.search(r"=\s*\{\s*[A-Z_0-9]+$", before):
        return 'env = is missing before the name: write { env = "NAME" }', span
    return f"= is missing between the key and its value, as in {_last_word(fault)} = ...", span


def _last_word(fault: _Fault) -> str:
    """The key before the place; another where that may be anything else."""
    found = re.search(r"([\w-]+)[\"']?\s*$", fault.text[fault.first : fault.at])
    return found[1] if found and found[1] in known_keys() else "key"


def _before(fault: _Fault) -> Span:
    end = len(fault.text[: fault.at].rstrip())
    return end - 1, end


def _table_or_list(fault: _Fault) -> _Found:
    sign = fault.text[fault.spans.opened[-1]] if fault.spans.opened else ""
    start = fault.spans.opened[-1] if fault.spans.opened else 0
    if "inline table" in fault.complaint:
        where = fault.up_to(fault.at, "#") if fault.rest.strip() else _before(fault)
        if not fault.rest.strip() or fault.rest.startswith("#"):
            return f"the {{ is not closed: {_ONE_LINE}, and ends with }}", (start, start + 1)
        return "a comma is missing before this, or the } that closes the table", where
    if sign == "[" and ("array" in fault.complaint or _PAIR.match(fault.line) or fault.line.lstrip()[:1] == "["):
        if "array" in fault.complaint and fault.rest.strip() and not _PAIR.match(fault.rest):
            return "a comma is missing before this, or the ] that closes the list", fault.up_to(fault.at, "#,\\]")
        if fault.line_of(start) != fault.line_of(fault.at) or not fault.rest.strip():
            return "the list that begins here is not closed: write ] behind its last value", (start, start + 1)
    return None


def _value_problem(fault: _Fault) -> _Found:
    if not re.search("Invalid (value|date)", fault.complaint):
        return None
    at, rest = fault.at, fault.rest
    if fault.text[:at].rstrip(" \t")[-1:] == "," and rest[:1] == ",":
        return "one comma is enough", (at, at + 1)
    if not rest.strip() or rest[0] in "#},]":
        return f'the value is missing behind =, as in {fault.key} = "text"', _before(fault)
    if rest[0] == "=":
        return "one = is enough", (at, at + 1)
    if "date" in fault.complaint:
        message = f'this is no date of the calendar: write it in quotes, as in {fault.key} = "2026-12-31"'
        return message, fault.up_to(at, r"#,\]}")
    return _word_of_others(fault) or _bare_words(fault)


def _word_of_others(fault: _Fault) -> _Found:
    """What other languages have for a value."""
    at, rest = fault.at, fault.rest
    if found := TRUTH.match(rest):
        word = "true" if found[1] else "false"
        return f"write {fault.key} = {word}, in small letters and without quotes", (at, at + found.end())
    if found := _NOTHING.match(rest):
        return "there is no word for nothing: leave the key out", (at, at + found.end())
    if found := _VARIABLE.match(rest):
        name = next(filter(is_name_of_variable, filter(None, found.groups())), "NAME")
        message = f'what an environment variable holds is written {fault.key} = {{ env = "{name}" }}'
        return message, fault.up_to(at, r"#,\]}")
    if re.match(r"\w+\s*[+&]\s*\w", rest):
        return _TEMPLATE, fault.up_to(at, "#")
    return None


def _bare_words(fault: _Fault) -> _Found:
    at, rest = fault.at, fault.rest
    if fault.spans.opened and _PAIR.match(rest):
        return "keys stand in { }, also within a list: write [{ key = ... }]", fault.up_to(at, r"#\]")
    if fault.is_in_fields and rest.strip() in FIELDS:
        return _SWAPPED, fault.up_to(fault.first, "#")
    if re.match(r"[\w.-]+\s*,", rest) and not fault.spans.opened:
        return _several(fault)
    span = fault.up_to(at, r"#,\]}")
    return f"text stands in quotes: write {_quoted(fault, span)}", span


def _quoted(fault: _Fault, span: Span) -> str:
    """As it should be written, with the text itself where that may be shown and would do."""
    written = fault.text[slice(*span)].strip("\"'")
    is_fit = fault.key in shown_keys() and re.fullmatch(r"[\w./\\: *-]+", written) and not may_hold_login(written)
    sign = "'" if "\\" in written else '"'
    value = f"{sign}{written}{sign}" if is_fit else '"..."'
    is_alone = fault.text[fault.first : span[0]].rstrip().endswith("=")
    return f"{fault.key} = {value}" if is_alone else value


def _behind_value(fault: _Fault) -> _Found:
    if "newline" not in fault.complaint:
        return None
    start, at, rest = fault.value, fault.at, fault.rest
    if rest.startswith("//"):
        return "// begins no remark here: write #", fault.up_to(at, "")
    if rest[:1] in (";", ",") and re.fullmatch(r"[;,]\s*(#.*)?", rest):
        return f"leave out the {rest[0]} at the end of the line", (at, at + 1)
    if rest[:1] in ("]", "}"):
        return f"there is one {rest[0]} too many", (at, at + 1)
    if re.match(r"\s*\[", fault.line):
        return "what stands behind the ] of a table belongs in the next line", fault.up_to(at, "#")
    if rest.startswith(","):
        return _several(fault)
    if fault.text[start : start + 1] in ("'", '"'):
        return _behind_text(fault)
    return _behind_number(fault)


def _behind_number(fault: _Fault) -> _Found:
    whole = fault.up_to(fault.value, "#")
    written = fault.text[slice(*whole)]
    if found := re.fullmatch(r"([\d.]{1,5})\s*(%|€|Prozent|percent)", written):
        return f"write the number alone: {fault.key} = {found[1]}", whole
    if re.fullmatch(r"0\d+", written):
        return "a number has no zeros before it: leave them out, or write it in quotes where it is text", whole
    if re.match(r"[+-]?\d", written):
        return f"what is more than a number stands in quotes: write {_quoted(fault, whole)}", whole
    return "behind the value of a key begins a new line", fault.up_to(fault.at, "#")


def _several(fault: _Fault) -> _Found:
    """Values with commas between them, and no brackets around."""
    whole = fault.up_to(fault.value, "#")
    if fault.text[fault.value] == "{":
        return "several tables stand in brackets: [{ ... }, { ... }]", whole
    if fault.is_in_fields:
        return f'several columns are written {fault.key} = {{ from = ["A", "B"] }}, of which the first counts', whole
    return f'several values stand in brackets, as in {fault.key} = ["a", "b"]', whole


def _behind_text(fault: _Fault) -> _Found:
    at, rest = fault.at, fault.rest
    if _PAIR.match(rest):
        return "the next key begins a line of its own", fault.up_to(at, "#")
    if rest[:1] in ("+", "&"):
        return _TEMPLATE, fault.up_to(fault.value, "#")
    sign = fault.text[fault.value]
    if fault.text.startswith(sign * 2, fault.value):
        return f"one {sign} before the text and one behind it are enough", fault.up_to(fault.value, "#")
    other = "'" if sign == '"' else '"'
    message = f"the text ends at the second {sign}: a text that holds {sign} stands between {other} and {other}"
    return message, fault.up_to(fault.value, "#")


_RULES: tuple[Callable[[_Fault], _Found], ...] = (
    _heading,
    _twice,
    _secret,
    _signs,
    _typographic,
    _backslash,
    _open_text,
    _table_or_list,
    _end_of_table,
    _key_problem,
    _value_problem,
    _behind_value,
)
