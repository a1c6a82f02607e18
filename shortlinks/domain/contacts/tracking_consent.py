"""What follows when somebody agrees or objects to being recognised (pixel §1.3)."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.models import (
    Chat,
    Contact,
    Pixel,
    PixelAttachment,
    Redemption,
    ShortLink,
    TrackingConsent,
)


def apply_change(contacts: Collection[Contact]) -> None:
    """Let redirects know, and forget the browsers of who objects.

    Within the transaction that stored what they said. It holds for what is merged into
    them, too: their links are the same person's.
    """
    if not contacts:
        return
    merged = list(Contact.objects.filter(merged_into__in=contacts))
    said = {contact.pk: contact.tracking_consent for contact in contacts}
    for row in merged:
        row.tracking_consent = said[row.root_id]
    Contact.objects.bulk_update(merged, ["tracking_consent"])
    _apply([*contacts, *merged])


def _apply(contacts: Collection[Contact]) -> None:
    ids = [contact.pk for contact in contacts]
    live = ShortLink.objects.filter(contact__in=ids, disabled_at=None)
    live.update(changed_at=timezone.now())
    transaction.on_commit(
        lambda: redis_cache.refresh(live.select_related("contact").iterator())
    )
    detach_all_browsers(
        [c for c in contacts if c.tracking_consent == TrackingConsent.DENIED]
    )


def detach_all_browsers(contacts: Collection[Contact]) -> None:
    """Detach all browsers from the contacts, and forget what sites call them."""
    Redemption.objects.filter(contact__in=contacts).delete()
    Chat.objects.filter(contact__in=contacts).update(visitor_uid="")
    attachments = PixelAttachment.objects.filter(contact__in=contacts)
    pixels = list(attachments.values_list("pixel_id", flat=True))
    attachments.delete()
    delete_orphans(pixels)


def detach(attachment: PixelAttachment) -> None:
    """The browser is not this contact's; another open by it would attach it again."""
    attachment.delete()
    delete_orphans([attachment.pixel_id])


def delete_orphans(pixels: Collection[int]) -> None:
    Pixel.objects.filter(pk__in=pixels, pixelattachment=None).delete()
