"""Answers in a line of plain text."""

from flask import Response


def plain(words: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(f"{words}\n", status=status, headers=headers, mimetype="text/plain")
