"""URLs that events may be sent to. `http_client` checks the addresses behind them."""

from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext_noop

from shortlinks.domain.links import urls
from shortlinks.domain.links.urls import UrlPolicy, UrlRejected
from shortlinks.models.webhooks import MAX_DESTINATION_LENGTH

PORTS = frozenset({443, 8443})
ANY_HOST = UrlPolicy(frozenset(), allows_private=True)
TOO_LONG = gettext_noop("This value is too long: at most 600 characters.")
PRIVATE = gettext_noop(
    "The URL points to a private host or an IP address. Use a public hostname. For"
    " development, the operator can set WEBHOOK_ALLOW_PRIVATE_TARGETS."
)
NOT_HTTPS = gettext_noop(
    "A webhook's URL must start with https://. For development, the operator can set"
    " WEBHOOK_ALLOW_PRIVATE_TARGETS."
)
OTHER_PORT = gettext_noop(
    "A webhook's port must be 443 or 8443. For development, the operator can set"
    " WEBHOOK_ALLOW_PRIVATE_TARGETS."
)


def parse(url: str) -> str:
    """Return the URL as the parser of links normalizes it, or raise UrlRejected.

    The normalized URL has no fragment, so that one receiver has one webhook.

    A name that resolves to a private address is only rejected when it is called.
    """
    if len(url) > MAX_DESTINATION_LENGTH:
        raise UrlRejected("TooLong", TOO_LONG)
    target = urls.parse(url, ANY_HOST).target.partition("#")[0]
    if not settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
        _check_public(urlsplit(target))
    return target


def _check_public(target: SplitResult) -> None:
    if urls.is_private((target.hostname or "").rstrip(".")):
        raise UrlRejected("UnsafeUrl", PRIVATE)
    if target.scheme != "https":
        raise UrlRejected("UnsafeUrl", NOT_HTTPS)
    if (target.port or 443) not in PORTS:
        raise UrlRejected("UnsafeUrl", OTHER_PORT)
