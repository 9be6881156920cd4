"""A folder as the configuration: `syncd.toml` has what is said once, every other file is one museum's.

A mistake in a museum's file is that museum's; one in `syncd.toml` is everybody's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from syncd.config.document import Around, read_document
from syncd.config.excerpt import Pointer
from syncd.config.model import Config, Marks, Museum, Shared, SyncConfig
from syncd.config.neighbours import find_clashes
from syncd.config.places import TEMPLATE, KeyPath, find_table, in_order_of_file, spell
from syncd.config.reading import parse, read_text, refusing_depth, with_listen
from syncd.config.schema import outline
from syncd.config.secrets import find_plain_secrets, resolve
from syncd.config.templates import Filled, fill
from syncd.domain.museums import museum_of, within
from syncd.errors import Misconfigured, Problem
from syncd.gomus.options import GomusOptions

Problems: TypeAlias = dict[KeyPath, Problem]
SHARED = "syncd.toml"
OF_A_MUSEUM = ("gomus", "sync")
KEY = "digest_key"
IN_STATE: KeyPath = ("state", KEY)  # where the key of a museum is looked at like any other
BELONGS_HERE = f"belongs in {SHARED} beside this file, where it holds for all museums"
BELONGS_THERE = "belongs in the file of a museum, such as louvre.toml beside this one"
OWN_KEY = f'; a key of its own stands at the top of this file: {KEY} = {{ env = "LOUVRE_KEY" }}'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What all files of the folder have in common. `used` names the templates in use, by sync."""

    file: Path
    text: str = field(repr=False)
    filled: Filled
    tables: Shared
    around: Around
    used: dict[str, str] = field(default_factory=dict)

    @property
    def templates(self) -> dict[str, object]:
        return find_table(self.filled.given, TEMPLATE)


def marks_of(folder: Path) -> Marks:
    """Of each file, what tells whether it is another one now, or may be read now. Raises OSError without the folder."""
    found: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix == ".toml" and not file.name.startswith("."):
            with suppress(FileNotFoundError):  # gone since
                status = file.stat()
                found[file.name] = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode)
    return found


def load_folder(folder: Path, around: Around) -> Config:
    """Raises Misconfigured where `syncd.toml` has mistakes; a museum with mistakes has them in `museums`."""
    try:
        marks = marks_of(around.base)
    except OSError as error:  # no museum is gone because of it
        problem = Problem(path="", message=f"the folder {folder} can't be read ({error.strerror})")
        raise Misconfigured([problem], remedy="let the user that runs syncd read it") from None
    common = _read_common(folder, around)
    syncs: dict[str, SyncConfig] = {}
    gomus: dict[str, GomusOptions] = {}
    museums: dict[str, Museum] = {}
    for name in marks:
        museum = name.removesuffix(".toml")
        try:
            part = _read_museum(folder / name, common) if name != SHARED else None
        except Misconfigured as error:
            museums[museum] = Museum(file=folder / name, problems=tuple(_with_remedy(error)))
            continue
        if part is not None:
            museums[museum] = Museum(file=folder / name, digest_key=part.state.digest_key)
            syncs |= {within(museum, own): _renamed(sync, museum) for own, sync in part.syncs.items()}
            gomus |= {within(museum, own): options for own, options in part.gomus.items()}
    _judge_templates(common, museums.values())
    whole = Config.model_construct(
        **dict(common.tables), base=around.base, gomus=gomus, syncs=syncs, museums=museums, marks=marks
    )
    return _without_broken(whole, find_clashes(whole))


def keep_what_is_broken(config: Config, before: Config) -> Config:
    """For who has read it before: what a file said that has mistakes now goes on."""
    kept = {name for name in config.broken if name in before.museums}
    if not kept:  # as where it is one file, which has no museums
        return config
    each = [(name, before if name in kept else config) for name in config.museums]
    museums = {
        name: museum.model_copy(update={"digest_key": before.museums[name].digest_key}) if name in kept else museum
        for name, museum in config.museums.items()
    }
    return config.model_copy(
        update={
            "syncs": {name: one for of, read in each for name, one in read.syncs.items() if museum_of(name) == of},
            "gomus": {name: one for of, read in each for name, one in read.gomus.items() if museum_of(name) == of},
            "museums": museums,
        }
    )


def _without_broken(whole: Config, problems: Mapping[str, list[Problem]]) -> Config:
    def sound(name: str) -> bool:
        return museum_of(name) not in problems

    museums = {
        name: museum.model_copy(update={"problems": tuple(problems.get(name, museum.problems))})
        for name, museum in whole.museums.items()
    }
    return whole.model_copy(
        update={
            "syncs": {name: sync for name, sync in whole.syncs.items() if sound(name)},
            "gomus": {name: options for name, options in whole.gomus.items() if sound(name)},
            "museums": museums,
        }
    )


def _with_remedy(error: Misconfigured) -> Iterator[Problem]:
    for problem in error.problems:
        yield replace(problem, message=f"{problem.message}: {error.remedy}") if error.remedy else problem


def _renamed(sync: SyncConfig, museum: str) -> SyncConfig:
    """What it names in its own file, by the names that hold in all of them."""
    foreign_id, same_as = sync.foreign_id, sync.foreign_id.same_as
    if same_as is not None:
        elsewhere = same_as.model_copy(update={"sync": within(museum, same_as.sync)})
        foreign_id = foreign_id.model_copy(update={"same_as": elsewhere})
    names = {"name": within(museum, sync.name), "gomus": within(museum, sync.gomus)}
    return sync.model_copy(update={**names, "foreign_id": foreign_id})


# --- syncd.toml ---


def _read_common(folder: Path, around: Around) -> _Common:
    file = folder / SHARED
    if not file.exists():
        problem = Problem(path="", message=f"the folder {folder} has no {SHARED}")
        remedy = f"name a file in it, such as {folder / 'config.toml'}; a folder with a file for each museum needs one"
        raise Misconfigured([problem], remedy=f"{remedy} with [state] and what they have in common")
    text = read_text(file)
    with refusing_depth(file):
        document = with_listen(parse(text, file), around.env)
        misplaced: Problems = {
            (key,): Problem(path=key, message=BELONGS_THERE) for key in OF_A_MUSEUM if key in document
        }
        filled = fill({key: one for key, one in document.items() if key not in OF_A_MUSEUM})
        resolved = resolve(filled.document, around.env, around.base)
        missing: Problems = {**resolved.problems, **filled.problems, **misplaced}
        error: ValidationError | None = None
        try:
            tables = Shared.model_validate(resolved.document)
        except ValidationError as mistakes:
            error = mistakes
        else:
            tables = tables.model_copy(update={"state": tables.state.anchored(around.base)})
            if not (missing or find_plain_secrets(resolved, outline(frozenset()))):
                return _Common(file=file, text=text, filled=filled, tables=tables, around=around)
        from syncd.config.mistakes import find_mistakes

        problems, about_keys = find_mistakes(resolved, missing, error)
        at = Pointer(file=file, text=text, about_keys={*about_keys, *misplaced}).at
        raise Misconfigured(at(problems[place], place) for place in in_order_of_file(problems, document))


def _judge_templates(common: _Common, museums: Iterable[Museum]) -> None:
    """Raise Misconfigured for those that nobody uses, and for all where a museum's mistake stands in one."""
    is_in_one = any(problem.place.startswith(f"{common.file}:") for one in museums for problem in one.problems)
    filled = replace(common.filled, used={} if is_in_one else common.used)
    if not filled.unused:
        return
    from syncd.config.mistakes import find_in_unused

    told, about_keys = find_in_unused(filled, common.around.env, common.around.base)
    at = Pointer(file=common.file, text=common.text, about_keys=about_keys).at
    if told:
        raise Misconfigured(at(told[place], place) for place in in_order_of_file(told, filled.given))


# --- a museum ---


def _read_museum(file: Path, common: _Common) -> Config:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", file.stem):
        message = f"the museum's name {file.stem!r} may have letters, digits, '-' and '_' only: rename the file"
        raise Misconfigured([Problem(path="", message=message, place=str(file))])
    text = read_text(file)
    with refusing_depth(file):
        document = parse(text, file)
        elsewhere: Problems = {
            (key,): Problem(path=key, message=BELONGS_HERE) for key in _shared_keys() if key in document
        }
        if "state" in document:
            elsewhere["state",] = Problem(path="state", message=BELONGS_HERE + OWN_KEY)
        own = {key: one for key, one in document.items() if (key,) not in elsewhere and key != KEY}
        key = {"state": {KEY: document[KEY]}} if KEY in document else {}
        templates = {TEMPLATE: common.templates} if common.templates else {}
        filled = fill({**own, **key, **templates})
        common.used.update({within(file.stem, sync): template for sync, template in filled.used.items()})

        def point(about_keys: set[KeyPath]) -> Callable[[Problem, KeyPath], Problem]:
            here = Pointer(file=file, text=text, about_keys={*map(_as_written, about_keys), *elsewhere})
            there = Pointer(file=common.file, text=common.text, about_keys=about_keys)

            def at(problem: Problem, place: KeyPath) -> Problem:
                if place[:1] == (TEMPLATE,) and place not in elsewhere:
                    return there.at(problem, place)
                spelt = replace(problem, path=spell(_as_written(place))) if place == IN_STATE else problem
                found = here.at(spelt, _as_written(place))
                return found if found.place else replace(found, place=str(file))

            return at

        return read_document(filled, common.around, point, found=elsewhere, judges_unused=False)


def _shared_keys() -> list[str]:
    return [*Shared.model_fields, TEMPLATE]


def _as_written(place: KeyPath) -> KeyPath:
    return place[1:] if place == IN_STATE else place
