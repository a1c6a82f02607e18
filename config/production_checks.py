"""Refuse settings that are only safe on a developer's machine."""

from collections.abc import Iterable
from ipaddress import ip_address

from django.core.exceptions import ImproperlyConfigured

from config import env


def check(*, base_url: str, debug: bool, allowed_hosts: Iterable[str]) -> None:
    """Raise ImproperlyConfigured for unsafe settings if others can reach BASE_URL."""
    if is_local(base_url):
        return
    if debug:
        raise ImproperlyConfigured(f"DEBUG must be 0 if BASE_URL is {base_url}")
    wildcards = [word for word in allowed_hosts if word == "*" or word.startswith(".")]
    if wildcards:
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS must name each host, not {wildcards[0]!r},"
            f" if BASE_URL is {base_url}"
        )


def is_local(base_url: str) -> bool:
    """Return whether only this machine can reach the URL."""
    host = env.host(base_url)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
