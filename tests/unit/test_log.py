"""What leaves in the log, event by event."""

import ast
import errno
import io
import json
import logging
import re
import sys
import threading
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import structlog

from syncd import log
from syncd.cli import progress
from syncd.cli.crashes import install_crash_hooks
from syncd.cli.progress import log_stream
from syncd.errors import StateUnusable

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
LOGGING = re.compile(
    r"\b(log|logger|get_logger\(\))\.(info|warning|error|critical|log)$|\bbound(_contextvars)?$|^tell$"
)
STAMP = {"timestamp": "2026-11-23T12:00:00.123Z"}


@pytest.fixture(autouse=True)
def _untouched_logging():
    root = logging.getLogger()
    before = root.handlers, root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    logging.captureWarnings(capture=False)
    root.handlers, level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    root.setLevel(level)
    structlog.reset_defaults()
    log._streams.clear()


class Stream(io.StringIO):
    terminal = False

    def isatty(self):
        return self.terminal

    @property
    def events(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def stream():
    stream = Stream()
    log.configure("json", stream, clock=lambda: NOON)
    return stream


def test_an_event_is_one_line_of_json(stream):
    with log.bound(sync="members", run="0193"):
        log.get_logger().info("run.finished", counts={"created": 2}, duration=timedelta(seconds=1.5), status="done")
    assert stream.getvalue() == (
        '{"timestamp":"2026-11-23T12:00:00.123Z","level":"info","event":"run.finished","sync":"members",'
        '"run":"0193","status":"done","counts":{"created":2},"duration":1.5}\n'
    )


def test_what_is_bound_ends_with_its_block(stream):
    with log.bound(sync="members", run="0193"):
        log.get_logger().info("run.started")
    log.get_logger().info("stopped")
    assert stream.events == [
        {**STAMP, "level": "info", "event": "run.started", "sync": "members", "run": "0193"},
        {**STAMP, "level": "info", "event": "stopped"},
    ]


def test_umlauts_stay_as_they_are_and_line_breaks_do_not_break_the_line(stream):
    log.get_logger().info("source.invalid_record", position="Mitglieder für März.csv line 3", reason="zwei\nZeilen")
    assert "Mitglieder für März.csv" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_key_that_is_not_on_the_list_stays_and_is_named(stream):
    log.get_logger().info("record.outcome", foreign_id="MEMBER-7", email="anna@example.org", row={"Name": "Anna"})
    assert stream.events == [
        {**STAMP, "level": "info", "event": "record.outcome", "foreign_id": "MEMBER-7", "dropped": ["email", "row"]}
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fields", {"email": "anna@example.org"}),
        ("fields", "anna@example.org"),
        ("fields", [{"email": "anna@example.org"}]),
        ("counts", {"created": "anna@example.org"}),
        ("counts", ["anna@example.org"]),
        ("error", ValueError("anna@example.org")),
        ("reason", b"anna@example.org"),
        ("duration", float("nan")),
    ],
)
def test_a_value_without_the_shape_of_its_key_stays(stream, key, value):
    log.get_logger().info("record.outcome", **{key: value})
    assert stream.events == [{**STAMP, "level": "info", "event": "record.outcome", "dropped": [key]}]


def test_names_times_and_paths_are_written_plainly(stream):
    log.get_logger().info(
        "run.planned", fields={"surname", "email"}, source=Path("a/b.csv"), next_run=NOON, result=True
    )
    assert stream.events == [
        {**STAMP, "level": "info", "event": "run.planned", "result": True, "fields": ["email", "surname"],
         "source": "a/b.csv", "next_run": "2026-11-23T12:00:00.123456+00:00"}
    ]  # fmt: skip


def test_a_name_put_together_at_run_time_does_not_leave(stream):
    log.get_logger().info("could not save anna@example.org")
    log.get_logger().info("saved %s", "anna@example.org")
    assert stream.events == 2 * [{**STAMP, "level": "info", "event": "unnamed", "dropped": ["event"]}]


def test_nobody_passes_off_an_exception_text_or_a_level(stream):
    log.get_logger().info("stopped", exception="anna@example.org", stack="anna@example.org")
    assert stream.events == [{**STAMP, "level": "info", "event": "stopped", "dropped": ["exception", "stack"]}]


def fail_with_a_value():
    email = "anna@example.org"
    raise ValueError(email)


def fail_in_our_words():
    try:
        fail_with_a_value()
    except ValueError as error:
        raise StateUnusable("the state is out of reach") from error


def test_an_exception_is_told_by_class_and_place_and_only_ours_by_message(stream):
    try:
        fail_in_our_words()
    except StateUnusable:
        log.get_logger().exception("run.failed", error="StateUnusable")
    (event,) = stream.events
    frames = [
        [frame.partition(":")[0] + " " + frame.partition(" in ")[2] for frame in one.pop("frames")]
        for one in event["exception"]
    ]
    here = Path(__file__).name
    assert event == {
        **STAMP, "level": "error", "event": "run.failed", "error": "StateUnusable",
        "exception": [
            {"type": "syncd.errors.StateUnusable", "message": "the state is out of reach"},
            {"type": "ValueError"},
        ],
    }  # fmt: skip
    assert [[frame.rpartition("/")[2] for frame in one] for one in frames] == [
        [f"{here} test_an_exception_is_told_by_class_and_place_and_only_ours_by_message", f"{here} fail_in_our_words"],
        [f"{here} fail_in_our_words", f"{here} fail_with_a_value"],
    ]


def test_the_members_of_a_group_are_told_too(stream):
    log.get_logger().error("run.failed", exc_info=ExceptionGroup("anna", [ValueError("anna"), StateUnusable("away")]))
    assert stream.events[0]["exception"] == [
        {"type": "ExceptionGroup", "frames": []},
        {"type": "ValueError", "frames": []},
        {"type": "syncd.errors.StateUnusable", "message": "away", "frames": []},
    ]


def test_a_library_that_warns_is_named_and_not_quoted(stream):
    logging.getLogger("sqlalchemy.pool").warning("lost %s", "postgresql://user:secret@host")
    logging.getLogger("urllib3").info("GET https://host/?token=secret")
    assert stream.events == [{**STAMP, "level": "warning", "event": "library.warning", "logger": "sqlalchemy.pool"}]


def test_a_warning_of_python_is_not_quoted_either(stream):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("about anna@example.org", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert stream.events == [{**STAMP, "level": "warning", "event": "library.warning", "logger": "py.warnings"}]


def test_the_addresses_that_httpx_calls_do_not_leave(stream):
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.get("https://demo.gomus.de/api/v4/customers/MEMBER-7?token=secret")
    assert stream.getvalue() == ""


def test_what_nobody_caught_becomes_an_event_without_its_message(stream, capsys):
    install_crash_hooks()
    try:
        fail_with_a_value()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=fail_with_a_value)
    thread.start()
    thread.join()
    assert [(event["event"], event["level"], event["error"]) for event in stream.events] == 2 * [
        ("crashed", "critical", "ValueError")
    ]
    assert "anna" not in stream.getvalue() + "".join(capsys.readouterr())


def test_a_log_that_cannot_be_written_does_not_hide_the_crash(stream, capsys):
    install_crash_hooks()
    stream.close()
    sys.excepthook(ValueError, ValueError("anna@example.org"), None)
    assert capsys.readouterr().err == "crashed: ValueError\n"


def test_a_terminal_is_written_to_for_people():
    terminal = Stream()
    terminal.terminal = True
    log.configure(None, terminal, clock=lambda: NOON)
    log.get_logger().info("run.started", sync="members")
    assert "run.started" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")


def test_what_is_no_terminal_is_written_to_as_json():
    stream = Stream()
    log.configure(None, stream, clock=lambda: NOON)
    log.get_logger().info("run.started")
    assert stream.events == [{**STAMP, "level": "info", "event": "run.started"}]


def test_the_readable_form_shows_class_and_place_and_no_escape_codes_of_values():
    stream = Stream()
    log.configure("console", stream, clock=lambda: NOON)
    try:
        fail_in_our_words()
    except StateUnusable:
        log.get_logger().exception("run.failed", foreign_id="MEMBER-\x1b[2J\n7")
    text = stream.getvalue()
    assert "syncd.errors.StateUnusable: the state is out of reach\n    " in text
    assert "\nValueError\n" in text
    assert "anna" not in text
    assert "\x1b[2J" not in text


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_character_that_the_stream_cannot_write_is_escaped(tmp_path, format):
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        log.configure(format, stream, clock=lambda: NOON)
        log.get_logger().info("run.started", source="für\udcfc")
    (line,) = (tmp_path / "log").read_text().splitlines()
    if format == "json":
        assert json.loads(line)["source"] == "für\\udcfc"
    else:
        assert line.endswith(r"source='f\xfcr\\udcfc'")


def test_the_list_holds_no_key_that_nobody_logs():
    calls = [
        node
        for file in Path(log.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and LOGGING.search(ast.unparse(node.func))
    ]
    assert log.ALLOWED.keys() - {keyword.arg for call in calls for keyword in call.keywords} == set()


# --- when lines leave ---


class Output(io.StringIO):
    """Standard output; `left` is what has left the process."""

    encoding = "utf-8"
    left = writes = 0

    def write(self, text):
        self.writes += 1
        return super().write(text)

    def flush(self):
        self.left = len(self.getvalue().splitlines())


def writing_to(monkeypatch):
    output = Output()
    monkeypatch.setattr(sys, "stdout", output)
    log.configure("json", log_stream())
    return output


def test_a_line_leaves_when_it_is_written(monkeypatch):
    output = writing_to(monkeypatch)
    log.get_logger().info("run.started")
    assert output.left == 1


def test_lines_of_many_records_leave_together(monkeypatch):
    output = writing_to(monkeypatch)
    with log.together():
        log.get_logger().info("record.outcome")
        log.get_logger().info("record.outcome")
        assert output.left == 0
    assert output.left == 2
    log.get_logger().info("run.finished")
    assert output.left == 3


def test_lines_of_many_records_are_one_write_where_nothing_is_buffered(monkeypatch):
    output = writing_to(monkeypatch)
    with log.together():
        log.get_logger().info("record.outcome")
        log.get_logger().info("record.outcome")
    assert output.writes == 1


def test_a_line_of_another_thread_leaves_with_the_others(monkeypatch):
    output = writing_to(monkeypatch)
    with log.together():
        other = threading.Thread(target=lambda: log.get_logger().warning("lease.lost"))
        other.start()
        other.join()
    assert output.left == 1


def test_lines_that_can_not_leave_end_nothing(monkeypatch):
    silenced, output = [], writing_to(monkeypatch)
    monkeypatch.setattr(progress, "silence_output", lambda: silenced.append(True))
    monkeypatch.setattr(output, "flush", fail_for_want_of_room)
    with log.together():
        log.get_logger().info("record.outcome")
    assert silenced


def fail_for_want_of_room():
    raise OSError(errno.ENOSPC, "no room")
