"""Sites that an account connects: links that lead there carry a click token."""

import ada_url

from shortlinks.domain.links import urls


class InvalidOrigin(ValueError):
    pass


def parse_origin(text: str) -> str:
    """The origin as browsers send it; of a page's address as well."""
    try:
        parsed = ada_url.URL(text.strip())
    except ValueError:
        raise InvalidOrigin("This is no web address.") from None
    if parsed.protocol not in {"http:", "https:"} or parsed.username:
        raise InvalidOrigin("This is no web address.")
    if parsed.hostname.rstrip(".") in urls.policy().own_hosts:
        raise InvalidOrigin("This is an address of the service itself.")
    return parsed.origin
