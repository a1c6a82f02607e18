"""Entries of a form that was sent after its session had ended.

A page keeps them, leads through the sign-in, and sends them again. Passwords are
dropped, and users choose files again.
"""

from typing import Any

import msgspec
from django.http import HttpRequest
from django.urls import reverse

from shortlinks.admin.upload_handler import ImportUploadHandler

FIELD = "kept"
SESSION_KEY = "kept_entries"
MAX_KEPT = 512 * 1024  # characters
DROPPED = {
    "csrfmiddlewaretoken",
    "password",
    "password1",
    "password2",
    "old_password",
    "oldpassword",
    "new_password1",
    "new_password2",
    "code",
    "credential",
}


class Kept(msgspec.Struct, frozen=True):
    """Entries of a form, to be sent again to its path."""

    path: str
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []


def of_request(request: HttpRequest) -> Kept:
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, str(value)) for name, value in sent if name not in DROPPED]
    is_small = sum(len(name) + len(value) for name, value in fields) < MAX_KEPT
    return Kept(request.get_full_path(), fields if is_small else [], _files(request))


def context_of(request: HttpRequest) -> dict[str, Any]:
    """Return the context with which the sign-in page keeps the entries it received."""
    kept = _decode(request.POST.get(FIELD, ""))
    return {} if kept is None else context(kept)


def context(kept: Kept) -> dict[str, Any]:
    has_entries = bool(kept.fields or kept.files)
    return {FIELD: msgspec.json.encode(kept).decode() if has_entries else ""}


def keep_until_signed_in(request: HttpRequest) -> None:
    """Keep the entries in the session, because a second factor may follow."""
    if _decode(text := request.POST.get(FIELD, "")):
        request.session[SESSION_KEY] = text
    else:
        request.session.pop(SESSION_KEY, None)


def are_kept(request: HttpRequest) -> bool:
    return SESSION_KEY in request.session


def take(request: HttpRequest) -> Kept | None:
    """Return the entries in the session, and remove them from it."""
    return _decode(request.session.pop(SESSION_KEY, ""))


def _files(request: HttpRequest) -> list[tuple[str, str]]:
    stored = [(name, str(file)) for name, file in request.FILES.items()]
    skipped = [
        each
        for handler in request.upload_handlers
        if isinstance(handler, ImportUploadHandler)
        for each in handler.skipped
    ]
    return [*stored, *skipped]


def _decode(text: str) -> Kept | None:
    try:
        kept = msgspec.json.decode(text, type=Kept)
    except msgspec.MsgspecError:
        return None
    return kept if kept.path.startswith(reverse("admin:index")) else None
