"""Values that stand elsewhere: `{ env = "NAME" }` and `{ file = "/run/secrets/name" }`, wherever a value may stand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.config.places import KeyPath, children, spell
from syncd.config.schema import Outline
from syncd.errors import Problem

_NO_NAME = (
    "behind env stands the name of an environment variable, not what it holds: choose a name such as GOMUS_TOKEN, "
    "write it here, and set the variable of that name where syncd runs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`kind` is "env" or "file"; `name` is the name in the configuration, which is no secret."""

    kind: str
    name: str

    def __str__(self) -> str:
        if self.kind == "file":
            return f"the file {self.name}"
        return f"the environment variable {self.name}" if is_name_of_variable(self.name) else "the environment variable"

    @property
    def content(self) -> str:
        """What a message says instead of the value."""
        return f"what {self} holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The document with every reference replaced; one that leads nowhere is a problem, and an empty text instead."""

    document: object = field(repr=False)
    references: Mapping[KeyPath, Reference]
    problems: Mapping[KeyPath, Problem]


def is_name_of_variable(text: str) -> bool:
    """Whether it may be shown; a secret that was put where the name of its variable belongs hardly looks like one."""
    is_like_a_key = re.search(r"[0-9]", text) and (re.search(r"[a-z]", text) or ("_" not in text and len(text) > 11))
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", text)) and not is_like_a_key


def resolve(document: object, env: Mapping[str, str], base: Path) -> Resolved:
    """Never raises: what can't be fetched is among the problems. Relative paths of files start from `base`."""
    references: dict[KeyPath, Reference] = {}
    problems: dict[KeyPath, Problem] = {}

    def visit(value: object, path: KeyPath) -> object:
        if reference := as_reference(value):
            references[path] = reference
            try:
                return _fetch(reference, env, base)
            except ValueError as error:
                problems[path] = Problem(path=spell(path), message=str(error))
                return ""
        if isinstance(value, dict):
            return {key: visit(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [visit(inner, (*path, number)) for number, inner in enumerate(value)]
        return value

    return Resolved(document=visit(document, ()), references=references, problems=problems)


def as_reference(value: object) -> Reference | None:
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in ("env", "file") and isinstance(name, str):
            return Reference(kind=kind, name=name)
    return None


def _fetch(reference: Reference, env: Mapping[str, str], base: Path) -> str:
    value = env.get(reference.name) if reference.kind == "env" else _content(reference, base)
    if value is None and not is_name_of_variable(reference.name):
        raise ValueError(_NO_NAME)
    if value is None:
        raise ValueError(f"{reference} is not set: set it for the process that runs syncd")
    if not value.strip():
        raise ValueError(f"{reference} is empty: put the value there")
    return value


def _content(reference: Reference, base: Path) -> str:
    try:
        text = (base / reference.name).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        remedy = "see that it is there, and that syncd may read it"
        raise ValueError(f"{reference} cannot be read by syncd ({reason}): {remedy}") from None
    except ValueError:  # a NUL in the name, or bytes that are not UTF-8; the message would quote them
        raise ValueError(f"{reference} does not hold UTF-8 text: save it with the encoding UTF-8") from None
    return re.sub(r"\r?\n\Z", "", text)


def find_plain_secrets(resolved: Resolved, outline: Outline) -> dict[KeyPath, Problem]:
    """Secrets that stand in the file itself."""

    def visit(value: object, path: KeyPath) -> Iterator[KeyPath]:
        if path in resolved.references:
            return
        if outline.is_secret(resolved.document, path):
            yield path
        else:
            for part, inner in children(value).items():
                yield from visit(inner, (*path, part))

    return {
        path: Problem(
            path=spell(path),
            message=secret_in_plain_text(str(path[-1])),
        )
        for path in visit(resolved.document, ())
    }


def secret_in_plain_text(key: str) -> str:
    return (
        "a secret does not belong in this file in plain text: "
        f'write {key} = {{ env = "NAME_OF_A_VARIABLE" }} or {{ file = "/run/secrets/name" }}'
    )
