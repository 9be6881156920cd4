"""What a status means for the caller: whether the call was done, and what to do next where it was not."""

from collections.abc import Mapping

from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear

# How a call failed, by its status or the hundred of it; None where it is done. By any other it may have been processed.
FAILURES: Mapping[int, type[CallFailed]] = {
    404: Missing,
    408: Unclear,
    409: Retryable,  # somebody else is at it
    410: Missing,
    423: Retryable,
    425: Unclear,
    429: Retryable,
}
HUNDREDS: Mapping[int, type[CallFailed] | None] = {2: None, 4: Refused}
OF_METHOD: Mapping[tuple[str, int], type[CallFailed]] = {
    ("DELETE", 409): Refused,  # because of orders
    ("POST", 409): Unclear,  # to send it again does harm where it was done
    ("POST", 423): Unclear,
}
TOO_LARGE = 413  # a proxy says so too, before it passes anything on
NOTHING = object()
"""The body of an answer that has none."""


def judge(method: str, status: int, body: object) -> type[CallFailed] | None:
    """How a call failed; None where it is done. What is not JSON, go~mus has not said: then nobody knows."""
    failure = FAILURES.get(status, HUNDREDS.get(status // 100, Unclear))
    failure = OF_METHOD.get((method, status), failure)
    if failure is None:
        is_said = isinstance(body, Mapping | list) or (method != "GET" and body is NOTHING)
    elif failure is Missing:
        is_said = isinstance(body, Mapping) and "error" in body
    else:
        is_said = failure is not Refused or isinstance(body, Mapping | list) or status == TOO_LARGE
    return failure if is_said else Unclear
