"""`/api/v4/contacts`."""

from shortlinks.api import consents, contacts, parsing
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import (
    batch,
    body,
    choice,
    id_,
    one_or_many,
    reference,
    request_id,
    text,
    timestamp,
)
from shortlinks.api.resources.contacts import (
    ChangedContact,
    ChangedContactOfBatch,
    Consent,
    Contact,
    CreatedContact,
)
from shortlinks.api.resources.fields import CONTACT, NO_NUL, USER
from shortlinks.domain.contacts.contacts import MAX_NAME_LENGTH
from shortlinks.models import Scope, TrackingConsent
from shortlinks.models.consents import MAX_SOURCE_LENGTH, MAX_TEXT_VERSION_LENGTH

TAG = "Contacts"
PATH = "/api/v4/contacts"
NAME = {"maxLength": MAX_NAME_LENGTH, "pattern": NO_NUL}
FIELDS = {
    "name": text("Anna Karenina", **NAME),
    "first_name": text("Anna", **NAME),
    "last_name": text("Karenina", **NAME),
}
RESPONSIBLE_USER = id_(USER, minimum=0)
REQUEST_ID = {"request_id": request_id("anna", "Your id. The response contains it.")}
CONSENT_FIELDS = {
    consents.CONSENT: choice(
        TrackingConsent.values,
        TrackingConsent.GRANTED,
        description="`denied` stops the recognition of the contact's browsers and"
        " detaches them. Only `granted` replaces it.",
    ),
    consents.SOURCE: text(
        "https://shop.example/subscribe",
        maxLength=MAX_SOURCE_LENGTH,
        pattern=NO_NUL,
        description="Where the person answered. It needs `tracking_consent`.",
    ),
    consents.TEXT_VERSION: text(
        "2026-09",
        maxLength=MAX_TEXT_VERSION_LENGTH,
        pattern=NO_NUL,
        description="Which version of your text the person read.",
    ),
    consents.GIVEN_AT: timestamp(
        1_790_000_000, description="When the person answered. By default, now."
    ),
}
NEW = {
    "id": id_(CONTACT + 1, description="The id in the CRM. By default, a free id."),
    **FIELDS,
    "responsible_user_id": {
        **RESPONSIBLE_USER,
        "description": "Defaults to the calling user.",
    },
    **CONSENT_FIELDS,
    **REQUEST_ID,
}
CHANGES = {
    **FIELDS,
    "responsible_user_id": {**RESPONSIBLE_USER, "description": "0 changes nothing."},
    **CONSENT_FIELDS,
}
CHANGE = body({"id": id_(CONTACT), **CHANGES, **REQUEST_ID}, (*CHANGES, *REQUEST_ID))
UNCHANGED = "Fields that you do not send are not changed. You need permission to edit"
WITH = lists.with_parameter(contacts.WITH)
OPERATIONS = (
    Operation(
        id="list_contacts",
        route=f"GET {PATH}",
        scope=Scope.CONTACTS_READ,
        summary="List the contacts that you may view",
        parameters=[*lists.parameters(contacts.QUERY), WITH],
        response=lists.response("contacts", Contact, PATH),
    ),
    Operation(
        id="create_contacts",
        route=f"POST {PATH}",
        scope=Scope.CONTACTS_WRITE,
        summary="Create contacts with the CRM's own ids",
        description="All contacts are created, or none. You need permission to add"
        " contacts.",
        body=one_or_many(body(NEW, tuple(NEW)), maximum=parsing.MAX_ITEMS),
        response=SuccessResponse(
            "The contacts, in the order of the request.",
            batch("contacts", CreatedContact, PATH),
        ),
    ),
    Operation(
        id="change_contacts",
        route=f"PATCH {PATH}",
        scope=Scope.CONTACTS_WRITE,
        summary="Change contacts",
        description=f"All contacts are changed, or none. {UNCHANGED} the contacts.",
        body=one_or_many(CHANGE, maximum=parsing.MAX_ITEMS),
        response=SuccessResponse(
            "The contacts, in the order of the request.",
            batch("contacts", ChangedContactOfBatch, PATH),
        ),
    ),
    Operation(
        id="get_contact",
        route=f"GET {PATH}/{{entity_id}}",
        scope=Scope.CONTACTS_READ,
        summary="Get one contact by its id in the CRM",
        parameters=[WITH],
        response=SuccessResponse("The contact.", reference(Contact)),
    ),
    Operation(
        id="change_contact",
        route=f"PATCH {PATH}/{{entity_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Change one contact",
        description=f"{UNCHANGED} the contact.",
        body=body(CHANGES, tuple(CHANGES)),
        response=SuccessResponse("The changed contact.", reference(ChangedContact)),
    ),
    Operation(
        id="list_consents",
        route=f"GET {PATH}/{{entity_id}}/consents",
        scope=Scope.CONTACTS_READ,
        summary="List the history of a contact's tracking consent",
        description="The first one is the current consent.",
        parameters=lists.parameters(consents.QUERY),
        response=lists.response("consents", Consent, f"{PATH}/{CONTACT}/consents"),
    ),
)
