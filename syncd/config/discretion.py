"""What of a line of the configuration may be shown: not what is or may be a secret, whatever is wrong with the line."""

import re
from functools import cache
from typing import Any

from syncd.config.schema import plain_schema
from syncd.config.secrets import is_name_of_variable
from syncd.gomus.fields import FIELDS

HIDDEN = "***"
_HEADING = re.compile(r"\s*(\[{1,2}[\w. -]+(\]|$)|\[{1,2}(state|gomus|sync|template|daemon|web|notify)\b[^#=]*)\]?")
# Keys whose text is shown neither where the schema knows them: each may hold a login
DISCREET = {"headers", "params", "json", "query", "command", "value", "username", "client_id", "urls", "webhook"}
_PORT = r"""\d{1,5}(?=/|["']?$)"""
_LOGIN = re.compile(rf"""[:?].*[@=]|:.*:(?!{_PORT})|://(?![\w.*-]+(:{_PORT})?(/[^?#]*)?["']?$)""")
_PLAIN = re.compile(r"true|false|[+-]?[0-9.]{1,4}")
_NEXT_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w-]+)\s*=""")
_PIECE = re.compile(
    r"(?P<word>[„“”‚‘’«»‹›´`][^\"'“”‘’»#,=]*[\"'“”‘’»´`]?)"
    r'|(?P<quoted>"(?:\\.|[^"\\])*"?|\'[^\']*\'?)'
    r"|(?P<bare>(?:[^\s\"'=,\[\]{}#:]|:(?=\S))+)"
    r"|(?P<comment>\#.*)"
    r"|(?P<sign>.)"
)


def veil(line: str, left: int, right: int) -> tuple[str, int, int]:
    """The line without its remark and what may be secret, and where in it the part from `left` to `right` stands now.

    Shown are the text of keys that are known and hold no secret, and what is too short to be one. The line may be no
    TOML.
    """
    shown, places = "", {}
    for start, piece in _veiled(line):
        places[start] = len(shown)
        shown += piece
    places[len(line)] = len(shown)
    printable = "".join(sign if sign.isprintable() or sign == "\t" else "\N{REPLACEMENT CHARACTER}" for sign in shown)
    return printable, _moved(left, places), _moved(right, places)


def _moved(column: int, places: dict[int, int]) -> int:
    known = max(start for start in places if start <= column)
    following = min((place for start, place in places.items() if start > column), default=places[known])
    return min(places[known] + column - known, following)


def _veiled(line: str) -> list[tuple[int, str]]:
    if heading := _HEADING.match(line):
        return [(0, line[: heading.end()])]
    pieces: list[tuple[int, str]] = []
    key, expects = "", "key"  # then "=", "value", "more" words where it is not quoted, and nothing behind it
    for found in _PIECE.finditer(line):
        piece, kind, rest = found[0], found.lastgroup, line[found.end() :]
        if kind == "comment":
            break
        if kind == "sign":
            expects = _expected(piece, expects, rest)
        elif expects == "key" and _is_key(rest, piece):
            key, expects = piece.strip("\"'"), "="
        else:
            is_next = expects == "value" or (expects == "more" and kind != "quoted")
            shown = is_next and _is_shown(key, piece)
            expects = "more" if shown and kind != "quoted" else ""
            piece = piece if shown or _PLAIN.fullmatch(piece) else HIDDEN
        if not (piece == HIDDEN and pieces and pieces[-1][1] == HIDDEN):
            pieces.append((found.start(), piece))
    return pieces


def _is_key(rest: str, piece: str) -> bool:
    """What a `=` follows; also a known key that lacks it."""
    return bool(re.match(r"[^\"'=,{}\[\]]{0,30}[=:]", rest)) or piece.strip("\"'") in known_keys()


def _expected(sign: str, expects: str, rest: str) -> str:
    match sign:
        case "=" | ":":
            return {"=": "value", "more": ""}.get(expects, expects)
        case "{":
            return "key"
        case "[" if expects == "key":
            return ""
        case ",":
            return "key" if _NEXT_KEY.match(rest) else "value"
        case _:
            return expects


def _is_shown(key: str, piece: str) -> bool:
    if key == "env" and not is_name_of_variable(piece.strip("\"'„“”‚‘’")):
        return False
    return key in shown_keys() and not may_hold_login(piece)


def may_hold_login(text: str) -> bool:
    return _LOGIN.search(text) is not None


@cache
def known_keys() -> frozenset[str]:
    return frozenset(_keys(plain_schema())) | {*FIELDS, "env", "file"}


@cache
def secret_keys() -> frozenset[str]:
    """That hold a secret wherever they stand."""
    return frozenset(key for key, kinds in _keys(plain_schema()).items() if kinds == {True})


@cache
def shown_keys() -> frozenset[str]:
    """Whose text may be shown."""
    return known_keys() - {key for key, kinds in _keys(plain_schema()).items() if True in kinds} - DISCREET


def _keys(schema: Any) -> dict[str, set[bool]]:  # noqa: ANN401 - a keyword of JSON Schema may hold anything
    """The keys of all tables, and whether they hold a secret: both, where tables differ."""
    found: dict[str, set[bool]] = {}
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        for key, inner in properties.items() if isinstance(properties, dict) else ():
            found.setdefault(key, set()).add("writeOnly" in str(inner))
        for inner in schema.values():
            for key, kinds in _keys(inner).items():
                found.setdefault(key, set()).update(kinds)
    return found
