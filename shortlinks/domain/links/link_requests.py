"""Requests for short links, and which of them the caller may make."""

from collections.abc import Sequence
from dataclasses import dataclass

from shortlinks.domain.auth import permissions
from shortlinks.domain.links.urls import SafeUrl
from shortlinks.models import User


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One item of a request for links: which url for which contact of the CRM."""

    url: SafeUrl
    entity_id: int


@dataclass(frozen=True, slots=True)
class AuthorizedLinkRequest:
    """An order whose contact the caller may view. Only `grant` makes one."""

    url: SafeUrl
    entity_id: int
    contact_id: int
    account_id: int


def authorize(orders: Sequence[LinkRequest], user: User) -> list[AuthorizedLinkRequest]:
    """The orders the user's rights allow, in their order; others are left out.

    Specification: «на сущности, на которые нет прав — ссылки не будут сгенерированы».
    """
    visible = permissions.visible_roots({order.entity_id for order in orders}, user)
    account_id = user.account_id
    return [
        AuthorizedLinkRequest(
            order.url, order.entity_id, visible[order.entity_id], account_id
        )
        for order in orders
        if account_id is not None and order.entity_id in visible
    ]
