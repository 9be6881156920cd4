"""What was erased on request: the list, `erasures`, and certificates, also of erasures of long ago."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from syncd.assembly import State, looking_at_state, make_instance, now
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, PROBLEMS, USAGE, sentence, stop
from syncd.config.model import Config
from syncd.domain.addresses import server_of
from syncd.domain.durations import parse_duration
from syncd.domain.languages import Language
from syncd.domain.museums import museum_of
from syncd.report.certificate import Certificate, Certified, is_form
from syncd.report.words import iso, plain
from syncd.state.erasures import Place
from syncd.state.tombstones import Tombstone

CertificateFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write to this file, .html or .json, what was done and what is out of reach."),
]
CertificateLanguage: TypeAlias = Annotated[Language, typer.Option(help="The language of the certificate.")]
SHORTEST_NAME = 6  # letters of a keyed hash, which are enough to tell it from others


def erasures(
    context: typer.Context,
    certificate: CertificateFile = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="HASH", help="Only this person, by the keyed hash, or its beginning.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only those asked for in so long until now, such as 30d.")
    ] = None,
    lang: CertificateLanguage = Language.ENGLISH,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the erasures on request, the latest first: when, by whom, whether they are over; whom, as a keyed hash.

    With --certificate it writes what was done for each of them, step by step, in place of the list.

    Exit code: 0 where there is none, 3 where there are some; 0 where the certificate is written.
    """
    require_form(certificate)
    span = _span(since) if since is not None else None
    with ctx.configured(context) as config, looking_at_state(config) as state:
        found = _named(_all_erasures(config, state), name or [])
        if span is not None:
            found = [one for one in found if one.asked_at >= now() - span]
        if certificate is not None:
            certify(config, found, certificate, lang)
            raise typer.Exit(DONE)
        rows = [_row(one) for one in found]
        lines = [
            f"{plain(str(row['at']))}  {row['sync'] or '-'}  {row['state']}  {row['by'] or '-'}  {row['name']}"
            for row in rows
        ]
        ctx.answer(json, rows, lines or ["Nobody was erased on request."])
        raise typer.Exit(PROBLEMS if rows else DONE)


def _span(since: str) -> timedelta:
    try:
        return parse_duration(since)
    except ValueError as error:
        stop(sentence(f"--since: {error}"), USAGE)


def _named(found: Sequence[Certified], names: Sequence[str]) -> list[Certified]:
    for name in names:
        if len(name) < SHORTEST_NAME or not any(one.name.startswith(name.lower()) for one in found):
            stop(f"Nobody was erased under the keyed hash {name!r}. `syncd erasures` lists them.", USAGE)
    wanted = tuple(name.lower() for name in names)
    return [one for one in found if not wanted or one.name.startswith(wanted)]


def _all_erasures(config: Config, state: State) -> list[Certified]:
    """Each once, though several museums may have one go~mus: under the museum of its sync, if it is there."""
    found: dict[tuple[str, str], Certified] = {}
    for instance, options in config.gomus.items():
        for one in _erasures_of(config, state, instance):
            is_its_own = one.tombstone is not None and museum_of(one.tombstone.sync) == museum_of(instance)
            key = (server_of(options.url), one.name)
            found[key] = one if is_its_own else found.get(key, one)
    return list(found.values())


def _erasures_of(config: Config, state: State, instance: str) -> Iterator[Certified]:
    """Those that the state knows, and of a state that was lost those that the ledger has."""
    requested = state.store.tombstones.requested(make_instance(config, instance, state))
    yield from (certified(config, instance, one) for one in requested)
    known = {one.ledger.hex() for one in requested if one.ledger}
    for digest, at in state.erasures.read(Place(instance, config.gomus[instance].url)).times.items():
        if digest not in known:
            yield Certified(name=digest, instance=instance, asked_at=at, zone=config.zone_of(None))


def _row(one: Certified) -> dict[str, str | None]:
    asked = one.tombstone
    return {
        "sync": asked.sync if asked else None,
        "at": iso(one.asked_at, one.zone),
        "by": asked.by if asked else None,
        "state": "open" if one.state == "open" else "done",
        "name": one.name,
    }


# --- certificates ---


def require_form(file: Path | None) -> None:
    """End the command, before anything is done, where the file's ending is none that a certificate can have."""
    if file is not None and not is_form(file):
        stop(f"--certificate {file}: the ending says the form: .html to read and print, .json for programs.", USAGE)


def certified(config: Config, instance: str, tombstone: Tombstone) -> Certified:
    return Certified(
        name=tombstone.name.hex(),
        instance=instance,
        asked_at=tombstone.at,
        zone=config.zone_of(tombstone.sync),
        tombstone=tombstone,
    )


def certify(config: Config, erased: Sequence[Certified], file: Path, language: Language) -> None:
    """Raises Fatal where the file can't be written."""
    Certificate(erasures=erased, made_at=now(), keep=config.state.keep, language=language).write(file)
