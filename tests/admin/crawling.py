"""Crawler of the admin, which follows links as a browser does."""

import re
from typing import Any
from urllib.parse import urljoin

from django.db.models import Model
from django.test import Client

from tests.admin import shown_messages
from tests.admin.fixtures_full_account import address

# Other orders, combined filters, and pages that remember these.
ENDLESS = re.compile(r"&|\?o=|_changelist_filters=|#")
HREF = re.compile(r'(?:href|action)="([^"]*)"')
# Links to lists and rows, without filters.
LINK = re.compile(r'<a\b[^>]*?\bhref="(/admin/shortlinks/\w+/(?:[^/"]+/change/)?)"')
MAX_PAGES = 400


def crawl(client: Client, *starts: str) -> dict[str, str]:
    """Return the pages with status 200 that links lead to, by path and query."""
    waiting = list(starts)
    seen: set[str] = set()
    pages: dict[str, str] = {}
    while waiting:
        path = waiting.pop(0)
        if path in seen or ENDLESS.search(path) or not path.startswith("/admin/"):
            continue
        seen.add(path)
        assert len(seen) < MAX_PAGES, "the crawl has no end"
        response: Any = client.get(path, follow=True)
        if response.status_code == 200:
            # Some are streamed.
            pages[path] = response.getvalue().decode(errors="replace")
            found = HREF.findall(pages[path])
            waiting += [urljoin(path, href.replace("&amp;", "&")) for href in found]
    return pages


def answer(client: Client, row: Model, page: str) -> tuple[int, str, str]:
    """Return status, location and text of a row's page, without its id."""
    shown_messages.forget(client)
    response: Any = client.get(address(row, page))
    said = shown_messages.waiting(response)
    text = "\n".join([*said, response.content.decode()])
    location = response.headers.get("Location", "")
    return response.status_code, location, text.replace(f"“{row.pk}”", "ID")


def dead_links(client: Client, *starts: str) -> set[tuple[str, str]]:
    """Return the links to rows that the user may not view, each after its page."""
    waiting = [("", start) for start in starts]
    dead: dict[str, bool] = {}
    found: set[tuple[str, str]] = set()
    while waiting:
        page, path = waiting.pop(0)
        if path not in dead:
            assert len(dead) < MAX_PAGES, "the crawl has no end"
            response: Any = client.get(path, follow=True)
            dead[path] = _is_missing(response)
            links = [] if dead[path] else LINK.findall(response.getvalue().decode())
            waiting += [(path, urljoin(path, link)) for link in links]
        if dead[path]:
            found.add((page, path))
    return found


def _is_missing(response: Any) -> bool:
    """Return whether there is no such page; Django redirects from missing rows."""
    to_start = any(target == "/admin/" for target, _ in response.redirect_chain)
    return response.status_code >= 400 or to_start
