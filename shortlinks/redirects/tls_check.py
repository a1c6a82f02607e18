"""Decide for which hosts Caddy may get certificates (its on-demand TLS).

Otherwise, anybody could point host names here and use up the authority's limits.
"""

from urllib.parse import parse_qs

from shortlinks.redirects import pages
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.pages import Response

PATH = "/tls-host"
PARAMETER = "domain"
MAX_QUERY_BYTES = 1024


def respond(query: bytes, hosts: HostRegistry) -> Response:
    """Return 200 for a host that this service serves, else 404."""
    parameters = parse_qs(query[:MAX_QUERY_BYTES].decode("latin-1"))
    host = parameters.get(PARAMETER, [""])[0]
    is_ours = hosts.serves(host.lower().rstrip(".").encode())
    return pages.HEALTHY if is_ours else pages.page(404, None)
