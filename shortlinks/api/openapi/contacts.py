"""`/api/v4/contacts`."""

from shortlinks.api import contacts, parsing
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import (
    ACCOUNT,
    CONTACT,
    USER,
    Operation,
    SuccessResponse,
)
from shortlinks.api.openapi.schemas import (
    NO_NUL,
    Schema,
    array,
    boolean,
    choice,
    const,
    extended,
    id_,
    id_or_0,
    links,
    named,
    nullable,
    object_,
    one_or_many,
    text,
    timestamp,
)
from shortlinks.domain.contacts.contacts import MAX_NAME_LENGTH
from shortlinks.models import Scope, TrackingConsent

TAG = "Contacts"
PATH = "/api/v4/contacts"
ONE = f"{PATH}/{CONTACT}"
NAME = {"maxLength": MAX_NAME_LENGTH, "pattern": NO_NUL}
REQUEST_ID = text("0", description="The item's own, else its index.")
CONTACT_SCHEMA = named(
    "Contact",
    object_(
        {
            "id": id_(CONTACT, description="The CRM's."),
            "name": text("Anna Karenina"),
            "first_name": text("Anna"),
            "last_name": text("Karenina"),
            "responsible_user_id": id_or_0(USER),
            "group_id": id_or_0(0),
            "created_by": id_or_0(USER),
            "updated_by": id_or_0(USER),
            "created_at": timestamp(),
            "updated_at": timestamp(),
            "closest_task_at": const(None),
            "is_deleted": boolean(example=False),
            "is_unsorted": boolean(example=False),
            "custom_fields_values": const(None),
            "account_id": id_(ACCOUNT),
            "_links": links(ONE),
            "_embedded": object_(
                {
                    "tags": Schema({"type": "array", "maxItems": 0}, []),
                    "companies": Schema({"type": "array", "maxItems": 0}, []),
                }
            ),
        }
    ),
)
FIELDS = {
    "name": nullable(text("Anna Karenina", **NAME)),
    "first_name": nullable(text("Anna", **NAME)),
    "last_name": nullable(text("Karenina", **NAME)),
    "responsible_user_id": nullable(id_or_0(USER)),
}
OWN_ID = {"request_id": nullable(text("anna", description="Yours; comes back."))}
NEW = {
    "id": nullable(id_(CONTACT + 1, description="The CRM's; without it we find one.")),
    **FIELDS,
    **OWN_ID,
}
CHANGED = {
    **FIELDS,
    "tracking_consent": nullable(
        choice(
            TrackingConsent.values,
            TrackingConsent.GRANTED,
            description="`denied`: no pixels any more, and those there are forgotten.",
        )
    ),
}
CHANGE = object_({"id": id_(CONTACT), **CHANGED, **OWN_ID}, (*CHANGED, *OWN_ID))
CREATED = object_(
    {
        "id": id_(CONTACT + 1),
        "is_deleted": boolean(example=False),
        "is_unsorted": boolean(example=False),
        "request_id": REQUEST_ID,
        "_links": links(f"{PATH}/{CONTACT + 1}"),
    }
)
BRIEF = object_(
    {
        "id": id_(CONTACT),
        "name": text("Anna Karenina"),
        "updated_at": timestamp(),
        "is_deleted": boolean(example=False),
        "is_unsorted": boolean(example=False),
        "_links": links(ONE),
    }
)


def _batch(items: Schema) -> Schema:
    embedded = object_({"contacts": array(items, minItems=1)})
    return object_({"_links": links(PATH), "_embedded": embedded})


CREATED_CONTACTS = _batch(named("CreatedContact", CREATED))
CHANGED_CONTACTS = _batch(
    named("ChangedContactOfBatch", extended(BRIEF, {"request_id": REQUEST_ID}))
)
OPERATIONS = (
    Operation(
        id="list_contacts",
        tag=TAG,
        method="GET",
        path=PATH,
        scope=Scope.CONTACTS_READ,
        summary="The contacts that you may view",
        parameters=lists.parameters(contacts.QUERY),
        answer=lists.answer("contacts", CONTACT_SCHEMA, PATH),
    ),
    Operation(
        id="create_contacts",
        tag=TAG,
        method="POST",
        path=PATH,
        scope=Scope.CONTACTS_WRITE,
        summary="Bring contacts, with the CRM's own ids",
        description="All or none. Needs the right to add contacts.",
        body=one_or_many(object_(NEW, tuple(NEW)), most=parsing.MAX_ITEMS),
        answer=SuccessResponse(
            "The contacts, in the order of the request.", CREATED_CONTACTS
        ),
    ),
    Operation(
        id="change_contacts",
        tag=TAG,
        method="PATCH",
        path=PATH,
        scope=Scope.CONTACTS_WRITE,
        summary="Change contacts",
        description="All or none; what is not named stays. Needs the right to edit.",
        body=one_or_many(CHANGE, most=parsing.MAX_ITEMS),
        answer=SuccessResponse(
            "The contacts, in the order of the request.", CHANGED_CONTACTS
        ),
    ),
    Operation(
        id="get_contact",
        tag=TAG,
        method="GET",
        path=f"{PATH}/{{entity_id}}",
        scope=Scope.CONTACTS_READ,
        summary="One contact, by the CRM's id",
        answer=SuccessResponse("The contact.", CONTACT_SCHEMA),
    ),
    Operation(
        id="change_contact",
        tag=TAG,
        method="PATCH",
        path=f"{PATH}/{{entity_id}}",
        scope=Scope.CONTACTS_WRITE,
        summary="Change one contact",
        description="What is not named stays. Needs the right to edit.",
        body=object_(CHANGED, tuple(CHANGED)),
        answer=SuccessResponse("The contact, changed.", named("ChangedContact", BRIEF)),
    ),
)
