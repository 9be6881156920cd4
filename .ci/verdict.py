"""Says on standard error why a suite that ended well proves too little: nothing ran, or what must run was skipped."""

import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator

DATABASE = ("postgres", "psycopg")
BROWSER = ("browser", "chromium")
SERVERS = ("json-server", "datasette", "singer tap")
CONTAINERS = ("container", "docker", "image")


def objections(cases: list[ET.Element], *, must_run: tuple[str, ...]) -> Iterator[str]:
    ran = [case for case in cases if case.find("skipped") is None]
    if not ran:
        yield "no test ran"
    elif not any("postgres" in f"{case.get('classname')}.{case.get('name')}".lower() for case in ran):
        yield "no test ran on PostgreSQL"
    for case in cases:
        skipped = case.find("skipped")
        if skipped is None or skipped.get("type") == "pytest.xfail":
            continue
        described = f"{case.get('classname')}.{case.get('name')}: {skipped.get('message')}"
        if any(word in described.lower() for word in must_run):
            yield f"skipped, but must run here: {described}"


def main(results: str, *options: str) -> int:
    try:
        cases = list(ET.parse(results).getroot().iter("testcase"))  # noqa: S314 - pytest wrote it a moment ago
    except ET.ParseError:
        cases = []
    must_run = DATABASE + BROWSER + SERVERS + (CONTAINERS if "--containers" in options else ())
    found = list(objections(cases, must_run=must_run))
    for objection in found:
        print(f"ci: {objection}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
