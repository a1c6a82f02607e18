"""Exactly the clicks are opens: every way to request a link, in Chromium over https.

The pages that use the links are on another host than the links. The table with the
right verdicts is in `ways_of_opening`.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright

from shortlinks.models import Note, ShortLink, Visit
from tests import factories, programs, services
from tests.browser import caddy, conftest
from tests.browser.acts import LANDED
from tests.browser.ways_of_opening import SERVICE_WORKER, WAYS, Way

PAGES = "page.test"  # another site than the short host
RELATED_PAGES = "www.links.test"
SHORT_HOST = "go.links.test"
SITES = """
https://{pages}:{port}, https://{related}:{port}, https://landing.test:{port} {{
    root * {root}
    header Supports-Loading-Mode credentialed-prerender
    @redirected path_regexp code ^/(preloaded|passed)/(.+)$
    redir @redirected {short}/{{re.code.2}} 302
    try_files {{path}} {{path}}.html /landing.html
    file_server
}}
"""
# With Playwright's own switch, "back" would never use Chromium's cache.
UNWANTED_SWITCHES = ["--disable-back-forward-cache"]
TABS = 10  # at once


class Stage:
    """Pages with links, in a browser that trusts Caddy."""

    def __init__(
        self,
        visitor: BrowserContext,
        port: int,
        root: Path,
        links: dict[str, ShortLink],
    ) -> None:
        self.visitor = visitor
        self.port = port
        self.root = root
        self.links = links

    def perform(self, ways: Sequence[Way]) -> None:
        """Open the pages in tabs, act in each, and wait for the visits."""
        for way in ways:
            page = self.visitor.new_page()
            page.goto(self._write(way), wait_until="load" if way.act else "commit")
            if way.act:
                way.act(page, self._link(way))
        # The comparison at the end shows which visits are missing.
        with contextlib.suppress(AssertionError):
            services.wait_for(lambda: all(map(self._is_complete, ways)), seconds=10)
        for each in self.visitor.pages:
            each.close()

    def _link(self, way: Way) -> str:
        return f"https://{SHORT_HOST}:{self.port}/{self.links[way.name].code}"

    def _write(self, way: Way) -> str:
        """Write the page of a way and return its address."""
        code = self.links[way.name].code
        html = f"<!doctype html>{way.head}<title>{way.name}</title>{way.body}"
        html = html.replace("{link}", self._link(way)).replace("{code}", code)
        (self.root / f"{code}.html").write_text(html)
        host = RELATED_PAGES if way.same_site else PAGES
        return f"https://{host}:{self.port}/{code}.html"

    def _is_complete(self, way: Way) -> bool:
        visits = Visit.objects.filter(link=self.links[way.name], due_at=None)
        return visits.count() >= len(way.verdicts)

    def results(self) -> list[str]:
        """Return the verdicts of the visits of each way, and its number of notes."""
        verdicts = defaultdict[int, list[str]](list)
        visits = Visit.objects.order_by("id").values_list("link_id", "verdict")
        for link_id, verdict in visits:
            verdicts[link_id].append(verdict)
        notes = Counter(Note.objects.values_list("link_id", flat=True))
        return [
            _result(name, verdicts[link.id], notes[link.id])
            for name, link in self.links.items()
        ]


def _result(name: str, verdicts: Sequence[str], notes: int) -> str:
    return f"{name}: {' '.join(verdicts)}, notes: {notes}"


@pytest.fixture
def stage(
    transactional_db: None, playwright: Playwright, tmp_path: Path
) -> Iterator[Stage]:
    contact = factories.contact(factories.account())
    port = services.free_port()
    short = f"https://{SHORT_HOST}:{port}"
    links = {
        way.name: factories.link(contact, f"https://landing.test:{port}/{number}")
        for number, way in enumerate(WAYS)
    }
    root = tmp_path / "pages"
    root.mkdir()
    (root / "landing.html").write_text(f"<!doctype html><h1>{LANDED}</h1>")
    (root / "worker.js").write_text(SERVICE_WORKER)
    sites = SITES.format(
        pages=PAGES, related=RELATED_PAGES, port=port, root=root, short=short
    )
    settings = {"SHORT_BASE_URL": short, "TRUSTED_PROXIES": "127.0.0.0/8"}
    with (
        services.redirects_server(tmp_path, **settings) as server,
        services.worker(tmp_path, **settings),
        caddy.running(
            tmp_path,
            port,
            short_base_url=short,
            redirects=server.port,
            sites=sites,
        ) as trusting_caddy,
        playwright.chromium.launch(
            executable_path=programs.find("chromium", package="chromium"),
            ignore_default_args=UNWANTED_SWITCHES,
            args=[
                *conftest.SWITCHES,
                trusting_caddy,
                f"--user-agent={conftest.USER_AGENT}",
            ],
        ) as browser,
        browser.new_context(locale="ru-RU") as visitor,
    ):
        visitor.set_default_timeout(10_000)
        yield Stage(visitor, port, root, links)


def test_clicks_alone_are_opens_in_chromium_over_https(stage: Stage) -> None:
    for start in range(0, len(WAYS), TABS):
        stage.perform(WAYS[start : start + TABS])

    services.wait_for(lambda: not Visit.objects.exclude(due_at=None).exists())
    assert stage.results() == [_result(w.name, w.verdicts, w.notes) for w in WAYS]
