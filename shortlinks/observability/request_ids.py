"""One id for all that follows from a request: its answer, its log lines, its tasks."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar

HEADER = "X-Request-Id"
# As proxies and clients make them; too long for a code, no dots as in a token.
SANE = re.compile(r"[0-9A-Za-z_-]{16,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")
_task: ContextVar[str] = ContextVar("task", default="")


def new() -> str:
    return uuid.uuid4().hex


def accept(offered: str | None) -> str:
    """The client's own id if it is a sane one, else a new one."""
    return offered if offered and SANE.fullmatch(offered) else new()


def current() -> str:
    """An empty text where nothing was asked for."""
    return _current.get()


@contextlib.contextmanager
def bound(request_id: str) -> Iterator[None]:
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


def begin_task(name: str, request_id: str) -> None:
    """Bound until the next one begins: a pool's process does one after the other."""
    _current.set(request_id)
    _task.set(name)


def end_task() -> None:
    begin_task("", "")


def current_task() -> str:
    return _task.get()
