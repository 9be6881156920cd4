"""Values that stand elsewhere: `{ env = "NAME" }` and `{ file = "/run/secrets/name" }`, wherever a value may stand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from syncd.errors import Problem

KeyPath: TypeAlias = tuple[str | int, ...]


def spell(path: KeyPath) -> str:
    """As the key would be written in TOML: `sync.members.fields.email.transform[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[\w-]+", part) else f'"{part}"')
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`kind` is "env" or "file"; `name` is what the configuration wrote, and no secret."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}" if self.kind == "env" else f"the file {self.name}"


@dataclass(slots=True, kw_only=True)
class Resolved:
    """The document with every reference replaced: by an empty text, and a problem, where one leads nowhere."""

    document: object = field(default=None, repr=False)
    references: dict[KeyPath, Reference] = field(default_factory=dict)
    problems: dict[KeyPath, Problem] = field(default_factory=dict)


def resolve(document: object, env: Mapping[str, str], base: Path) -> Resolved:
    resolved = Resolved()

    def visit(value: object, path: KeyPath) -> object:
        if reference := _as_reference(value):
            resolved.references[path] = reference
            try:
                return _fetch(reference, env, base)
            except ValueError as error:
                resolved.problems[path] = Problem(path=spell(path), message=str(error))
                return ""
        if isinstance(value, dict):
            return {key: visit(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [visit(inner, (*path, number)) for number, inner in enumerate(value)]
        return value

    resolved.document = visit(document, ())
    return resolved


def _as_reference(value: object) -> Reference | None:
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in ("env", "file") and isinstance(name, str):
            return Reference(kind=kind, name=name)
    return None


def _fetch(reference: Reference, env: Mapping[str, str], base: Path) -> str:
    value = _variable(reference, env) if reference.kind == "env" else _content(reference, base)
    if not value.strip():
        raise ValueError(f"{reference} is empty")
    return value


def _variable(reference: Reference, env: Mapping[str, str]) -> str:
    if reference.name not in env:
        raise ValueError(f"{reference} is not set: set it for the process that runs syncd")
    return env[reference.name]


def _content(reference: Reference, base: Path) -> str:
    try:
        text = (base / reference.name).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"{reference} cannot be read by syncd ({reason})") from None
    except ValueError:  # a NUL in the name, or bytes that are not UTF-8; the message would quote them
        raise ValueError(f"{reference} does not hold UTF-8 text") from None
    return re.sub(r"\r?\n\Z", "", text)
