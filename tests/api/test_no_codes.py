"""No response to a manager's token contains a short code (docs/architecture.md)."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from shortlinks.domain.visits import processing
from shortlinks.models import Account, Contact, Note, ShortLink, User
from tests import factories
from tests.conftest import Api

QUERIES = (
    "",
    "?limit=250",
    "?query=a",
    "?filter[url]=https://shop.example/sale",
    "?filter[id]={id}",
    "?filter[entity_id]=7",
    "?filter[code]={code}",
    "?filter[short_url]={code}",
    "?query={code}",
    "?order[id]=desc",
    "?order[code]=asc",
    "?with=short_url,code",
)


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


API_ROUTES = [
    route
    for route in routes(get_resolver().url_patterns)
    if route.startswith("api/") and route != "api/v4/openapi.json"
]


@pytest.fixture
def link(account: Account, manager: User) -> ShortLink:
    contact = factories.contact(account, entity_id=7, responsible_user=manager)
    made = factories.link(contact)
    factories.visit(made)
    processing.process_due()
    return made


def address(route: str, link: ShortLink) -> str:
    ids = {
        "entity_id": 7,
        "link_id": link.id,
        "note_id": Note.objects.get().id,
        "event_id": Note.objects.get().id,
        "pixel_id": 1,
        "chat_id": 1,
        "merge_id": 1,
        "suggestion_id": 1,
        "erasure_id": 1,
        "user_id": link.contact.responsible_user_id,
    }
    for name, value in ids.items():
        route = route.replace(f"<id:{name}>", str(value))
    return f"/{route}"


@pytest.mark.parametrize("route", API_ROUTES)
def test_lists_and_filters_return_no_short_code(
    link: ShortLink, manager: User, caller: Callable[[User], Api], route: str
) -> None:
    api = caller(manager)
    path = address(route, link)
    assert "<" not in path

    for query, method in product(QUERIES, ("GET", "PATCH", "POST")):
        asked = query.format(id=link.id, code=link.code)
        response: Any = api.send(
            method, f"{path}{asked}", data=b"[{}]", content_type="application/json"
        )
        told = response.content + repr(dict(response.headers)).encode()
        # responses may repeat what the request contained
        assert link.code.encode() not in told.replace(asked.encode(), b"")


def test_walk_finds_rows(link: ShortLink, manager: User) -> None:
    """Positive control: the routes return the link, by its source URL."""
    api = Api(factories.token(manager))

    told = [api.get(address(route, link)).content for route in API_ROUTES]

    assert sum(link.url.encode() in content for content in told) >= 4
    assert Contact.objects.count() == 1
