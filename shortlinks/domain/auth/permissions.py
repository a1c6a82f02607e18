"""Who gets a link: rights are checked here and nowhere after."""

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet

from shortlinks.domain.postgres import queries
from shortlinks.models import AccessLevel, Contact, User
from shortlinks.models.contacts import ROOT

# Stand for values in a statement that is put together once; no row has such ids.
ACCOUNT, USER, GROUP, IDS = -1, -2, -3, -4
NAMES = {
    ACCOUNT: "%(account_id)s",
    USER: "%(user_id)s",
    GROUP: "%(group_id)s",
    IDS: "%(entity_ids)s",
}
EMPTY_RESULT_SQL = "SELECT 0, 0 WHERE false"


def visible_roots(entity_ids: Collection[int], user: User) -> dict[int, int]:
    """The rows of the contacts that the user may view, by the ids he asks for; those
    of merged contacts name whom they were merged into.
    """
    return dict(
        queries.fetch_prepared(
            visible_contacts_sql(user),
            visible_contacts_params(user) | {"entity_ids": list(entity_ids)},
        )
    )


def visible_contacts_sql(user: User) -> str:
    """A statement: of `%(entity_ids)s` those the user may view, each with its row's id.

    Its other parameters are `asked_by`.
    """
    return _visible_contacts_sql(_query_shape(user))


def visible_contacts_params(user: User) -> dict[str, Any]:
    return {
        "account_id": user.account_id,
        "user_id": user.pk,
        "group_id": user.group_id,
    }


class _QueryShape(NamedTuple):
    """What decides how the question for a user's contacts is written."""

    is_admin: bool
    level: str
    has_group: bool


def _query_shape(user: User) -> _QueryShape:
    return _QueryShape(user.is_admin, user.contacts_view, user.group_id is not None)


@cache
def _visible_contacts_sql(kind: _QueryShape) -> str:
    """`readable_by` as text, with the names of its values.

    The ORM puts it together for 2 ms of a request's 4, each time the same.
    """
    somebody = User(
        pk=USER,
        account_id=ACCOUNT,
        group_id=GROUP if kind.has_group else None,
        is_admin=kind.is_admin,
        contacts_view=kind.level,
    )
    contacts = Contact.objects.visible_including_merged(somebody).extra(
        where=["shortlinks_contact.entity_id = ANY(%s::bigint[])"], params=[IDS]
    )
    try:
        text, values = contacts.values_list("entity_id", ROOT).query.sql_with_params()
    except EmptyResultSet:
        return EMPTY_RESULT_SQL
    # Any other is the statement's own, such as a limit.
    return text % tuple(NAMES.get(value, value) for value in values)


def visible_contact(entity_id: int, user: User) -> Contact | None:
    """By any of its ids, if the user may view it."""
    visible = Contact.objects.visible_to(user)
    return visible.with_entity_ids([entity_id], user.account_id).first()


def level_covers(letter: str, contact: Contact, user: User) -> bool:
    """Whether a right with this letter covers the contact (contract §4)."""
    if contact.account_id != user.account_id:
        return False
    mine = contact.responsible_user_id == user.id
    same_group = user.group_id is not None and contact.group_id == user.group_id
    return (
        letter == AccessLevel.ALL
        or (letter == AccessLevel.GROUP and (mine or same_group))
        or (letter == AccessLevel.MINE and mine)
    )
