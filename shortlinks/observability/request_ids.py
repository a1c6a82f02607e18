"""Request ids, for the response, the log lines and the tasks of a request."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar

HEADER = "X-Request-Id"
# Longer than a short code, and without the dots of a token.
VALID = re.compile(r"[0-9A-Za-z_-]{16,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")
_task: ContextVar[str] = ContextVar("task", default="")


def new() -> str:
    return uuid.uuid4().hex


def accept(offered: str | None) -> str:
    """Return the client's id if it is valid, else a new one."""
    return offered if offered and VALID.fullmatch(offered) else new()


def current() -> str:
    """Return the current request id, or "" outside of requests and tasks."""
    return _current.get()


@contextlib.contextmanager
def bound(request_id: str) -> Iterator[None]:
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


def start_task(name: str, request_id: str) -> None:
    """Set task and request id until the next task; a process runs one at a time."""
    _current.set(request_id)
    _task.set(name)


def end_task() -> None:
    start_task("", "")


def current_task() -> str:
    return _task.get()
