"""Whether syncd answers on its own page. Where none is served there is nobody to ask, and that it runs must do."""

import http.client
import os
import sys


def is_well(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - asks there, listens nowhere
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=4)  # no proxy comes between
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    listen = os.environ.get("SYNCD_WEB_LISTEN", "")
    sys.exit(0 if not listen or is_well(listen) else 1)
