"""What is asked of each page that a browser shows, and its picture."""

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, TimeoutError, ViewportSize

from shortlinks.models import User
from tests.browser import desk

# Sorted out in the page: what axe says of all that is well is long.
HINDRANCES = """async (options) => {
  const found = await axe.run(document, options);
  return found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .map(each => `${each.id}: ${each.nodes.map(node => node.html.slice(0, 200))}`)}"""
# Only what colours decide is asked again in the other theme. No rule that is asked for
# wants the style sheets loaded once more.
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast"]}
# Each page is looked at in all of them, without being loaded again.
VIEWS: dict[str, ViewportSize] = {
    "narrow": {"width": 390, "height": 844},
    "wide": {"width": 1280, "height": 800},
}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
ALSO_DARK = ("home-{", "contact-{", "import-preview-{")
# To who hears the page an icon is a word, such as "more_vert". The labels of rows are
# shown on a phone, and each begins a line.
MISNAMED = """() => [
  ...[...document.querySelectorAll(".material-symbols-outlined")]
    .filter(icon => !icon.closest("[aria-hidden=true]") && !icon.ariaLabel)
    .map(icon => `read out: ${icon.textContent.trim()}`),
  ...[...document.querySelectorAll("[data-label]")].map(cell => cell.dataset.label)
    .filter(label => label[0] !== label[0]?.toUpperCase())
    .map(label => `lower case: ${label}`)]"""
PAINTED = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
MOST_TO_FIT = 5_000  # milliseconds
TALLEST = 1400  # pixels of a picture
FOLDER = os.environ.get("SCREENSHOTS", "")


class Looker:
    """Goes from page to page, and keeps what is wrong with them."""

    def __init__(self, page: Page, admin: str, language: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._admin = admin
        self._language = language
        self._said: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._said.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        """Advice of the browser's is no fault."""
        if message.type in ("error", "warning"):
            self._said.append(message.text)

    def enter(self, user: User) -> None:
        desk.sign_in(self.page, self._admin, user, self._language)

    def goto(self, path: str, name: str) -> None:
        self._open(path)
        self.look(name)

    def check(self, path: str, name: str) -> None:
        """Without a picture, for what looks like another page."""
        self._open(path)
        self._examine(name, is_pictured=False)

    def look(self, name: str) -> None:
        self._examine(name, is_pictured=bool(FOLDER))

    def _open(self, path: str) -> None:
        self.page.goto(f"{self._admin}{path}")

    def _examine(self, name: str, *, is_pictured: bool) -> None:
        """In all shapes, in light and in dark."""
        self.page.wait_for_load_state()
        self.page.evaluate("document.fonts.ready")
        self.page.set_viewport_size(NARROWEST)
        found = [f"320 px: {fault}" for fault in _sticking_out(self.page)]
        found += self.page.evaluate(MISNAMED)
        for shape, size in VIEWS.items():
            self.page.set_viewport_size(size)
            kept = f"{name}-{{}}{self._language}-{shape}" if is_pictured else ""
            found += [f"{shape}: {fault}" for fault in self._faults(kept)]
        self.faults += [f"{name}: {fault}" for fault in [*self._said, *found]]
        self._said.clear()

    def _faults(self, kept: str) -> Iterator[str]:
        yield from _sticking_out(self.page)
        for theme in ("dark", "light"):
            self._wear(theme)
            options = EVERYTHING if theme == "light" else COLOURS
            for fault in _hindrances(self.page, options):
                yield f"{theme}: {fault}"
            if kept and (theme == "light" or kept.startswith(ALSO_DARK)):
                _picture(self.page, kept.format("" if theme == "light" else "dark-"))

    def _wear(self, theme: str) -> None:
        """As the switch of the page would."""
        dark = "dark => document.documentElement.classList.toggle('dark', dark)"
        self.page.evaluate(dark, theme == "dark")


def _sticking_out(page: Page) -> Sequence[str]:
    """A chart takes its new size a moment after the window has."""
    try:
        fits = "document.documentElement.scrollWidth <= innerWidth"
        page.wait_for_function(fits, timeout=MOST_TO_FIT)
    except TimeoutError:
        return ["sticks out"]
    return []


def _picture(page: Page, name: str) -> None:
    size = page.viewport_size
    assert size
    _stretch(page, size)
    _keep(page, Path(FOLDER) / f"{name}.webp")
    page.set_viewport_size(size)


def _hindrances(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe finds grave, each with the places it is at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(HINDRANCES, options)
    return found


def _stretch(page: Page, size: ViewportSize) -> None:
    """The picture shows the whole page, unless it is a very long one."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height, TALLEST)})
    page.evaluate(PAINTED)


def _keep(page: Page, file: Path) -> None:
    """As WebP, which Playwright itself does not write: a fifth of a PNG."""
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": 45}
    shot = session.send("Page.captureScreenshot", asked)
    session.detach()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(shot["data"]))
