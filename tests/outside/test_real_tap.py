"""A Singer tap that nobody here wrote, in an environment of its own, reading a CRM over HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crm import Crm, open_crm
from parts import IN_HASTE, leave_out

from syncd.errors import IncompleteRead
from syncd.sources.base import ReadKind
from syncd.sources.singer import SingerOptions, SingerSource

TAP = "tap-rest-api-msdk"
VERSION = "1.4.2"


@pytest.fixture(scope="session")
def tap(pytestconfig: pytest.Config) -> Path:
    """Installed once, and kept in pytest's cache; skipped only where no package index is within reach."""
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir(f"{TAP}-{VERSION}"))
    program = folder / "bin" / TAP
    if program.exists():
        return program
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", f"{TAP}=={VERSION}"]
    if subprocess.run(install, check=False, capture_output=True, env=os.environ | IN_HASTE).returncode:
        leave_out("TAP", f"no Singer tap: pip gets no {TAP} from a package index")
    return program


@pytest.fixture
def crm() -> Crm:
    return Crm(records=[{"id": day, "updated_at": f"2026-11-{day:02d}T10:00:00Z"} for day in range(1, 11)])


@pytest.fixture
def source(tap: Path, crm: Crm, tmp_path: Path) -> Iterator[Callable[..., SingerSource]]:
    with open_crm(crm) as url:

        def source(**stream: Any) -> SingerSource:
            told = {"name": "contacts", "path": "/api/all", "primary_keys": ["id"], "records_path": "$[*]", **stream}
            config = {"api_url": url, "start_date": "2026-11-01T00:00:00Z", "streams": [told]}
            (tmp_path / "tap.json").write_text(json.dumps(config), encoding="utf-8")
            options = SingerOptions(command=(str(tap), "--config", "tap.json"), stream="contacts")
            return SingerSource(options, base=tmp_path, sleep=time.sleep, clock=lambda: datetime.now(UTC))

        yield source


def read(source: SingerSource, cursor: str | None = None) -> tuple[ReadKind, list[object], str | None]:
    with source.open(cursor) as reading:
        return reading.kind, [record.values["id"] for record in reading], reading.cursor


def test_a_stream_that_is_read_whole_is_a_snapshot(source: Callable[..., SingerSource]) -> None:
    assert read(source()) == (ReadKind.SNAPSHOT, list(range(1, 11)), None)


def test_an_incremental_stream_goes_on_from_its_state(source: Callable[..., SingerSource], crm: Crm) -> None:
    incremental = source(
        replication_key="updated_at", source_search_field="updated_since", source_search_query="$last_run_date"
    )
    kind, found, cursor = read(incremental)
    assert (kind, found) == (ReadKind.CHANGES, list(range(1, 11)))
    crm.records.append({"id": 11, "updated_at": "2026-11-12T10:00:00Z"})
    assert read(incremental, cursor)[1] == [10, 11]


def test_a_crm_that_fails_makes_no_snapshot(source: Callable[..., SingerSource], crm: Crm) -> None:
    made = source()
    crm.token = "of somebody else"
    with pytest.raises(IncompleteRead, match="failed with exit code 1"):
        read(made)
