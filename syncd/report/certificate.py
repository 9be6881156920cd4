"""The certificate of an erasure on request: what was done, step by step, and what is out of reach. No value, no id."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncd.errors import Fatal
from syncd.report.files import opening_private
from syncd.state.tombstones import Tombstone

OUT_OF_REACH = (
    "further addresses of the customer: the API reaches the first one only",
    "orders and invoices: they stay, and are kept as long as bookkeeping law asks for",
    "newsletters: subscriptions do not go with the customer",
    "tills and newsletter tools that hold copies of their own",
    "the source: take the record out of it, and out of its backups",
)


def certificate_of(erasures: Iterable[Tombstone]) -> dict[str, Any]:
    return {
        "erasures": [
            {
                "name": one.name.hex(),
                "sync": one.sync,
                "asked_at": one.at.isoformat(timespec="seconds"),
                "by": one.by,
                "why": one.why,
                "state": "open" if one.foreign_id else "done",
                "steps": [asdict(step) for step in one.steps],
            }
            for one in erasures
        ],
        "out_of_reach": list(OUT_OF_REACH),
    }


def write_certificate(file: Path, certificate: dict[str, Any]) -> None:
    """Readable for its owner only. Raises Fatal where it can't be written."""
    try:
        with opening_private(file) as opened:
            json.dump(certificate, opened, ensure_ascii=False, indent=2)
            opened.write("\n")
    except OSError as error:
        raise Fatal(
            f"the certificate, {file}, can't be written ({error.strerror})", remedy="the erasure itself stands"
        ) from None
