"""`/api/v4/contacts`: the contacts that the caller may view (docs/contract.md)."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.http import Http404
from msgspec import structs
from rest_framework.request import Request

from shortlinks.api import consents, hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources import contacts as resources
from shortlinks.api.resources.errors import FieldError, ItemErrors
from shortlinks.api.resources.fields import SelfLinks
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import (
    ContactChange,
    DuplicateIds,
    EditForbidden,
    ErasedIds,
    NewContact,
    UnknownContacts,
    UnknownUsers,
)
from shortlinks.domain.contacts.tracking_consent import RefusalStays
from shortlinks.models import Contact, Scope, User
from shortlinks.models.contacts import NAMES

T = TypeVar("T")

QUERY = ListQuery(
    filters={
        "id": Filter("entity_id", "ids"),
        "name": Filter("name", "texts"),
        "responsible_user_id": Filter("responsible_user_id", "ids"),
        "created_by": Filter("created_by_id", "ids"),
        "updated_by": Filter("updated_by_id", "ids"),
        "created_at": Filter("created_at", "time"),
        "updated_at": Filter("updated_at", "time"),
    },
    orders={"id": "entity_id", "updated_at": "updated_at"},
    default=("entity_id",),
    search_fields=NAMES,
)
# amoCRM's rows that are linked to a contact. This service has none.
WITH = ("leads", "customers", "catalog_elements")
# The official PHP SDK can ask for deleted contacts. Lists never have any.
ONLY_DELETED = "only_deleted"
TAKEN = FieldError(
    "AlreadyExists", "id", "A contact with this id already exists. Use another id."
)
ERASED = FieldError(
    "Erased",
    "id",
    "The person with this id was erased. An administrator can allow the id again.",
)
MISSING = FieldError("NotSupportedChoice", "id", parsing.NOT_A_CHOICE)
UNKNOWN = FieldError("NotSupportedChoice", "responsible_user_id", parsing.NOT_A_CHOICE)


class Contacts(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "POST": Scope.CONTACTS_WRITE,
        "PATCH": Scope.CONTACTS_WRITE,
    }

    def get(self, request: Request) -> Response:
        visible = Contact.objects.visible_to(self.caller.user)
        rows = QUERY.apply(request, visible)
        if hal.read_with(request, [ONLY_DELETED]):
            rows = rows.none()
        embedded = _embedded(request)
        return hal.paginated(
            hal.read_page(request),
            "contacts",
            rows,
            lambda contact: represent(contact, embedded, request),
        )

    def post(self, request: Request) -> Response:
        user = self.caller.user
        if not contacts.may_add(user):
            raise Problem(403, "You do not have permission to add contacts.")
        items = parsing.read_items(parsing.read_json(request), _new_contact)
        try:
            created = contacts.create([new for _, new in items], user=user)
        except DuplicateIds as error:
            taken = error.entity_ids
            raise _invalid(items, TAKEN, lambda new: new.entity_id in taken) from error
        except ErasedIds as error:
            erased = error.entity_ids
            raise _invalid(
                items, ERASED, lambda new: new.entity_id in erased
            ) from error
        except UnknownUsers as error:
            unknown = error.user_ids
            raise _invalid(
                items, UNKNOWN, lambda new: new.responsible_user_id in unknown
            ) from error
        pairs = zip(items, created, strict=True)
        embedded = [
            _created(row, request_id, request) for (request_id, _), row in pairs
        ]
        return hal.batch(request, "contacts", embedded)

    def patch(self, request: Request) -> Response:
        body = parsing.read_json(request)
        items = parsing.read_items(body, lambda item: _change(item, None))
        try:
            changed = _update(items, self.caller.user)
        except UnknownContacts as error:
            unknown = error.entity_ids
            raise _invalid(items, MISSING, lambda c: c.entity_id in unknown) from error
        embedded = [
            resources.ChangedContactOfBatch(
                **structs.asdict(_changed(row, request)), request_id=request_id
            )
            for (request_id, _), row in zip(items, changed, strict=True)
        ]
        return hal.batch(request, "contacts", embedded)


class ContactView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "PATCH": Scope.CONTACTS_WRITE,
    }

    def get(self, request: Request, entity_id: int) -> Response:
        contact = self.contact(entity_id)
        return Response(represent(contact, _embedded(request), request))

    def patch(self, request: Request, entity_id: int) -> Response:
        body = parsing.read_object(request)
        items = parsing.read_items(body, lambda item: _change(item, entity_id))
        try:
            [contact] = _update(items, self.caller.user)
        except UnknownContacts:
            raise Http404 from None
        return Response(_changed(contact, request))


def represent(
    contact: Contact, embedded: resources.ContactEmbedded, request: Request
) -> resources.Contact:
    return resources.Contact(
        id=contact.entity_id,
        name=contact.name,
        first_name=contact.first_name,
        last_name=contact.last_name,
        responsible_user_id=contact.responsible_user_id or 0,
        group_id=contact.group_id or 0,
        created_by=contact.created_by_id or 0,
        updated_by=contact.updated_by_id or 0,
        created_at=int(contact.created_at.timestamp()),
        updated_at=int(contact.updated_at.timestamp()),
        closest_task_at=None,
        is_deleted=contact.is_deleted,
        is_unsorted=False,
        custom_fields_values=None,
        account_id=contact.account_id,
        links=_links(contact, request),
        embedded=embedded,
    )


def _embedded(request: Request) -> resources.ContactEmbedded:
    requested: dict[str, list[Any]] = {n: [] for n in hal.read_with(request, WITH)}
    return resources.ContactEmbedded(tags=[], companies=[], **requested)


def _links(contact: Contact, request: Request) -> SelfLinks:
    return hal.self_links(request, f"/api/v4/contacts/{contact.entity_id}")


def _new_contact(item: FieldReader) -> NewContact:
    return NewContact(
        entity_id=item.id("id"),
        name=item.text("name", max_length=contacts.MAX_NAME_LENGTH),
        first_name=item.text("first_name", max_length=contacts.MAX_NAME_LENGTH),
        last_name=item.text("last_name", max_length=contacts.MAX_NAME_LENGTH),
        responsible_user_id=item.id("responsible_user_id", minimum=0) or None,
        consent=consents.read(item),
    )


def _change(item: FieldReader, entity_id: int | None) -> ContactChange | None:
    """Read a change. The contact's id comes from the path, or from the item."""
    id_ = item.id("id", required=True) if entity_id is None else entity_id
    max_length = contacts.MAX_NAME_LENGTH
    change = ContactChange(
        entity_id=0 if id_ is None else id_,
        name=item.text_or_none("name", max_length=max_length),
        first_name=item.text_or_none("first_name", max_length=max_length),
        last_name=item.text_or_none("last_name", max_length=max_length),
        # responses have 0 for a contact without a responsible user
        responsible_user_id=item.id("responsible_user_id", minimum=0) or None,
        consent=consents.read(item),
    )
    return None if id_ is None else change


def _update(items: list[tuple[str, ContactChange]], user: User) -> list[Contact]:
    try:
        return contacts.update([change for _, change in items], user=user)
    except EditForbidden:
        raise Problem(
            403, "You do not have permission to edit these contacts."
        ) from None
    except RefusalStays as error:
        raise consents.refusal_errors(items, error) from None
    except UnknownUsers as error:
        unknown = error.user_ids
        raise _invalid(
            items, UNKNOWN, lambda change: change.responsible_user_id in unknown
        ) from error


def _changed(contact: Contact, request: Request) -> resources.ChangedContact:
    return resources.ChangedContact(
        id=contact.entity_id,
        name=contact.name,
        updated_at=int(contact.updated_at.timestamp()),
        is_deleted=False,
        is_unsorted=False,
        links=_links(contact, request),
    )


def _created(
    contact: Contact, request_id: str, request: Request
) -> resources.CreatedContact:
    return resources.CreatedContact(
        id=contact.entity_id,
        is_deleted=False,
        is_unsorted=False,
        request_id=request_id,
        links=_links(contact, request),
    )


def _invalid(
    items: list[tuple[str, T]], error: FieldError, is_invalid: Callable[[T], bool]
) -> ValidationFailed:
    return ValidationFailed(
        [
            ItemErrors(request_id, [error])
            for request_id, item in items
            if is_invalid(item)
        ]
    )
