"""`/api/v4/contacts`: the contacts the caller may view (contract §4)."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import FieldError, ItemErrors, ValidationFailed
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import (
    ContactChange,
    DuplicateIds,
    EditForbidden,
    NewContact,
    UnknownContacts,
    UnknownUsers,
)
from shortlinks.models import Contact, Scope, TrackingConsent, User

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
    search_fields=("name", "first_name", "last_name"),
)
TAKEN = FieldError("AlreadyExists", "id", "A contact with this id exists.")
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
        return hal.paginated(
            request, "contacts", rows, lambda contact: represent(contact, request)
        )

    def post(self, request: Request) -> Response:
        user = self.caller.user
        if not contacts.may_add(user):
            raise PermissionDenied("You may not add contacts.")
        items = parsing.read_items(parsing.read_json(request), _new_contact)
        try:
            created = contacts.create([new for _, new in items], user=user)
        except DuplicateIds as error:
            taken = error.entity_ids
            raise _faulty(items, TAKEN, lambda new: new.entity_id in taken) from error
        except UnknownUsers as error:
            unknown = error.user_ids
            raise _faulty(
                items, UNKNOWN, lambda new: new.responsible_user_id in unknown
            ) from error
        return Response(_created(request, items, created))

    def patch(self, request: Request) -> Response:
        body = parsing.read_json(request)
        items = parsing.read_items(body, lambda item: _change(item, None))
        try:
            changed = _update(items, self.caller.user)
        except UnknownContacts as error:
            unknown = error.entity_ids
            raise _faulty(items, MISSING, lambda c: c.entity_id in unknown) from error
        return Response(_changed(request, items, changed))


class ContactView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.CONTACTS_READ,
        "PATCH": Scope.CONTACTS_WRITE,
    }

    def get(self, request: Request, entity_id: int) -> Response:
        return Response(represent(self.contact(entity_id), request))

    def patch(self, request: Request, entity_id: int) -> Response:
        body = parsing.read_object(request)
        items = parsing.read_items(body, lambda item: _change(item, entity_id))
        try:
            [contact] = _update(items, self.caller.user)
        except UnknownContacts:
            raise Http404 from None
        return Response(_brief(request, contact))


def represent(contact: Contact, request: Request) -> dict[str, Any]:
    return {
        "id": contact.entity_id,
        "name": contact.name,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "responsible_user_id": contact.responsible_user_id or 0,
        "group_id": contact.group_id or 0,
        "created_by": contact.created_by_id or 0,
        "updated_by": contact.updated_by_id or 0,
        "created_at": int(contact.created_at.timestamp()),
        "updated_at": int(contact.updated_at.timestamp()),
        "closest_task_at": None,
        "is_deleted": contact.is_deleted,
        "is_unsorted": False,
        "custom_fields_values": None,
        "account_id": contact.account_id,
        "_links": {"self": _href(contact, request)},
        "_embedded": {"tags": [], "companies": []},
    }


def _href(contact: Contact, request: Request) -> dict[str, str]:
    return hal.href(request, f"/api/v4/contacts/{contact.entity_id}")


def _new_contact(item: FieldReader) -> NewContact:
    return NewContact(
        entity_id=item.id("id"),
        name=item.text("name", longest=contacts.MAX_NAME_LENGTH),
        first_name=item.text("first_name", longest=contacts.MAX_NAME_LENGTH),
        last_name=item.text("last_name", longest=contacts.MAX_NAME_LENGTH),
        responsible_user_id=item.id("responsible_user_id", least=0) or None,
    )


def _change(item: FieldReader, entity_id: int | None) -> ContactChange | None:
    """The contact's id is the address's, else the item's own."""
    id_ = item.id("id", required=True) if entity_id is None else entity_id
    longest = contacts.MAX_NAME_LENGTH
    change = ContactChange(
        entity_id=0 if id_ is None else id_,
        name=item.changed_text("name", longest=longest),
        first_name=item.changed_text("first_name", longest=longest),
        last_name=item.changed_text("last_name", longest=longest),
        # 0 is how a contact that nobody is responsible for is told
        responsible_user_id=item.id("responsible_user_id", least=0) or None,
        tracking_consent=item.changed_choice(
            "tracking_consent", TrackingConsent.values
        ),
    )
    return None if id_ is None else change


def _update(items: list[tuple[str, ContactChange]], user: User) -> list[Contact]:
    try:
        return contacts.update([change for _, change in items], user=user)
    except EditForbidden:
        raise PermissionDenied("You may not edit these contacts.") from None
    except UnknownUsers as error:
        unknown = error.user_ids
        raise _faulty(
            items, UNKNOWN, lambda change: change.responsible_user_id in unknown
        ) from error


def _changed(
    request: Request, items: list[tuple[str, ContactChange]], changed: list[Contact]
) -> dict[str, Any]:
    return {
        "_links": {"self": hal.href(request, "/api/v4/contacts")},
        "_embedded": {
            "contacts": [
                {**_brief(request, contact), "request_id": request_id}
                for (request_id, _), contact in zip(items, changed, strict=True)
            ]
        },
    }


def _brief(request: Request, contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.entity_id,
        "name": contact.name,
        "updated_at": int(contact.updated_at.timestamp()),
        "is_deleted": False,
        "is_unsorted": False,
        "_links": {"self": _href(contact, request)},
    }


def _created(
    request: Request, items: list[tuple[str, NewContact]], created: list[Contact]
) -> dict[str, Any]:
    return {
        "_links": {"self": hal.href(request, "/api/v4/contacts")},
        "_embedded": {
            "contacts": [
                {
                    "id": contact.entity_id,
                    "is_deleted": False,
                    "is_unsorted": False,
                    "request_id": request_id,
                    "_links": {"self": _href(contact, request)},
                }
                for (request_id, _), contact in zip(items, created, strict=True)
            ]
        },
    }


def _faulty(
    items: list[tuple[str, T]], fault: FieldError, is_faulty: Callable[[T], bool]
) -> ValidationFailed:
    return ValidationFailed(
        [ItemErrors(request_id, [fault]) for request_id, new in items if is_faulty(new)]
    )
