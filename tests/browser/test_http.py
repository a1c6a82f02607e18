"""Over http, a click is an open, and what a page loads is none, in Chromium."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

from shortlinks.domain.visits import processing
from shortlinks.models import Note, Visit
from tests import factories, services

# Not localhost, to which Chromium sends Sec-Fetch headers.
PAGES, SHORT_HOST = "page.test", "go.links.test"
NO_PAGE = ("suspect", "no page accepted")
PARTS = {
    "image": ('<img src="{link}">', NO_PAGE),
    "style": ('<link rel="stylesheet" href="{link}">', NO_PAGE),
    "script": ('<script src="{link}"></script>', NO_PAGE),
    "fetch": ("<script>fetch('{link}', {mode: 'no-cors'})</script>", NO_PAGE),
    "video": ('<video src="{link}" preload="auto"></video>', NO_PAGE),
    "click": ('<a id="link" href="{link}">open</a>', ("person", "browser")),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve the files in the folder, and return their address."""
    files = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{PAGES}:{server.server_port}"
        server.shutdown()


def test_clicks_alone_are_opens_in_chromium_over_http(
    transactional_db: None, tmp_path: Path, site: str, page: Page
) -> None:
    contact = factories.contact(factories.account())
    links = {name: factories.link(contact, f"{site}/?{name}") for name in PARTS}
    with services.redirects_server(
        tmp_path, VISIT_PROCESSING_DELAY_SECONDS="0"
    ) as server:
        host = f"http://{SHORT_HOST}:{server.port}"
        parts = [
            part.replace("{link}", f"{host}/{links[name].code}")
            for name, (part, _) in PARTS.items()
        ]
        (tmp_path / "parts.html").write_text("<!doctype html>" + "".join(parts))

        page.goto(f"{site}/parts.html")
        services.wait_for(lambda: Visit.objects.count() == len(PARTS) - 1)
        page.click("#link")
        services.wait_for(lambda: Visit.objects.count() == len(PARTS))

    processing.process_due()
    found = {
        name: Visit.objects.values_list("verdict", "reason").get(link=link)
        for name, link in links.items()
    }
    assert found == {name: verdict for name, (_, verdict) in PARTS.items()}
    assert Note.objects.get().link == links["click"]
