"""The token's account, and its users."""

from shortlinks.api import users
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import ACCOUNT, USER, Answer, Operation
from shortlinks.api.openapi.schemas import (
    Schema,
    always,
    array,
    choice,
    flag,
    id_,
    links,
    maybe,
    moment,
    named,
    record,
    text,
    whole,
)
from shortlinks.models import Right, Scope

TAG = "Account"
USERS = "/api/v4/users"
ACCOUNT_SCHEMA = named(
    "Account",
    record(
        {
            "id": id_(ACCOUNT),
            "name": text("A shop"),
            "subdomain": text("shop"),
            "created_at": moment(),
            "created_by": always(0),
            "updated_at": moment(),
            "updated_by": always(0),
            "current_user_id": id_(USER),
            "country": text("RU"),
            "currency": text("RUB"),
            "currency_symbol": text("₽"),
            "customers_mode": text("unavailable"),
            "is_unsorted_on": flag(example=False),
            "mobile_feature_version": whole(0),
            "is_loss_reason_enabled": flag(example=False),
            "is_helpbot_enabled": flag(example=False),
            "is_technical_account": flag(example=False),
            "contact_name_display_order": whole(1),
            "_links": links("/api/v4/account"),
        }
    ),
)
LETTER = choice(Right.values, Right.ALL)
LETTERS = record(dict.fromkeys(("view", "edit", "add", "delete", "export"), LETTER))
RIGHTS = named(
    "Rights",
    record(
        {
            "leads": LETTERS,
            "contacts": LETTERS,
            "companies": LETTERS,
            "tasks": record({"edit": LETTER, "delete": LETTER}),
            "mail_access": flag(example=False),
            "catalog_access": flag(example=False),
            "status_rights": always(None),
            "catalog_rights": always(None),
            "is_admin": flag(example=True),
            "is_free": flag(example=False),
            "is_active": flag(example=True),
            "group_id": maybe(id_(3)),
            "role_id": always(None),
        }
    ),
)
USER_SCHEMA = named(
    "User",
    record(
        {
            "id": id_(USER),
            "name": text("Ivan Petrov"),
            "email": text("ivan@shop.example"),
            "lang": text("ru"),
            "rights": RIGHTS,
            "_links": links(f"{USERS}/{USER}"),
            "_embedded": record(
                {
                    "roles": Schema({"type": "array", "maxItems": 0}, []),
                    "groups": array(
                        record({"id": id_(3), "name": text("Sales")}), maxItems=1
                    ),
                }
            ),
        }
    ),
)
COUNTS = {"_total_items": whole(1, minimum=1), "_page_count": whole(1, minimum=1)}
OPERATIONS = (
    Operation(
        id="get_account",
        tag=TAG,
        method="GET",
        path="/api/v4/account",
        summary="The token's account",
        answer=Answer("The account.", ACCOUNT_SCHEMA),
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
        answer=Answer("The user.", USER_SCHEMA),
    ),
)
