"""Requests for short links, and which of them a user may make."""

from collections.abc import Sequence
from dataclasses import dataclass

from shortlinks.domain.auth import permissions
from shortlinks.domain.links.urls import SafeUrl
from shortlinks.models import User


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One URL and one contact for which a link is requested."""

    url: SafeUrl
    entity_id: int


@dataclass(frozen=True, slots=True)
class AuthorizedLinkRequest:
    """A link request whose contact the user may view. `authorize` creates them.

    New links of the API take a faster way, with the same check in SQL
    (`link_creation.create_for_caller`).
    """

    url: SafeUrl
    entity_id: int
    contact_id: int
    account_id: int


def authorize(
    requests: Sequence[LinkRequest], user: User
) -> list[AuthorizedLinkRequest]:
    """Return the requests that the user may make, in their order.

    The others are left out silently, as in docs/contract.md.
    """
    visible = permissions.visible_roots({each.entity_id for each in requests}, user)
    account_id = user.account_id
    return [
        AuthorizedLinkRequest(
            each.url, each.entity_id, visible[each.entity_id], account_id
        )
        for each in requests
        if account_id is not None and each.entity_id in visible
    ]
