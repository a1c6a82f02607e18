"""HAL: how answers and lists look on the wire (contract §1 and §4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api.problems import Problem
from shortlinks.domain.links import urls
from shortlinks.domain.links.short_links import CreatedLink

M = TypeVar("M", bound=Model)

DEFAULT_LIMIT = 50
MAX_LIMIT = 250
MAX_PAGE = 100_000


class HalRenderer(BaseRenderer):
    media_type = "application/hal+json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data)


def hal_response(data: object) -> HttpResponse:
    """As a view's `Response` is rendered."""
    return HttpResponse(msgspec.json.encode(data), content_type=HalRenderer.media_type)


class IgnoreAccept(BaseContentNegotiation):
    """Clients send `*/*`, nothing, or `application/json` only: all get HAL."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: Any = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


def short_links(created: Sequence[CreatedLink]) -> dict[str, Any]:
    """The specification's answer, key for key; the only place a short url leaves."""
    return {
        "_links": {"self": {"href": "/api/v4/short_links"}},
        "_embedded": {
            "short_links": [
                {
                    "url": f"{urls.short_base_url(link.host)}/{link.code}",
                    "account_id": link.account_id,
                    "metadata": {
                        "entity_type": "contacts",
                        "entity_id": link.entity_id,
                    },
                }
                for link in created
            ]
        },
    }


def href(request: Request, path: str) -> dict[str, str]:
    """A link with the scheme, host and port that the client used."""
    return {"href": request.build_absolute_uri(path)}


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    limit: int


def page(request: Request, *, most: int = MAX_LIMIT) -> Page:
    """`?page=&limit=`, or 400."""
    return Page(
        number=_number(request, "page", 1, MAX_PAGE),
        limit=_number(request, "limit", DEFAULT_LIMIT, most),
    )


def paginated(
    request: Request,
    name: str,
    rows: "QuerySet[M]",
    represent: Callable[[M], dict[str, Any]],
    *,
    most: int = MAX_LIMIT,
) -> Response:
    """One page of ordered rows; 204 without a body when there are none."""
    at = page(request, most=most)
    start = (at.number - 1) * at.limit
    found = list(rows[start : start + at.limit + 1])
    if not found:
        return Response(status=204)
    links = {"self": _page_href(request, at)}
    if len(found) > at.limit:
        links["next"] = _page_href(request, Page(at.number + 1, at.limit))
    embedded = [represent(row) for row in found[: at.limit]]
    return Response(
        {"_page": at.number, "_links": links, "_embedded": {name: embedded}}
    )


def _page_href(request: Request, at: Page) -> dict[str, str]:
    query = [
        (key, value)
        for key, values in request.query_params.lists()
        if key not in {"page", "limit"}
        for value in values
    ]
    query += [("page", str(at.number)), ("limit", str(at.limit))]
    return href(request, f"{request.path}?{urlencode(query)}")


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise Problem(400, f"{name} must be a number from 1 to {most}.")
    return int(text[:9])
