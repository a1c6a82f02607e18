"""Effects of a contact's consent to be recognized, and of its denial."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels import attachments
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
    """Update cached links, and detach the browsers of contacts that deny consent.

    Runs in the transaction that stores the consent. Merged contacts get the same one,
    because their links belong to the same person.
    """
    if not contacts:
        return
    merged = list(Contact.objects.filter(merged_into__in=contacts))
    consents = {contact.pk: contact.tracking_consent for contact in contacts}
    for row in merged:
        row.tracking_consent = consents[row.root_id]
    Contact.objects.bulk_update(merged, ["tracking_consent"])
    _apply([*contacts, *merged])


def _apply(contacts: Collection[Contact]) -> None:
    refresh_links(contacts)
    detach_all_browsers(
        [c for c in contacts if c.tracking_consent == TrackingConsent.DENIED]
    )


def refresh_links(contacts: "Collection[Contact] | QuerySet[Contact]") -> None:
    """Write the live links of these contacts to the cache, after the commit."""
    live = ShortLink.objects.filter(contact__in=contacts, disabled_at=None)
    live.update(changed_at=timezone.now())
    transaction.on_commit(
        lambda: redis_cache.refresh(live.select_related("contact").iterator())
    )


def detach_all_browsers(contacts: Collection[Contact]) -> None:
    """Detach all browsers, and delete their redemptions and `visitor_uid`s."""
    Redemption.objects.filter(contact__in=contacts).delete()
    Chat.objects.filter(contact__in=contacts).update(visitor_uid="")
    attached = PixelAttachment.objects.filter(contact__in=contacts)
    pixels = list(attached.values_list("pixel_id", flat=True))
    attached.delete()
    attachments.delete_orphans(Pixel.objects.filter(pk__in=pixels))


def detach(attachment: PixelAttachment) -> None:
    """Detach the browser from its contact, until its next open attaches it again."""
    attachment.delete()
    attachments.delete_orphans(Pixel.objects.filter(pk=attachment.pixel_id))
