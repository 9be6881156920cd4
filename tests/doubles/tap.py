"""A small Singer tap: `tap.py FILE [--state FILE]` says what FILE tells it to, as JSON: see `Script`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


def main(file: str, *rest: str) -> None:
    script = json.loads(Path(file).read_text(encoding="utf-8"))
    state = json.loads(Path(rest[1]).read_text(encoding="utf-8")) if rest[:1] == ("--state",) else None
    since = state["bookmarks"]["contacts"]["updated_at"] if state else ""
    print("Zzmeyer is being read", file=sys.stderr)
    if script.get("forks"):
        child = subprocess.Popen(["sleep", "60"])
        Path(script["forks"]).write_text(str(child.pid), encoding="utf-8")
    bookmarks = {"bookmark_properties": ["updated_at"]} if script.get("incremental") else {}
    say(type="SCHEMA", stream="others", schema={}, key_properties=[])
    say(type="RECORD", stream="others", record={"id": "x"})
    if not script.get("no_schema"):
        say(type="SCHEMA", stream="contacts", schema={"properties": {}}, key_properties=["id"], **bookmarks)
    records = [record for record in script["records"] if not since or record.get("updated_at", "") >= since]
    for number, record in enumerate(records):
        if number == script.get("breaks_after"):
            end(script["how"])
        say(type="RECORD", stream="contacts", record=record, **script.get("extra", {}))
    if script.get("incremental"):
        latest = max([since, *(record["updated_at"] for record in records)])
        say(type="STATE", value={"bookmarks": {"contacts": {"updated_at": latest}}})
    if len(records) == script.get("breaks_after"):
        end(script["how"])


def end(how: str) -> None:
    if how == "fails":
        sys.exit(3)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "lingers":
        os.close(1)
        time.sleep(60)
    if how == "silent":
        time.sleep(60)
    if how == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    print({"cut": '{"type": "RECORD", "str', "noise": "Zzmeyer said hello"}[how], flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
