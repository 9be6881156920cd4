"""From a file, or a folder of them, to a `Config`, or to every mistake at once: read, resolve, validate, assemble."""

from collections.abc import Mapping
from pathlib import Path

from syncd.config.document import Around, read_document
from syncd.config.excerpt import Pointer
from syncd.config.folder import load_folder
from syncd.config.model import Config
from syncd.config.reading import parse, read_text, refusing_depth, with_listen
from syncd.config.templates import fill


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """From `--config`, otherwise from SYNCD_CONFIG, otherwise config.toml in the folder where syncd is started."""
    return option or Path(env.get("SYNCD_CONFIG") or "config.toml")


def load(path: Path, env: Mapping[str, str], *, is_offline: bool = False) -> Config:
    """Raises Misconfigured with every mistake in the file; it quotes neither a secret nor a value from elsewhere.

    Of a folder each museum's file has its own: they are in `museums`, and the others are there without it.
    """
    base = path.absolute() if path.is_dir() else path.absolute().parent  # not resolve(): a link may be the file
    around = Around(env=env, base=base, is_offline=is_offline)
    return load_folder(path, around) if path.is_dir() else _load_file(path, around)


def _load_file(path: Path, around: Around) -> Config:
    text = read_text(path)
    with refusing_depth(path):
        filled = fill(with_listen(parse(text, path), around.env))
        return read_document(filled, around, lambda keys: Pointer(file=path, text=text, about_keys=keys).at)
