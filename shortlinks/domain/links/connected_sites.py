"""Connected sites: links to them get a click token."""

import ada_url
from django.utils.translation import gettext_noop

from shortlinks.domain.links import urls

NOT_AN_ADDRESS = gettext_noop("Enter a web address, such as https://shop.example.")


class InvalidOrigin(ValueError):
    pass


def parse_origin(text: str) -> str:
    """Return the origin of a web address, in the form that browsers send."""
    try:
        parsed = ada_url.URL(text.strip())
    except ValueError:
        raise InvalidOrigin(NOT_AN_ADDRESS) from None
    if parsed.protocol not in {"http:", "https:"} or parsed.username:
        raise InvalidOrigin(NOT_AN_ADDRESS)
    if parsed.hostname.rstrip(".") in urls.policy().own_hosts:
        raise InvalidOrigin(
            gettext_noop("This is an address of this service. Enter that of your site.")
        )
    return parsed.origin
