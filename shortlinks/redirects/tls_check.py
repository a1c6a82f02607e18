"""Which hosts a proxy may get certificates for: Caddy's on-demand TLS asks.

Without the question anybody could point a name here and use up an authority's limits.
"""

from urllib.parse import parse_qs

from shortlinks.redirects import pages
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.pages import Response

PATH = "/tls-host"
PARAMETER = "domain"


def answer(query: bytes, directory: HostRegistry) -> Response:
    """200 for a host that this service answers, else 404."""
    asked = parse_qs(query.decode("latin-1")).get(PARAMETER, [""])[0]
    is_ours = directory.serves(asked.lower().rstrip("."))
    return pages.HEALTHY if is_ours else pages.page(404, None)
