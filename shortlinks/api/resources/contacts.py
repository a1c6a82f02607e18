"""Contacts."""

from typing import Annotated

from msgspec import Struct

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    CONTACT,
    AccountId,
    ContactId,
    Empty,
    ExampleFalse,
    GroupIdOr0,
    RequestId,
    Timestamp,
    UserIdOr0,
    example,
    id_,
    self_link,
)


class ContactEmbedded(Struct):
    tags: Empty
    companies: Empty


class Contact(Resource, kw_only=True):
    id: Annotated[int, id_(CONTACT, "The contact's id in the CRM.")]
    name: Annotated[str, example("Anna Karenina")]
    first_name: Annotated[str, example("Anna")]
    last_name: Annotated[str, example("Karenina")]
    responsible_user_id: UserIdOr0
    group_id: GroupIdOr0
    created_by: UserIdOr0
    updated_by: UserIdOr0
    created_at: Timestamp
    updated_at: Timestamp
    closest_task_at: None
    is_deleted: ExampleFalse
    is_unsorted: ExampleFalse
    custom_fields_values: None
    account_id: AccountId
    links: Annotated[SelfLinks, self_link(f"/api/v4/contacts/{CONTACT}")]
    embedded: ContactEmbedded


class CreatedContact(Resource, kw_only=True):
    id: Annotated[int, id_(CONTACT + 1)]
    is_deleted: ExampleFalse
    is_unsorted: ExampleFalse
    request_id: RequestId
    links: Annotated[SelfLinks, self_link(f"/api/v4/contacts/{CONTACT + 1}")]


class ChangedContact(Resource, kw_only=True):
    id: ContactId
    name: Annotated[str, example("Anna Karenina")]
    updated_at: Timestamp
    is_deleted: ExampleFalse
    is_unsorted: ExampleFalse
    links: Annotated[SelfLinks, self_link(f"/api/v4/contacts/{CONTACT}")]


class ChangedContactOfBatch(ChangedContact, kw_only=True):
    request_id: RequestId
