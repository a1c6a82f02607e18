"""Access levels of users: which contacts they may view and edit."""

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet

from shortlinks.domain.postgres import queries, subqueries
from shortlinks.domain.postgres.subqueries import Subquery
from shortlinks.models import AccessLevel, Contact, User
from shortlinks.models.contacts import ROOT

# Values that no row has. They stand for parameters in a query that is compiled once.
ACCOUNT, USER, GROUP, IDS = -1, -2, -3, -4
PARAMETERS = {
    ACCOUNT: "visible_account",
    USER: "visible_user",
    GROUP: "visible_group",
    IDS: "visible_ids",
}
EMPTY_RESULT_SQL = "SELECT 0, 0 WHERE false"


def visible_roots(entity_ids: Collection[int], user: User) -> dict[int, int]:
    """Return the row ids of the contacts that the user may view, by entity id.

    A merged contact has the row id of its survivor.
    """
    return dict(queries.fetch_prepared(*visible_contacts(entity_ids, user)))


def visible_contacts(entity_ids: Collection[int], user: User) -> Subquery:
    """Return the query for the rows of `visible_roots`."""
    shape = _QueryShape(user.is_admin, user.contacts_view, user.group_id is not None)
    sql, constants = _compile(shape)
    return Subquery(
        sql,
        {
            "visible_account": user.account_id,
            "visible_user": user.pk,
            "visible_group": user.group_id,
            "visible_ids": list(entity_ids),
            **constants,
        },
    )


class _QueryShape(NamedTuple):
    """The properties of a user that change the text of the query."""

    is_admin: bool
    level: str
    has_group: bool


@cache
def _compile(shape: _QueryShape) -> tuple[str, dict[str, Any]]:
    """Return the query and the parameters that are the same for all users.

    Cached, because the ORM takes 2 ms to compile it, half of a request.
    """
    user = User(
        pk=USER,
        account_id=ACCOUNT,
        group_id=GROUP if shape.has_group else None,
        is_admin=shape.is_admin,
        contacts_view=shape.level,
    )
    contacts = Contact.objects.visible_including_merged(user).extra(
        where=["shortlinks_contact.entity_id = ANY(%s::bigint[])"], params=[IDS]
    )
    try:
        sql, values = contacts.values_list("entity_id", ROOT).query.sql_with_params()
    except EmptyResultSet:
        return EMPTY_RESULT_SQL, {}
    names = [PARAMETERS.get(v, f"visible_constant_{n}") for n, v in enumerate(values)]
    constants = {
        name: value
        for name, value in zip(names, values, strict=True)
        if value not in PARAMETERS
    }
    return subqueries.name_placeholders(sql, names), constants


def visible_contact(entity_id: int, user: User) -> Contact | None:
    """Return the contact if the user may view it.

    A merged contact's id returns the survivor.
    """
    visible = Contact.objects.visible_to(user)
    return visible.with_entity_ids([entity_id], user.account_id).first()


def level_covers(level: str, contact: Contact, user: User) -> bool:
    """Return whether this access level covers the contact (docs/contract.md)."""
    if contact.account_id != user.account_id:
        return False
    is_own = contact.responsible_user_id == user.id
    same_group = user.group_id is not None and contact.group_id == user.group_id
    return (
        level == AccessLevel.ALL
        or (level == AccessLevel.GROUP and (is_own or same_group))
        or (level == AccessLevel.MINE and is_own)
    )
