"""`/api/v4/short_links`: list links, or create one for each contact and URL."""

from typing import ClassVar

from rest_framework.request import Request

from shortlinks.api import client_address, hal, parsing
from shortlinks.api import links as read_links
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.views import ApiView
from shortlinks.domain.links import link_creation, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.domain.links.urls import SafeUrl, UrlRejected
from shortlinks.models import Scope


class ShortLinks(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.LINKS_READ,
        "POST": Scope.LINKS_WRITE,
    }
    confirms_token = frozenset({"POST"})

    def get(self, request: Request) -> Response:
        return read_links.list_links(request, self.caller.user)

    def post(self, request: Request) -> Response:
        link_requests = parse_link_requests(parsing.read_json(request))
        caller = self.checked.caller  # `create_for_caller` confirms the token
        created = link_creation.create_for_caller(
            link_requests,
            caller,
            created_from=client_address.masked_address(request, caller.token.account),
        )
        return Response(hal.short_links(created))


def parse_link_requests(body: object) -> list[LinkRequest]:
    """Return the link requests of a body, or raise 400 with all errors."""
    return [each for _, each in parsing.read_items(body, _link_request)]


def _link_request(item: FieldReader) -> LinkRequest | None:
    url = _url(item)
    metadata = item.section("metadata")
    metadata.choice("entity_type", ["contacts"])
    entity_id = metadata.id("entity_id", required=True)
    return None if url is None or entity_id is None else LinkRequest(url, entity_id)


def _url(item: FieldReader) -> SafeUrl | None:
    error_count = len(item.errors)
    text = item.text("url", required=True)
    if len(item.errors) > error_count:
        return None
    try:
        return urls.parse(text, urls.policy())
    except UrlRejected as rejected:
        item.add_error(rejected.code, "url", rejected.detail)
        return None
