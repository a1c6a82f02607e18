"""System checks of rules across settings."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def check_base_urls(**_: object) -> list[CheckMessage]:
    """Keep the cookies of the admin away from the short host."""
    if settings.BASE_URL == settings.SHORT_BASE_URL:
        return [
            Error(
                "BASE_URL and SHORT_BASE_URL are the same.",
                hint="Set SHORT_BASE_URL to another host, or at least another port.",
                id="shortlinks.E001",
            )
        ]
    return []


@register(deploy=True)
def check_https(**_: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if urlsplit(settings.SHORT_BASE_URL).scheme != "https":
        found.append(
            Warning("SHORT_BASE_URL is not https.", id="shortlinks.W001"),
        )
    return found
