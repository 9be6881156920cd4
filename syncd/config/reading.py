"""The text of the configuration file, and the document that it spells; or what hinders that, with its place."""

import codecs
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from syncd.config.excerpt import point_at
from syncd.config.syntax import diagnose
from syncd.errors import Misconfigured, Problem

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AS_UTF_8 = "save it with the encoding UTF-8"
LISTEN = "SYNCD_WEB_LISTEN"


def read_text(path: Path) -> str:
    """With line ends as Unix has them, and without the byte order mark of Notepad."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        remedy = "name another with --config or SYNCD_CONFIG, or start from `syncd config example`"
        _refuse(f"there is no configuration file {path}", remedy)
    except IsADirectoryError:
        _refuse(f"the configuration file {path} is a folder", f"name the file in it, such as {path / 'config.toml'}")
    except PermissionError:
        _refuse(
            f"the configuration file {path} must not be read by this user",
            "give the user that runs syncd the right to read it",
        )
    except OSError as error:
        _refuse(f"the configuration file {path} cannot be read ({error.strerror})")
    except ValueError:  # a NUL in the name
        _refuse("the configuration file has a name that no file can have", "name another with --config or SYNCD_CONFIG")
    if content.startswith(_UTF_16) or b"\0" in content[:4]:
        _refuse(f"{path} is not UTF-8 text but UTF-16, which Windows calls Unicode", _AS_UTF_8)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number, column = content.count(b"\n", 0, error.start) + 1, error.start - content.rfind(b"\n", 0, error.start)
        _refuse(f"{path}:{number}:{column}: is not UTF-8 text", _AS_UTF_8)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, span = diagnose(text, str(error))
        problem = point_at(Problem(path="", message=message), path, text, span)
    except ValueError:  # a number of thousands of digits, which Python does not read
        problem = Problem(path="", message="holds a number with too many digits", place=str(path))
    raise Misconfigured([problem])


@contextmanager
def refusing_depth(path: Path) -> Iterator[None]:
    """Whatever walks through a document does so level by level."""
    try:
        yield
    except RecursionError:
        message = "has brackets within brackets, too many for syncd: leave some out"
        raise Misconfigured([Problem(path="", message=message, place=str(path))]) from None


def with_listen(document: Mapping[str, object], env: Mapping[str, str]) -> Mapping[str, object]:
    """The image of a container names the address for its page; the file may name another."""
    web = document.get("web", {})
    if not env.get(LISTEN) or not isinstance(web, dict):
        return document
    return {**document, "web": {"listen": {"env": LISTEN}, **web}}


def _refuse(message: str, remedy: str | None = None) -> NoReturn:
    raise Misconfigured([Problem(path="", message=message)], remedy=remedy) from None
