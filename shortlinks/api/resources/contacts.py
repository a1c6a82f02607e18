"""Contacts."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from shortlinks.api.resources import fields
from shortlinks.models import ConsentChannel, TrackingConsent


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


class Consent(Struct, kw_only=True):
    """One answer of a contact, or a merge that changed the consent."""

    id: Annotated[int, fields.id_(fields.CONSENT)]
    tracking_consent: Annotated[
        str, fields.choice(TrackingConsent.values, TrackingConsent.GRANTED)
    ]
    consent_source: Annotated[
        str, fields.example("https://shop.example/subscribe", "Where they answered.")
    ]
    consent_text_version: Annotated[
        str, fields.example("2026-09", "Which version of your text they read.")
    ]
    consent_given_at: fields.Timestamp
    channel: Annotated[str, fields.choice(ConsentChannel.values, ConsentChannel.API)]
    recorded_by: fields.UserIdOr0
    recorded_at: fields.Timestamp
