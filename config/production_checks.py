"""What may be on a developer's machine alone; elsewhere it stops the start by name."""

from collections.abc import Iterable
from ipaddress import ip_address

from django.core.exceptions import ImproperlyConfigured

from config import env


def check(*, base_url: str, debug: bool, allowed_hosts: Iterable[str]) -> None:
    """Where the API's address is one that others reach."""
    if _is_local(env.host(base_url)):
        return
    if debug:
        raise ImproperlyConfigured(f"DEBUG must be 0 where BASE_URL is {base_url}")
    wild = [word for word in allowed_hosts if word == "*" or word.startswith(".")]
    if wild:
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS must name each host, not {wild[0]!r},"
            f" where BASE_URL is {base_url}"
        )


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
