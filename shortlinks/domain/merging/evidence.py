"""The opens that a merge or a suggestion rests on, as its evidence names them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from shortlinks.models import (
    AttachmentReview,
    Contact,
    MergeCheck,
    PixelAttachment,
    ShortLink,
    Visit,
)

VISITS = "visits"
PIXEL = "pixel_id"
MAX_CHECKS = 50  # of one browser


def rests_on(visit_id: UUID) -> Q:
    """Match the merges and suggestions whose evidence names the visit."""
    return Q(evidence__contains={VISITS: [str(visit_id)]})


def is_in_browser(pixel_id: int) -> Q:
    """Match the merges and suggestions that were decided in the browser."""
    return Q(evidence__contains={PIXEL: pixel_id})


def contacts_of(evidence: Mapping[str, Any]) -> set[int]:
    """Return the pks of the contacts whose links the named visits opened."""
    visits = Visit.objects.filter(pk__in=_visits(evidence))
    links = ShortLink.objects.filter(pk__in=visits.values("link"))
    return set(links.values_list("contact_id", flat=True))


def is_confirmed(evidence: Mapping[str, Any], contact: Contact) -> bool:
    """Return whether a user confirmed that the browser is this person's."""
    return PixelAttachment.objects.filter(
        pixel=evidence.get("pixel_id"),
        contact__in=Contact.objects.same_person(contact),
        review=AttachmentReview.CONFIRMED,
    ).exists()


def examine_again(evidence: Mapping[str, Any]) -> None:
    """Enqueue checks of the chat that the evidence names, or of the browser's opens."""
    if chat_id := evidence.get("chat_id"):
        MergeCheck.objects.create(chat_id=chat_id)
        return
    attached = PixelAttachment.objects.filter(pixel=evidence.get("pixel_id"))
    MergeCheck.objects.bulk_create(
        MergeCheck(attachment=each) for each in attached.order_by("-pk")[:MAX_CHECKS]
    )


def _visits(evidence: Mapping[str, Any]) -> Sequence[UUID]:
    return [UUID(id_) for id_ in evidence.get(VISITS, [])]
