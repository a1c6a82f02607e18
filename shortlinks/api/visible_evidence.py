"""Evidence of merges and suggestions, without ids that the caller may not view.

Chats move with merges and can be reported again, so the chat that a decision used may
belong to a contact that the caller may not view. So may the facts' contact.
"""

from typing import Any, TypeVar

from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from shortlinks.models import Chat, Contact, Merge, MergeSuggestion, User

Row = TypeVar("Row", Merge, MergeSuggestion)
# The facts are those of the contact that `entity_id` names.
OF_CONTACT = ("entity_id", "facts", "first_seen_at", "last_seen_at")


def annotate(rows: "QuerySet[Row]", user: User) -> "QuerySet[Row]":
    """Annotate what `of` needs."""
    visible = Contact.objects.visible_including_merged(user)
    chats = Chat.objects.filter(contact__in=visible)
    return rows.annotate(
        shows_chat=_names(chats, "pk", "chat_id"),
        shows_contact=_names(visible, "entity_id", "entity_id"),
    )


def of(row: Any) -> dict[str, Any]:
    """Return the evidence of an annotated row."""
    hidden = set() if row.shows_chat else {"chat_id"}
    if not row.shows_contact:
        hidden.update(OF_CONTACT)
    return {key: value for key, value in row.evidence.items() if key not in hidden}


def _names(found: "QuerySet[Any]", column: str, key: str) -> Exists:
    named = Cast(KeyTextTransform(key, OuterRef("evidence")), BigIntegerField())
    return Exists(found.filter(**{column: named}))
