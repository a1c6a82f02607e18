"""Which addresses events may be sent to; the network's side of it is in `transport`."""

from urllib.parse import urlsplit

from django.conf import settings

from shortlinks.domain.links import urls
from shortlinks.domain.links.urls import UrlPolicy, UrlRejected
from shortlinks.models.webhooks import MAX_DESTINATION_LENGTH

PORTS = frozenset({443, 8443})


def parse(given: str) -> str:
    """The address as it is called, or UrlRejected: read by the parser of links.

    Names that lead to private addresses are found out when they are called.
    """
    if len(given) > MAX_DESTINATION_LENGTH:
        raise UrlRejected(
            "TooLong",
            f"This value is too long: {MAX_DESTINATION_LENGTH} characters at most.",
        )
    policy = UrlPolicy(
        frozenset(), allows_private=settings.WEBHOOK_ALLOW_PRIVATE_TARGETS
    )
    target = urls.parse(given, policy).target
    if not settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
        _refuse_insecure(target)
    return target


def _refuse_insecure(target: str) -> None:
    parts = urlsplit(target)
    if parts.scheme != "https":
        raise UrlRejected("UnsafeUrl", "A webhook's URL must start with https://.")
    if (parts.port or 443) not in PORTS:
        raise UrlRejected("UnsafeUrl", "A webhook's port must be 443 or 8443.")
