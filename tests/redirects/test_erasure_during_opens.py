"""A visitor erases what is stored about a browser while its open is processed."""

import httpx

from shortlinks.domain.pixels import attachments
from shortlinks.domain.visits import processing
from shortlinks.models import Note, Pixel, ShortLink, Visit
from tests import factories
from tests.concurrency import during


def test_erasure_waits_for_an_open_that_is_being_processed(
    visitor: httpx.Client, link: ShortLink
) -> None:
    visitor.get(f"/{link.code}")
    factories.visit(link, pixel_sha256=Visit.objects.get().pixel_sha256)

    def erase() -> int:
        same_origin = {"Sec-Fetch-Site": "same-origin"}
        return visitor.post("/privacy?erase=yes", headers=same_origin).status_code

    erased = during(attachments.UPSERT_PIXELS, erase, processing.process_due)

    assert [each.result() for each in erased] == [303]
    assert Note.objects.exists()
    assert not Pixel.objects.exists()
