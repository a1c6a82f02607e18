"""Contacts."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from shortlinks.api.resources import fields


class ContactEmbedded(Struct):
    """Lists that are always empty. The optional ones need `with`."""

    tags: fields.Empty
    companies: fields.Empty
    leads: fields.Empty | UnsetType = UNSET
    customers: fields.Empty | UnsetType = UNSET
    catalog_elements: fields.Empty | UnsetType = UNSET


class Contact(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.CONTACT, "The contact's id in the CRM.")]
    name: Annotated[str, fields.example("Anna Karenina")]
    first_name: Annotated[str, fields.example("Anna")]
    last_name: Annotated[str, fields.example("Karenina")]
    responsible_user_id: fields.UserIdOr0
    group_id: fields.IdOr0
    created_by: fields.UserIdOr0
    updated_by: fields.UserIdOr0
    created_at: fields.Timestamp
    updated_at: fields.Timestamp
    closest_task_at: None
    is_deleted: fields.ExampleFalse
    is_unsorted: fields.ExampleFalse
    custom_fields_values: None
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/contacts/{fields.CONTACT}")
    ]
    embedded: ContactEmbedded


class CreatedContact(fields.Resource, kw_only=True):
    id: Annotated[int, fields.id_(fields.CONTACT + 1)]
    is_deleted: fields.ExampleFalse
    is_unsorted: fields.ExampleFalse
    request_id: fields.RequestId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/contacts/{fields.CONTACT + 1}")
    ]


class ChangedContact(fields.Resource, kw_only=True):
    id: fields.ContactId
    name: Annotated[str, fields.example("Anna Karenina")]
    updated_at: fields.Timestamp
    is_deleted: fields.ExampleFalse
    is_unsorted: fields.ExampleFalse
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/contacts/{fields.CONTACT}")
    ]


class ChangedContactOfBatch(ChangedContact, kw_only=True):
    request_id: fields.RequestId
