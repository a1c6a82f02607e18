"""`/api/v4/users`: the users of the account, for administrators."""

import math
from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.filters import ListQuery
from shortlinks.api.hal import Page, Response
from shortlinks.api.problems import Problem
from shortlinks.api.resources import accounts as resources
from shortlinks.api.views import ApiView
from shortlinks.domain.auth.tokens import Caller
from shortlinks.models import AccessLevel, Scope, User

QUERY = ListQuery(filters={}, orders={"id": "id"})
FOR_ADMINISTRATORS = "Only administrators may list users. Use an administrator's token."
ALL_LEVELS = resources.EntityPermissions(*[AccessLevel.ALL] * 5)
# for entities that this service does not have
NO_LEVELS = resources.EntityPermissions(*[AccessLevel.DENIED] * 5)


class Users(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.USERS_READ}

    def get(self, request: Request) -> Response:
        rows = QUERY.apply(request, _users_of_account(self))
        return hal.paginated(
            hal.read_page(request),
            "users",
            rows,
            lambda user: represent(user, request),
            totals=lambda page: _totals(rows.count(), page),
        )


class UserView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.USERS_READ}

    def get(self, request: Request, user_id: int) -> Response:
        user = get_object_or_404(_users_of_account(self), pk=user_id)
        return Response(represent(user, request))


def may_list(caller: Caller) -> bool:
    return caller.user.is_admin and Scope.USERS_READ in caller.token.scopes


def _totals(count: int, page: Page) -> dict[str, object]:
    return {"_total_items": count, "_page_count": math.ceil(count / page.limit)}


def _users_of_account(view: ApiView) -> "QuerySet[User]":
    caller = view.caller.user
    if not may_list(view.caller) or caller.account_id is None:
        raise Problem(403, FOR_ADMINISTRATORS)
    users: QuerySet[User] = User.objects.in_account(caller.account_id)
    return users.select_related("group")


def represent(user: User, request: Request) -> resources.User:
    group = user.group
    return resources.User(
        id=user.id,
        name=str(user),
        email=user.email,
        lang=user.language,
        rights=_permissions(user),
        links=hal.self_links(request, f"/api/v4/users/{user.id}"),
        embedded=resources.UserEmbedded(
            roles=[], groups=[resources.Group(group.id, group.name)] if group else []
        ),
    )


def _permissions(user: User) -> resources.Permissions:
    return resources.Permissions(
        leads=NO_LEVELS,
        contacts=ALL_LEVELS if user.is_admin else _contact_permissions(user),
        companies=NO_LEVELS,
        tasks=resources.TaskPermissions(AccessLevel.DENIED, AccessLevel.DENIED),
        mail_access=False,
        catalog_access=False,
        status_rights=None,
        catalog_rights=None,
        is_admin=user.is_admin,
        is_free=False,
        is_active=user.is_active,
        group_id=user.group_id,
        role_id=None,
    )


def _contact_permissions(user: User) -> resources.EntityPermissions:
    return resources.EntityPermissions(
        view=user.contacts_view,
        edit=user.contacts_edit,
        add=user.contacts_add,
        delete=user.contacts_delete,
        export=user.contacts_export,
    )
