"""Where a program calls from, as far as its account lets that be kept."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from shortlinks.domain import ip_addresses
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.models import Account


def masked_address(request: Request | HttpRequest, account: Account) -> str:
    """The client's address, masked like its visitors' are; "" if nothing is kept."""
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1")
    address = _clients().client_address(
        request.META.get("REMOTE_ADDR", ""), forwarded_for or None
    )
    return ip_addresses.masked(address, account.address_mask)


@cache
def _clients() -> ClientAddresses:
    return ClientAddresses(settings.TRUSTED_PROXIES)
