"""Languages of users and accounts. A stored one may no longer be offered."""

from django.conf import settings


def offered(code: str) -> str:
    """Return the language, or the default if the interface does not have it."""
    return code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
