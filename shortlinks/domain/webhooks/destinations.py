"""URLs that events may be sent to. `http_client` checks the addresses behind them."""

from urllib.parse import urlsplit

from django.conf import settings

from shortlinks.domain.links import urls
from shortlinks.domain.links.urls import UrlPolicy, UrlRejected
from shortlinks.models.webhooks import MAX_DESTINATION_LENGTH

PORTS = frozenset({443, 8443})


def parse(url: str) -> str:
    """Return the normalized URL, or raise UrlRejected, by the parser of links.

    A name that resolves to a private address is only rejected when it is called.
    """
    if len(url) > MAX_DESTINATION_LENGTH:
        raise UrlRejected(
            "TooLong",
            f"This value is too long: {MAX_DESTINATION_LENGTH} characters at most.",
        )
    policy = UrlPolicy(
        frozenset(), allows_private=settings.WEBHOOK_ALLOW_PRIVATE_TARGETS
    )
    target = urls.parse(url, policy).target
    if not settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
        _check_scheme_and_port(target)
    return target


def _check_scheme_and_port(target: str) -> None:
    parts = urlsplit(target)
    if parts.scheme != "https":
        raise UrlRejected("UnsafeUrl", "A webhook's URL must start with https://.")
    if (parts.port or 443) not in PORTS:
        raise UrlRejected("UnsafeUrl", "A webhook's port must be 443 or 8443.")
