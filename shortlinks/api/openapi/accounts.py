"""The token's account, and its users."""

from shortlinks.api import users
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import ACCOUNT, USER, Operation, SuccessResponse
from shortlinks.api.openapi.schemas import (
    Schema,
    array,
    boolean,
    choice,
    const,
    id_,
    integer,
    links,
    named,
    nullable,
    object_,
    text,
    timestamp,
)
from shortlinks.models import AccessLevel, Scope

TAG = "Account"
USERS = "/api/v4/users"
ACCOUNT_SCHEMA = named(
    "Account",
    object_(
        {
            "id": id_(ACCOUNT),
            "name": text("A shop"),
            "subdomain": text("shop"),
            "created_at": timestamp(),
            "created_by": const(0),
            "updated_at": timestamp(),
            "updated_by": const(0),
            "current_user_id": id_(USER),
            "country": text("RU"),
            "currency": text("RUB"),
            "currency_symbol": text("₽"),
            "customers_mode": text("unavailable"),
            "is_unsorted_on": boolean(example=False),
            "mobile_feature_version": integer(0),
            "is_loss_reason_enabled": boolean(example=False),
            "is_helpbot_enabled": boolean(example=False),
            "is_technical_account": boolean(example=False),
            "contact_name_display_order": integer(1),
            "_links": links("/api/v4/account"),
        }
    ),
)
LEVEL = choice(AccessLevel.values, AccessLevel.ALL)
LEVELS = object_(dict.fromkeys(("view", "edit", "add", "delete", "export"), LEVEL))
PERMISSIONS = named(
    "Rights",
    object_(
        {
            "leads": LEVELS,
            "contacts": LEVELS,
            "companies": LEVELS,
            "tasks": object_({"edit": LEVEL, "delete": LEVEL}),
            "mail_access": boolean(example=False),
            "catalog_access": boolean(example=False),
            "status_rights": const(None),
            "catalog_rights": const(None),
            "is_admin": boolean(example=True),
            "is_free": boolean(example=False),
            "is_active": boolean(example=True),
            "group_id": nullable(id_(3)),
            "role_id": const(None),
        }
    ),
)
USER_SCHEMA = named(
    "User",
    object_(
        {
            "id": id_(USER),
            "name": text("Ivan Petrov"),
            "email": text("ivan@shop.example"),
            "lang": text("ru"),
            "rights": PERMISSIONS,
            "_links": links(f"{USERS}/{USER}"),
            "_embedded": object_(
                {
                    "roles": Schema({"type": "array", "maxItems": 0}, []),
                    "groups": array(
                        object_({"id": id_(3), "name": text("Sales")}), maxItems=1
                    ),
                }
            ),
        }
    ),
)
COUNTS = {"_total_items": integer(1, minimum=1), "_page_count": integer(1, minimum=1)}
OPERATIONS = (
    Operation(
        id="get_account",
        tag=TAG,
        method="GET",
        path="/api/v4/account",
        summary="The token's account",
        answer=SuccessResponse("The account.", ACCOUNT_SCHEMA),
    ),
    Operation(
        id="list_users",
        tag=TAG,
        method="GET",
        path=USERS,
        scope=Scope.USERS_READ,
        summary="The account's users with their rights; for administrators",
        parameters=lists.parameters(users.QUERY),
        answer=lists.answer("users", USER_SCHEMA, USERS, COUNTS),
    ),
    Operation(
        id="get_user",
        tag=TAG,
        method="GET",
        path=f"{USERS}/{{user_id}}",
        scope=Scope.USERS_READ,
        summary="One user; for administrators",
        answer=SuccessResponse("The user.", USER_SCHEMA),
    ),
)
