"""HAL: the format of responses and lists on the wire (docs/contract.md)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from msgspec import Struct
from rest_framework.request import Request

from shortlinks.api.problems import Problem
from shortlinks.api.resources.fields import Link, SelfLinks
from shortlinks.domain import integers
from shortlinks.domain.links import urls
from shortlinks.domain.links.link_creation import CreatedLink

M = TypeVar("M", bound=Model)

DEFAULT_LIMIT = 50
MAX_LIMIT = 250
MAX_PAGE = 100_000


class Response(HttpResponse):
    """A JSON response, in HAL by default, whatever the `Accept` header is."""

    def __init__(
        self,
        data: object = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/hal+json",
    ) -> None:
        body = b"" if data is None else msgspec.json.encode(data)
        super().__init__(
            body, content_type=content_type, status=status, headers=headers
        )
        if data is None:
            del self.headers["Content-Type"]


def short_links(created: Sequence[CreatedLink]) -> dict[str, Any]:
    """Return the body with the created links. No other response has short URLs."""
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


def href(request: Request, path: str) -> Link:
    """Return a link with the scheme, host and port that the client used."""
    # Django's own request: DRF's attribute lookup takes 0.7 µs for each link
    return Link(request._request.build_absolute_uri(path))


def self_links(request: Request, path: str) -> SelfLinks:
    return SelfLinks(href(request, path))


def unix_seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def batch(request: Request, name: str, items: Sequence[Struct]) -> Response:
    """Return the response to a batch, in the order of the request."""
    links = self_links(request, request.path)
    return Response({"_links": links, "_embedded": {name: items}})


@dataclass(frozen=True, slots=True)
class Page:
    request: Request
    number: int
    limit: int


def read_page(request: Request, *, max_limit: int = MAX_LIMIT) -> Page:
    """Read `?page=&limit=`, or raise 400. A larger limit counts as the largest one."""
    page_text = request.query_params.get("page", "1")
    number = integers.from_text(page_text, minimum=1, maximum=MAX_PAGE)
    if number is None:
        raise Problem(400, f"page must be a number from 1 to {MAX_PAGE}.")
    limit_text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    limit = integers.capped_from_text(limit_text, minimum=1, maximum=max_limit)
    if limit is None:
        raise Problem(400, f"limit must be a number from 1 to {max_limit}.")
    return Page(request, number, limit)


def read_with(request: Request, known: Collection[str]) -> list[str]:
    """Return the known names in `?with=`, which commas separate."""
    texts = request.query_params.get("with", "").split(",")
    requested = {text.strip() for text in texts}
    return [name for name in known if name in requested]


def paginated(
    current: Page,
    name: str,
    rows: "QuerySet[M]",
    represent: Callable[[M], object],
    *,
    totals: Callable[[Page], dict[str, object]] = lambda _: {},
) -> Response:
    """Return one page of ordered rows, or 204 without a body if it is empty."""
    start = (current.number - 1) * current.limit
    found = list(rows[start : start + current.limit + 1])
    if not found:
        return Response(status=204)
    links = _page_links(current, has_next=len(found) > current.limit)
    embedded = [represent(row) for row in found[: current.limit]]
    body = {"_page": current.number, "_links": links, "_embedded": {name: embedded}}
    return Response(body | totals(current))


def _page_links(current: Page, *, has_next: bool) -> dict[str, Link]:
    numbers = {"self": current.number}
    if has_next:
        numbers["next"] = current.number + 1
    if current.number > 1:
        numbers |= {"first": 1, "prev": current.number - 1}
    pages = {name: replace(current, number=page) for name, page in numbers.items()}
    return {name: _page_href(page) for name, page in pages.items()}


def _page_href(target: Page) -> Link:
    request = target.request
    query = [
        (key, value)
        for key, values in request.query_params.lists()
        if key not in {"page", "limit"}
        for value in _distinct(key, values)
    ]
    query += [("page", str(target.number)), ("limit", str(target.limit))]
    return href(request, f"{request.path}?{urlencode(query)}")


def _distinct(key: str, values: Sequence[str]) -> Iterable[str]:
    """Return each value once: some clients add their filters to a page's link again.

    The last value stays last, because it may be the only one that counts. A key that
    ends in `[]` keeps its values, because the two times of a range may be equal.
    """
    return values if key.endswith("[]") else reversed(dict.fromkeys(reversed(values)))
