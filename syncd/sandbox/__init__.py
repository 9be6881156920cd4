"""A fake go~mus: the customers API as `Switches` say it behaves, in process or served on a port.

It imports nothing of syncd, so that a misunderstanding of the API can't be on both sides.
"""

from .app import called_by_httpx, create_app
from .customers import Customer
from .server import serve, serve_forever
from .store import TOKEN, Call, Sandbox
from .switches import Switches, each_turned, positions

__all__ = [
    "TOKEN",
    "Call",
    "Customer",
    "Sandbox",
    "Switches",
    "called_by_httpx",
    "create_app",
    "each_turned",
    "positions",
    "serve",
    "serve_forever",
]
