"""What nobody has foreseen: it is told by its class and its places, for a message may quote a value."""

import sys
import threading
from types import TracebackType


def install_crash_hooks() -> None:
    """What nobody caught becomes the event `crashed`: Python's own report would print messages, and so values."""
    sys.excepthook = _report_crash
    threading.excepthook = lambda crash: _report_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    sys.unraisablehook = lambda crash: _report_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


def _report_crash(kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    try:
        import structlog

        structlog.get_logger().critical("crashed", error=kind.__name__, exc_info=error)
    except Exception:  # noqa: BLE001 - nobody is left to tell
        sys.stderr.write(f"crashed: {kind.__name__}\n")


def report_crash(error: Exception) -> None:
    """Report the class and the places only, because the message may quote a value."""
    import structlog

    structlog.get_logger().critical("crashed", exc_info=error)
    print(f"syncd failed in a way that it does not know ({type(error).__name__}).", file=sys.stderr)
