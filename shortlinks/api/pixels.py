"""`/api/v4/contacts/{id}/pixels`: browsers that opened its links (not in amoCRM)."""

from typing import ClassVar

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from rest_framework.request import Request

from shortlinks.api import hal, parsing
from shortlinks.api.filters import ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.problems import Problem
from shortlinks.api.resources import pixels as resources
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts import contacts
from shortlinks.domain.pixels import attachments
from shortlinks.models import AttachmentReview, Contact, Pixel, PixelAttachment, Scope

QUERY = ListQuery(
    filters={},
    orders={"id": "pixel_id", "last_seen_at": "last_seen_at"},
    default=("pixel_id",),
)


class ContactPixels(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.CONTACTS_READ}

    def get(self, request: Request, entity_id: int) -> Response:
        rows = QUERY.apply(request, _one_per_browser(self.contact(entity_id)))
        return hal.paginated(hal.read_page(request), "pixels", rows, represent)


class ContactPixel(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "PATCH": Scope.CONTACTS_WRITE,
        "DELETE": Scope.CONTACTS_WRITE,
    }

    def patch(self, request: Request, entity_id: int, pixel_id: int) -> Response:
        """Store a user's review: is this the client's browser? (docs/merge-rules.md)"""
        contact = _editable(self, entity_id)
        body = parsing.read_object(request)
        [(_, review)] = parsing.read_items(
            body, lambda item: item.choice("review", AttachmentReview.values)
        )
        with transaction.atomic():
            locked = _locked(contact, pixel_id)
            ids = [attachment.pk for attachment in locked]
            reviewed = PixelAttachment.objects.filter(pk__in=ids)
            attachments.review(reviewed, AttachmentReview(review))
            locked[0].refresh_from_db(fields=["review"])
        return Response(represent(locked[0]))

    def delete(self, request: Request, entity_id: int, pixel_id: int) -> Response:
        contact = _editable(self, entity_id)
        with transaction.atomic():
            ids = [attachment.pk for attachment in _locked(contact, pixel_id)]
            attachments.detach(PixelAttachment.objects.filter(pk__in=ids))
        return Response(status=204)


def represent(attachment: PixelAttachment) -> resources.Pixel:
    return resources.Pixel(
        id=attachment.pixel_id,
        visitor_uid=attachment.pixel.visitor_uid,
        evidence=attachment.evidence,
        review=attachment.review,
        first_seen_at=int(attachment.first_seen_at.timestamp()),
        last_seen_at=int(attachment.last_seen_at.timestamp()),
    )


def _editable(view: ApiView, entity_id: int) -> Contact:
    contact = view.contact(entity_id)
    if not contacts.may_edit(contact, view.caller.user):
        raise Problem(403, "You do not have permission to edit this contact.")
    return contact


def _attachments(contact: Contact) -> "QuerySet[PixelAttachment]":
    """Return the attachments of the contact and of contacts merged into it."""
    same_person = Contact.objects.same_person(contact)
    return PixelAttachment.objects.filter(contact__in=same_person).select_related(
        "pixel"
    )


def _one_per_browser(contact: Contact) -> "QuerySet[PixelAttachment]":
    """Return each browser once, even if several merged contacts have it."""
    earlier = _attachments(contact).filter(
        pixel=OuterRef("pixel"), pk__lt=OuterRef("pk")
    )
    return _attachments(contact).filter(~Exists(earlier))


def _locked(contact: Contact, pixel_id: int) -> list[PixelAttachment]:
    own = Pixel.objects.filter(account=contact.account_id)
    attachments.lock_browsers(own.filter(pk=pixel_id))
    rows = _attachments(contact).filter(pixel=pixel_id).order_by("pk")
    if found := list(rows.select_for_update(of=("self",))):
        return found
    raise Http404
