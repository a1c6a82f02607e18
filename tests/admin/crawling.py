"""Walking through the admin as a browser would."""

import re
from typing import Any
from urllib.parse import urljoin

from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client

from tests.admin.worlds import address

# The same rows in another order, combined filters, and pages that remember them.
ENDLESS = re.compile(r"&|\?o=|_changelist_filters=|#")
HREF = re.compile(r'(?:href|action)="([^"]*)"')
MOST_PAGES = 400


def crawl(client: Client, *starts: str) -> dict[str, str]:
    """The pages that links lead to, by path and query; those that answer 200."""
    waiting = list(starts)
    seen: set[str] = set()
    pages: dict[str, str] = {}
    while waiting:
        path = waiting.pop(0)
        if path in seen or ENDLESS.search(path) or not path.startswith("/admin/"):
            continue
        seen.add(path)
        assert len(seen) < MOST_PAGES, "the crawl has no end"
        response: Any = client.get(path, follow=True)
        if response.status_code == 200:
            pages[path] = response.content.decode(errors="replace")
            found = HREF.findall(pages[path])
            waiting += [urljoin(path, href.replace("&amp;", "&")) for href in found]
    return pages


def answer(client: Client, row: Model, page: str) -> tuple[int, str, str]:
    """What the client hears of the row, with its id taken out."""
    client.cookies.pop("messages", None)
    response: Any = client.get(address(row, page))
    said = [str(message) for message in get_messages(response.wsgi_request)]
    text = "\n".join([*said, response.content.decode()])
    location = response.headers.get("Location", "")
    return response.status_code, location, text.replace(f"“{row.pk}”", "ID")
