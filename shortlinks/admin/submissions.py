"""Forms that create something once, however often they are sent.

A form that creates something has a token. The first request with the token stores its
response in the same transaction. A repeated request waits, and gets that response.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from shortlinks.models import FormSubmission, User

FIELD = "form_token"
# Enough for a double click. Later, a page with secrets or links is not shown again.
REPEATED_WITHIN = timedelta(minutes=1)
RETENTION = timedelta(days=30)
NOT_KEPT = "private, no-store"


def token(request: HttpRequest) -> str:
    """Return the token that was sent, or a new one."""
    return request.POST.get(FIELD, "") or secrets.token_urlsafe(16)


def is_redirect(response: HttpResponse) -> bool:
    """Return whether the form was accepted, rather than shown again with errors."""
    return isinstance(response, HttpResponseRedirect)


def once(
    request: HttpRequest,
    respond: Callable[[], HttpResponse],
    *,
    is_accepted: Callable[[HttpResponse], bool] = is_redirect,
) -> HttpResponse:
    """Respond in a transaction, or repeat the response to the same token."""
    sent, user = request.POST.get(FIELD, ""), request.user
    if not sent or not isinstance(user, User):  # a script, or no form of ours
        return respond()
    with transaction.atomic():
        row, is_first = FormSubmission.objects.get_or_create(
            user=user, token_sha256=hashlib.sha256(sent.encode()).digest()
        )
        if not is_first:
            return _repeat(request, row, sent)
        response = respond()
        if is_accepted(response):
            row.response = _encrypt(sent, _serialize(request, response))
            row.save(update_fields=["response"])
            _purge(user)
        else:
            row.delete()
    return response


def _serialize(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    return {
        "entries": _entries(request),
        "location": response.headers.get("Location", ""),
        "content": "" if is_redirect(response) else response.content.decode(),
        "messages": _messages(request),
    }


def _entries(request: HttpRequest) -> str:
    """Return a hash of what was entered, with the names and sizes of files."""
    entered = {
        name: values
        for name, values in request.POST.lists()
        if name not in {FIELD, "csrfmiddlewaretoken"}
    }
    files = {
        name: [(file.name, file.size) for file in files]
        for name, files in request.FILES.lists()
    }
    text = json.dumps([entered, files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _messages(request: HttpRequest) -> list[list[Any]]:
    """Return the messages that the next page shows, as values for JSON."""
    queued: Any = messages.get_messages(request)
    found = [
        [each.level, str(each.message), isinstance(each.message, SafeString)]
        for each in queued
    ]
    queued.used = False  # reading them does not show them
    return found


def _repeat(request: HttpRequest, row: FormSubmission, sent: str) -> HttpResponse:
    """Return the stored response, or a redirect only.

    It is a redirect after a minute, or if the entries have changed since: a person went
    back to the form.
    """
    stored = json.loads(_fernet(sent).decrypt(bytes(row.response)))
    has_changed = stored["entries"] != _entries(request)
    if has_changed or timezone.now() - row.created_at > REPEATED_WITHIN:
        text = gettext("This form has already been sent. It was not sent again.")
        if has_changed:
            text = gettext(
                "This form has already been sent with other entries. The new ones were"
                " not stored. Change what was created, or open the form again."
            )
        messages.warning(request, text)
        return HttpResponseRedirect(stored["location"] or request.get_full_path())
    queued = _messages(request)  # the first response may have queued them already
    for level, text, is_safe in (m for m in stored["messages"] if m not in queued):
        messages.add_message(request, level, SafeString(text) if is_safe else text)
    if stored["location"]:
        return HttpResponseRedirect(stored["location"])
    return HttpResponse(stored["content"], headers={"Cache-Control": NOT_KEPT})


def _purge(user: User) -> None:
    expired = timezone.now() - RETENTION
    FormSubmission.objects.filter(user=user, created_at__lt=expired).delete()


def _encrypt(sent: str, stored: dict[str, Any]) -> bytes:
    return _fernet(sent).encrypt(json.dumps(stored).encode())


def _fernet(sent: str) -> Fernet:
    """Derive the key from the token. The row has a different hash of the token."""
    key = hashlib.sha256(b"response " + sent.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
