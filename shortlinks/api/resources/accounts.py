"""The account and its users."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    USER,
    AccountId,
    Empty,
    ExampleFalse,
    ExampleTrue,
    Timestamp,
    UserId,
    choice,
    example,
    id_,
    self_link,
)
from shortlinks.models import AccessLevel


class Account(Resource, kw_only=True):
    id: AccountId
    name: Annotated[str, example("A shop")]
    subdomain: Annotated[str, example("shop")]
    created_at: Timestamp
    created_by: Literal[0]
    updated_at: Timestamp
    updated_by: Literal[0]
    current_user_id: UserId
    country: Annotated[str, example("RU")]
    currency: Annotated[str, example("RUB")]
    currency_symbol: Annotated[str, example("₽")]
    customers_mode: Annotated[str, example("unavailable")]
    is_unsorted_on: ExampleFalse
    mobile_feature_version: Annotated[int, example(0)]
    is_loss_reason_enabled: ExampleFalse
    is_helpbot_enabled: ExampleFalse
    is_technical_account: ExampleFalse
    contact_name_display_order: Annotated[int, example(1)]
    links: Annotated[SelfLinks, self_link("/api/v4/account")]


Level = Annotated[str, choice(AccessLevel.values, AccessLevel.ALL)]


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


class Permissions(Resource, kw_only=True):
    leads: EntityPermissions
    contacts: EntityPermissions
    companies: EntityPermissions
    tasks: TaskPermissions
    mail_access: ExampleFalse
    catalog_access: ExampleFalse
    status_rights: None
    catalog_rights: None
    is_admin: ExampleTrue
    is_free: ExampleFalse
    is_active: ExampleTrue
    group_id: Annotated[int, id_(3)] | None
    role_id: None


class Group(Struct):
    id: Annotated[int, id_(3)]
    name: Annotated[str, example("Sales")]


class UserEmbedded(Struct):
    roles: Empty
    groups: Annotated[list[Group], Meta(max_length=1)]


class User(Resource, kw_only=True):
    id: UserId
    name: Annotated[str, example("Ivan Petrov")]
    email: Annotated[str, example("ivan@shop.example")]
    lang: Annotated[str, example("ru")]
    rights: Permissions
    links: Annotated[SelfLinks, self_link(f"/api/v4/users/{USER}")]
    embedded: UserEmbedded
