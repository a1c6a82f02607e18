"""`/api/v4/contacts/{id}/pixels`: the browsers that opened a contact's links (ours)."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import hal
from shortlinks.api.filters import ListQuery
from shortlinks.api.views import ApiView
from shortlinks.domain import access, recognition
from shortlinks.models import Contact, PixelAttachment, Scope

QUERY = ListQuery(
    filters={},
    orders={"id": "pixel_id", "last_seen_at": "last_seen_at"},
    default=("pixel_id",),
)


class ContactPixels(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, entity_id: int) -> Response:
        rows = QUERY.apply(request, _attachments(_contact(self, entity_id)))
        return hal.listing(request, "pixels", rows, represent)


class ContactPixel(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"DELETE": Scope.CONTACTS_WRITE}

    def delete(self, request: Request, entity_id: int, pixel_id: int) -> Response:
        user = self.caller.user
        contact = _contact(self, entity_id)
        letter = user.contacts_edit
        if not (user.is_admin or access.letter_reaches(letter, contact, user)):
            raise PermissionDenied("You may not edit this contact.")
        with transaction.atomic():
            locked = _attachments(contact).select_for_update(of=("self",))
            recognition.detach(get_object_or_404(locked, pixel_id=pixel_id))
        return Response(status=204)


def represent(attachment: PixelAttachment) -> dict[str, Any]:
    return {
        "id": attachment.pixel_id,
        "visitor_uid": attachment.pixel.visitor_uid,
        "evidence": attachment.evidence,
        "first_seen_at": int(attachment.first_seen_at.timestamp()),
        "last_seen_at": int(attachment.last_seen_at.timestamp()),
    }


def _contact(view: ApiView, entity_id: int) -> Contact:
    visible = Contact.objects.visible_to(view.caller.user)
    return get_object_or_404(visible, entity_id=entity_id)


def _attachments(contact: Contact) -> "QuerySet[PixelAttachment]":
    return PixelAttachment.objects.filter(contact=contact).select_related("pixel")
