"""The account and its users."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortlinks.api.resources import fields
from shortlinks.models import AccessLevel


class UsersGroup(Struct, kw_only=True):
    id: Annotated[int, fields.id_(3)]
    name: Annotated[str, fields.example("Sales")]
    uuid: None = None


class DatetimeSettings(Struct, kw_only=True):
    """The account's time zone, and formats of PHP, which are always these."""

    date_pattern: Literal["d.m.Y H:i"] = "d.m.Y H:i"
    short_date_pattern: Literal["d.m.Y"] = "d.m.Y"
    short_time_pattern: Literal["H:i"] = "H:i"
    date_format: Literal["d.m.Y"] = "d.m.Y"
    time_format: Literal["H:i:s"] = "H:i:s"
    timezone: Annotated[str, fields.example("Europe/Moscow")]
    timezone_offset: Annotated[
        str, fields.example("+03:00", pattern="^[+-][0-9]{2}:[0-9]{2}$")
    ]


class AccountEmbedded(Struct, kw_only=True):
    """The parts that `with` lists."""

    users_groups: (
        Annotated[
            list[UsersGroup],
            Meta(description="Empty unless the caller may list users."),
        ]
        | UnsetType
    ) = UNSET
    task_types: fields.Empty | UnsetType = UNSET
    datetime_settings: DatetimeSettings | UnsetType = UNSET


class Account(fields.Resource, kw_only=True):
    id: fields.AccountId
    name: Annotated[str, fields.example("A shop")]
    subdomain: Annotated[str, fields.example("shop")]
    created_at: fields.Timestamp
    created_by: Literal[0]
    updated_at: fields.Timestamp
    updated_by: Literal[0]
    current_user_id: fields.UserId
    country: Annotated[str, fields.example("RU")]
    currency: Annotated[str, fields.example("RUB")]
    currency_symbol: Annotated[str, fields.example("₽")]
    customers_mode: Annotated[str, fields.example("unavailable")]
    is_unsorted_on: fields.ExampleFalse
    mobile_feature_version: Annotated[int, fields.example(0)]
    is_loss_reason_enabled: fields.ExampleFalse
    is_helpbot_enabled: fields.ExampleFalse
    is_technical_account: fields.ExampleFalse
    contact_name_display_order: Annotated[int, fields.example(1)]
    version: Literal[4] | UnsetType = UNSET
    links: Annotated[fields.SelfLinks, fields.self_link("/api/v4/account")]
    embedded: AccountEmbedded | UnsetType = UNSET


Level = Annotated[str, fields.choice(AccessLevel.values, AccessLevel.ALL)]


class EntityPermissions(Struct):
    """An access level for each action: A all, G own group, M own contacts, D denied."""

    view: Level
    edit: Level
    add: Level
    delete: Level
    export: Level


class TaskPermissions(Struct):
    edit: Level
    delete: Level


class Permissions(fields.Resource, kw_only=True):
    leads: EntityPermissions
    contacts: EntityPermissions
    companies: EntityPermissions
    tasks: TaskPermissions
    mail_access: fields.ExampleFalse
    catalog_access: fields.ExampleFalse
    status_rights: None
    catalog_rights: None
    is_admin: fields.ExampleTrue
    is_free: fields.ExampleFalse
    is_active: fields.ExampleTrue
    group_id: Annotated[int, fields.id_(3)] | None
    role_id: None


class AccountDomain(Struct, kw_only=True):
    """The domain to which clients send requests. It has the port, if any."""

    id: fields.AccountId
    subdomain: Annotated[str, fields.example("shop")]
    domain: Annotated[str, fields.example("links.example.com")]
    top_level_domain: Annotated[str, fields.example("com")]


class Group(Struct):
    id: Annotated[int, fields.id_(3)]
    name: Annotated[str, fields.example("Sales")]


class UserEmbedded(Struct):
    roles: fields.Empty
    groups: Annotated[list[Group], Meta(max_length=1)]


class User(fields.Resource, kw_only=True):
    id: fields.UserId
    name: Annotated[str, fields.example("Ivan Petrov")]
    email: Annotated[str, fields.example("ivan@shop.example")]
    lang: Annotated[str, fields.example("ru")]
    rights: Permissions
    links: Annotated[fields.SelfLinks, fields.self_link(f"/api/v4/users/{fields.USER}")]
    embedded: UserEmbedded
