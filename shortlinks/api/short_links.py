"""`POST /api/v4/short_links`: one personal short link for each contact and url."""

from typing import Any, ClassVar

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import authentication, client_address, hal, parsing, problems
from shortlinks.api import links as read_links
from shortlinks.api.database_breaker import breaker
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem
from shortlinks.api.throttling import seconds_to_wait
from shortlinks.api.views import ApiView
from shortlinks.domain.links import fast_create, link_requests, short_links, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.domain.links.short_links import CreatedLink
from shortlinks.domain.links.urls import SafeUrl, UrlRejected
from shortlinks.models import Scope


class ShortLinks(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.LINKS_READ,
        "POST": Scope.LINKS_WRITE,
    }

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer = create_fast(request) if request.method == "POST" else None
        return answer or super().dispatch(request, *args, **kwargs)

    def get(self, request: Request) -> Response:
        return read_links.listing(request, self.caller.user)

    def post(self, request: Request) -> Response:
        orders = parse_link_requests(parsing.read_json(request))
        grants = link_requests.authorize(orders, self.caller.user)
        address = client_address.masked_address(request, self.caller.token.account)
        created = short_links.create(grants, created_from=address)
        return Response(hal.short_links(created))


def create_fast(request: HttpRequest) -> HttpResponse | None:
    """The hot path: new links for a token that this process knows.

    It only ever says yes. All that is unusual is left to the view, which asks again
    from the start and has the words for every refusal.
    """
    try:
        created = _create_fast(request)
    except Problem:
        return None
    except DatabaseError as error:  # not asked twice: it may have been stored
        return problems.render(error)
    return None if created is None else hal.hal_response(hal.short_links(created))


def _create_fast(request: HttpRequest) -> list[CreatedLink] | None:
    token = authentication.cached_token(request)
    if token is None or breaker.is_open or Scope.LINKS_WRITE not in token.row.scopes:
        return None
    orders = parse_link_requests(parsing.decode_json(request))
    if seconds_to_wait(request, token.row):
        return None
    address = client_address.masked_address(request, token.row.account)
    return fast_create.create_in_one_statement(orders, token, created_from=address)


def parse_link_requests(body: object) -> list[LinkRequest]:
    """The orders of a request, or 400 with every fault of every item."""
    return [order for _, order in parsing.read_items(body, _link_request)]


def _link_request(item: FieldReader) -> LinkRequest | None:
    url = _url(item)
    metadata = item.section("metadata")
    metadata.choice("entity_type", ["contacts"])
    entity_id = metadata.id("entity_id", required=True)
    return None if url is None or entity_id is None else LinkRequest(url, entity_id)


def _url(item: FieldReader) -> SafeUrl | None:
    faults = len(item.errors)
    text = item.text("url", required=True)
    if len(item.errors) > faults:
        return None
    try:
        return urls.parse(text, urls.policy())
    except UrlRejected as rejected:
        item.add_error(rejected.code, "url", rejected.detail)
        return None
