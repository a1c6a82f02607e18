"""The IP address of a client of the API, masked as its account requires."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.models import Account


def packed_address(request: Request | HttpRequest) -> bytes:
    """Return the address in network order (4, 16 or 0 bytes)."""
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1")
    return _clients().client_address(
        request.META.get("REMOTE_ADDR", ""), forwarded_for or None
    )


def masked_address(request: Request | HttpRequest, account: Account) -> str:
    """Return the address, masked like visitors' addresses, or an empty string."""
    return ip_addresses.masked(packed_address(request), account.address_mask)


@cache
def _clients() -> ClientAddresses:
    return ClientAddresses(settings.TRUSTED_PROXIES)
