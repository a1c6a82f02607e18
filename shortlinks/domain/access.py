"""Who gets a link: rights are checked here and nowhere after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shortlinks.domain.urls import SafeUrl
from shortlinks.models import Contact, Right, User
from shortlinks.models.contacts import ROOT


@dataclass(frozen=True, slots=True)
class Order:
    """One item of a request for links: which url for which contact of the CRM."""

    url: SafeUrl
    entity_id: int


@dataclass(frozen=True, slots=True)
class Grant:
    """An order whose contact the caller may view. Only `grant` makes one."""

    url: SafeUrl
    entity_id: int
    contact_id: int
    account_id: int


def grant(orders: Sequence[Order], user: User) -> list[Grant]:
    """The orders the user's rights allow, in their order; others are left out.

    Specification: «на сущности, на которые нет прав — ссылки не будут сгенерированы».
    """
    visible = visible_roots({order.entity_id for order in orders}, user)
    account_id = user.account_id
    return [
        Grant(order.url, order.entity_id, visible[order.entity_id], account_id)
        for order in orders
        if account_id is not None and order.entity_id in visible
    ]


def visible_roots(entity_ids: Collection[int], user: User) -> dict[int, int]:
    """The rows of the contacts that the user may view, by the ids he asks for; those
    of merged contacts name whom they were merged into.
    """
    readable = Contact.objects.readable_by(user).filter(entity_id__in=entity_ids)
    return dict(readable.values_list("entity_id", ROOT))


def visible_contact(entity_id: int, user: User) -> Contact | None:
    """By any of its ids, if the user may view it."""
    visible = Contact.objects.visible_to(user)
    return visible.called([entity_id], user.account_id).first()


def letter_reaches(letter: str, contact: Contact, user: User) -> bool:
    """Whether a right with this letter covers the contact (contract §4)."""
    if contact.account_id != user.account_id:
        return False
    mine = contact.responsible_user_id == user.id
    same_group = user.group_id is not None and contact.group_id == user.group_id
    return (
        letter == Right.ALL
        or (letter == Right.GROUP and (mine or same_group))
        or (letter == Right.MINE and mine)
    )
