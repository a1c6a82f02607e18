"""`POST /api/v4/short_links`: one personal short link for each contact and url."""

from typing import Any, ClassVar

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import authentication, bodies, client_address, hal, problems
from shortlinks.api import links as read_links
from shortlinks.api.bodies import Item
from shortlinks.api.database_breaker import breaker
from shortlinks.api.problems import Problem
from shortlinks.api.throttling import seconds_to_wait
from shortlinks.api.views import ApiView
from shortlinks.domain import access, links, quick_orders, urls
from shortlinks.domain.access import Order
from shortlinks.domain.links import CreatedLink
from shortlinks.domain.urls import SafeUrl, UrlRejected
from shortlinks.models import Scope


class ShortLinks(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.LINKS_READ,
        "POST": Scope.LINKS_WRITE,
    }

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer = answer_at_once(request) if request.method == "POST" else None
        return answer or super().dispatch(request, *args, **kwargs)

    def get(self, request: Request) -> Response:
        return read_links.listing(request, self.caller.user)

    def post(self, request: Request) -> Response:
        orders = parse_orders(bodies.read_json(request))
        grants = access.grant(orders, self.caller.user)
        address = client_address.masked(request, self.caller.token.account)
        created = links.create(grants, created_from=address)
        return Response(hal.short_links(created))


def answer_at_once(request: HttpRequest) -> HttpResponse | None:
    """The hot path: new links for a token that this process knows.

    It only ever says yes. All that is unusual is left to the view, which asks again
    from the start and has the words for every refusal.
    """
    try:
        created = _created_at_once(request)
    except Problem:
        return None
    except DatabaseError as error:  # not asked twice: it may have been stored
        return problems.render(error)
    return None if created is None else hal.answer(hal.short_links(created))


def _created_at_once(request: HttpRequest) -> list[CreatedLink] | None:
    token = authentication.known_token(request)
    if token is None or breaker.is_open or Scope.LINKS_WRITE not in token.row.scopes:
        return None
    orders = parse_orders(bodies.decode_json(request))
    if seconds_to_wait(request, token.row):
        return None
    address = client_address.masked(request, token.row.account)
    return quick_orders.create(orders, token, created_from=address)


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
