"""What managers read of merges on the contact, in the language of their account."""

from datetime import datetime
from typing import Any

from shortlinks.domain import time_zones
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    Note,
    NoteType,
    User,
    WebhookEvent,
)

ENGLISH = {
    "chat": "Chat #{chat_id} joined: {why}.",
    "contact": "Contact #{other} joined: {why}.",
    "opened": "the same browser opened {url} at {time}",
    "same": "the browser is the same",
    "by_hand": "Contact #{other} was merged into this one by {who}.",
    "undone": "{who} undid the merge of contact #{other} into this one.",
    "parted": "{who} undid the merge of this contact into #{other}.",
}
RUSSIAN = {
    "chat": "Чат №{chat_id} присоединён: {why}.",
    "contact": "Контакт №{other} присоединён: {why}.",
    "opened": "в том же браузере открыли {url} в {time}",
    "same": "браузер тот же",
    "by_hand": "Контакт №{other} объединён с этим. Кто объединил: {who}.",
    "undone": "Объединение контакта №{other} с этим отменено. Кто отменил: {who}.",
    "parted": "Объединение этого контакта с №{other} отменено. Кто отменил: {who}.",
}
TIMES = {"en": "%H:%M on %Y-%m-%d", "ru": "%H:%M %d.%m.%Y"}


def note_merge(
    account: Account, merge: Merge, survivor: Contact, loser: Contact
) -> None:
    """On the survivor; that of an automatic merge says what it was concluded from."""
    values = {
        **merge.evidence,
        "other": loser.entity_id,
        "who": _reference(merge.created_by),
    }
    if merge.created_by is not None:
        _write(survivor, _text(account, "by_hand", values))
        return
    name = "chat" if "chat_id" in merge.evidence else "contact"
    values["why"] = explain(account, merge.evidence, account.language)
    _write(survivor, _text(account, name, values))


def note_undo(account: Account, merge: Merge, by: User) -> None:
    """On both."""
    survivor, loser = merge.survivor, merge.loser
    who = _reference(by)
    about_loser = {"who": who, "other": loser.entity_id}
    about_survivor = {"who": who, "other": survivor.entity_id}
    _write(survivor, _text(account, "undone", about_loser))
    _write(loser, _text(account, "parted", about_survivor))


def explain(account: Account, evidence: dict[str, Any], language: str) -> str:
    """What it was concluded from, in the words of whoever reads it."""
    texts = _texts(language)
    if "url" not in evidence:
        return texts["same"]
    opened_at = datetime.fromtimestamp(
        evidence["opened_at"], time_zones.get(account.time_zone)
    )
    time = opened_at.strftime(TIMES["ru" if language == "ru" else "en"])
    return texts["opened"].format_map({"url": evidence["url"], "time": time})


def _text(account: Account, name: str, values: dict[str, Any]) -> str:
    return _texts(account.language)[name].format_map(values)


def _texts(language: str) -> dict[str, str]:
    return RUSSIAN if language == "ru" else ENGLISH


def _reference(user: User | None) -> str:
    return "" if user is None else user.name or user.email


def _write(contact: Contact, text: str) -> None:
    note = Note.objects.create(
        account_id=contact.account_id,
        contact=contact,
        note_type=NoteType.SERVICE,
        text=text,
    )
    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.pk])
