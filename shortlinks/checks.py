"""Rules across settings, as system checks."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def own_addresses(**_: object) -> list[CheckMessage]:
    """The two doors must differ: cookies of the admin may never reach visitors."""
    if settings.BASE_URL == settings.SHORT_BASE_URL:
        return [
            Error(
                "BASE_URL and SHORT_BASE_URL are the same.",
                hint="Give the short links a host or at least a port of their own.",
                id="shortlinks.E001",
            )
        ]
    return []


@register(deploy=True)
def addresses_in_production(**_: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if urlsplit(settings.SHORT_BASE_URL).scheme != "https":
        found.append(
            Warning("SHORT_BASE_URL is not https.", id="shortlinks.W001"),
        )
    return found
