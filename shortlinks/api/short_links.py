"""`POST /api/v4/short_links`: one personal short link for each contact and url."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import bodies, client_address, hal
from shortlinks.api import links as read_links
from shortlinks.api.bodies import Item
from shortlinks.api.views import ApiView
from shortlinks.domain import access, links, urls
from shortlinks.domain.access import Order
from shortlinks.domain.urls import SafeUrl, UrlRejected
from shortlinks.models import Scope


class ShortLinks(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.LINKS_READ,
        "POST": Scope.LINKS_WRITE,
    }

    def get(self, request: Request) -> Response:
        return read_links.listing(request, self.caller.user)

    def post(self, request: Request) -> Response:
        orders = parse_orders(bodies.read_json(request))
        grants = access.grant(orders, self.caller.user)
        address = client_address.masked(request, self.caller.token.account)
        created = links.create(grants, created_from=address)
        return Response(hal.short_links(created))


def parse_orders(body: object) -> list[Order]:
    """The orders of a request, or 400 with every fault of every item."""
    return [order for _, order in bodies.read_items(body, _order)]


def _order(item: Item) -> Order | None:
    url = _url(item)
    metadata = item.section("metadata")
    metadata.choice("entity_type", ["contacts"])
    entity_id = metadata.id("entity_id", required=True)
    return None if url is None or entity_id is None else Order(url, entity_id)


def _url(item: Item) -> SafeUrl | None:
    faults = len(item.errors)
    text = item.text("url", required=True)
    if len(item.errors) > faults:
        return None
    try:
        return urls.parse(text, urls.policy())
    except UrlRejected as rejected:
        item.fault(rejected.code, "url", rejected.detail)
        return None
