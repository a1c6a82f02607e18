"""Evidence of merges and suggestions, without ids that the caller may not view.

Chats move with merges and can be reported again, so the chat that a decision used may
belong to a contact that the caller may not view. The facts may be about such a contact,
too.
"""

from typing import Any, TypeVar

from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from shortlinks.models import Chat, Contact, Merge, MergeSuggestion, User

Row = TypeVar("Row", Merge, MergeSuggestion)
# The contact that `entity_id` names, and the facts about it.
CONTACT_KEYS = ("entity_id", "facts", "first_seen_at", "last_seen_at")


def annotate(rows: "QuerySet[Row]", user: User) -> "QuerySet[Row]":
    """Annotate the columns that `visible_part` needs."""
    visible = Contact.objects.visible_including_merged(user)
    chats = Chat.objects.filter(contact__in=visible)
    return rows.annotate(
        shows_chat=_refers_to(chats, "pk", "chat_id"),
        shows_contact=_refers_to(visible, "entity_id", "entity_id"),
    )


def visible_part(row: Any) -> dict[str, Any]:
    """Return the evidence of an annotated row."""
    hidden = set() if row.shows_chat else {"chat_id"}
    if not row.shows_contact:
        hidden.update(CONTACT_KEYS)
    return {key: value for key, value in row.evidence.items() if key not in hidden}


def _refers_to(rows: "QuerySet[Any]", column: str, key: str) -> Exists:
    """Match if the evidence's value of this key is in this column of the rows."""
    value = Cast(KeyTextTransform(key, OuterRef("evidence")), BigIntegerField())
    return Exists(rows.filter(**{column: value}))
