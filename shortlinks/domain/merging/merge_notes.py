"""Service notes about merges, in the language of the account."""

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import get_language, gettext

from shortlinks.domain import time_zones
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    Note,
    NoteType,
    WebhookEvent,
)

TIME_FORMATS = {"en": "%H:%M on %Y-%m-%d", "ru": "%H:%M %d.%m.%Y"}


def note_merge(account: Account, merge: Merge, survivor: Contact) -> None:
    """Add a note to the survivor, with the evidence if a rule merged them.

    Notes never name the other contact, because not everybody may view it after an undo.
    """
    with translation.override(account.language):
        if merge.created_by is not None:
            text = gettext(
                "Another contact was merged into this one by %(user)s (merge"
                " #%(merge)d)."
            )
            values: dict[str, Any] = {"merge": merge.pk, "user": merge.created_by}
        else:
            text, values = _automatic(account, merge)
    _write(survivor, text % values)


def note_undo(account: Account, merge: Merge) -> None:
    """Add a note to both contacts: who undid the merge, or why it was withdrawn."""
    with translation.override(account.language):
        if merge.undone_by is not None:
            text = gettext("%(user)s undid merge #%(merge)d.")
        else:
            text = gettext(
                "Merge #%(merge)d was undone: the link was not opened by a person."
            )
        values = {"user": merge.undone_by, "merge": merge.pk}
    for contact in (merge.survivor, merge.loser):
        _write(contact, text % values)


def explain(account: Account, evidence: dict[str, Any]) -> str:
    """Describe the evidence in the current language."""
    if "url" not in evidence:
        return gettext("the browser is the same")
    opened_at = datetime.fromtimestamp(
        evidence["opened_at"], time_zones.get(account.time_zone)
    )
    time = opened_at.strftime(TIME_FORMATS["ru" if get_language() == "ru" else "en"])
    text = gettext("the same browser opened %(url)s at %(time)s")
    return text % {"url": evidence["url"], "time": time}


def _automatic(account: Account, merge: Merge) -> tuple[str, dict[str, Any]]:
    reason = explain(account, merge.evidence)
    if "chat_id" in merge.evidence:
        text = gettext("Chat #%(chat)d joined: %(reason)s.")
        return text, {"chat": merge.evidence["chat_id"], "reason": reason}
    text = gettext("Another contact joined (merge #%(merge)d): %(reason)s.")
    return text, {"merge": merge.pk, "reason": reason}


def _write(contact: Contact, text: str) -> None:
    note = Note.objects.create(
        account_id=contact.account_id,
        contact=contact,
        note_type=NoteType.SERVICE,
        text=text,
    )
    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.pk])
