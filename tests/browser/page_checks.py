"""Checks of a page in a browser, and its screenshot."""

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, ViewportSize

from shortlinks.models import User
from tests.browser import admin_site

# Filtered in the page, because axe's full result is long.
HINDRANCES = """async (options) => {
  const found = await axe.run(document, options);
  return found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .map(each => `${each.id}: ${each.nodes.map(node => node.html.slice(0, 200))}`)}"""
# In the second theme, check only what depends on colors, and in one language. No rule
# needs style sheets to be loaded again.
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast"]}
# Each page is checked in all sizes without reloading.
VIEWS: dict[str, ViewportSize] = {
    "narrow": {"width": 390, "height": 844},
    "wide": {"width": 1280, "height": 800},
}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
ALSO_DARK = ("dashboard-{", "contact-{", "import-preview-{")
# A screen reader reads an icon as a word such as "more_vert". Phones show labels of
# rows, each at the start of a line.
MISNAMED = """() => [
  ...[...document.querySelectorAll(".material-symbols-outlined")]
    .filter(icon => !icon.closest("[aria-hidden=true]") && !icon.ariaLabel)
    .map(icon => `read out: ${icon.textContent.trim()}`),
  ...[...document.querySelectorAll("[data-label]")].map(cell => cell.dataset.label)
    .filter(label => label[0] !== label[0]?.toUpperCase())
    .map(label => `lower case: ${label}`)]"""
# Alpine's build for the policy reads no statements and no globals, which show only when
# the event happens.
UNREADABLE = r"""() => {
  const inner = [...document.querySelectorAll("template")].map(each => each.content);
  const all = [document, ...inner].flatMap(root => [...root.querySelectorAll("*")]);
  const statement = /;\s*\S|=>|`|\.\.\.|\?\.|\bif\b/;
  const global = /\b(window|document|localStorage|location)\b/;
  return [...new Set(all.flatMap(part => [...part.attributes])
    .filter(({ name }) => /^(x-|@|:)/.test(name))
    .filter(({ value }) => statement.test(value) || global.test(value))
    .map(({ name, value }) => `unreadable: ${name}=${value}`))]}"""
# The admin stores nothing in the browser but the theme and the width of the menu.
STORED = """async () => [
  ...Object.keys({ ...localStorage, ...sessionStorage }),
  ...(await indexedDB.databases()).map(({ name }) => name),
  ...await caches.keys(),
].filter(name => !["adminTheme", "sidebarDesktopOpen"].includes(name))
  .map(name => `stored in the browser: ${name}`)"""
LOG_OUT = "document.querySelector('form[action=\"/admin/logout/\"]') !== null"
PAINTED = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
# Without wait_for_function, which evaluates a string in the page.
FITS = """async (timeout) => {
  const end = performance.now() + timeout;
  while (document.documentElement.scrollWidth > innerWidth) {
    if (performance.now() > end) return false;
    await new Promise(requestAnimationFrame);
  }
  return true;
}"""
FIT_TIMEOUT_MS = 5_000  # milliseconds
TALLEST = 1400  # pixels of a picture
FOLDER = os.environ.get("SCREENSHOTS", "")


class PageChecker:
    """A browser session that collects the problems of the pages it opens."""

    def __init__(self, page: Page, admin: str, language: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._admin = admin
        self._language = language
        self._themes = ["dark", "light"] if FOLDER or language == "en" else ["light"]
        self._messages: list[str] = []
        self._is_signed_in = False
        page.on("console", self._record_console)
        page.on("pageerror", lambda error: self._messages.append(str(error)))

    def _record_console(self, message: ConsoleMessage) -> None:
        """Record console messages except hints of the browser."""
        if message.type in ("error", "warning"):
            self._messages.append(message.text)

    def enter(self, user: User) -> None:
        admin_site.sign_in(self.page, self._admin, user, self._language)
        self._is_signed_in = True

    def goto(self, path: str, name: str) -> None:
        self._open(path)
        self.look(name)

    def check(self, path: str, name: str) -> None:
        """Check the page without a screenshot."""
        self._open(path)
        self._examine(name, is_pictured=False)

    def look(self, name: str) -> None:
        self._examine(name, is_pictured=bool(FOLDER))

    def examine(self, name: str) -> None:
        """Check the present page without a screenshot, which would end a passkey."""
        self._examine(name, is_pictured=False)

    def _open(self, path: str) -> None:
        self.page.goto(f"{self._admin}{path}")

    def _examine(self, name: str, *, is_pictured: bool) -> None:
        """Check all sizes in light and dark."""
        self.page.wait_for_load_state()
        self.page.evaluate("document.fonts.ready")
        self.page.set_viewport_size(NARROWEST)
        found = [f"320 px: {problem}" for problem in _overflow(self.page)]
        found += self.page.evaluate(MISNAMED)
        found += self.page.evaluate(UNREADABLE)
        found += self.page.evaluate(STORED)
        if self._is_signed_in and not self.page.evaluate(LOG_OUT):
            found.append("cannot log out")
        for shape, size in VIEWS.items():
            self.page.set_viewport_size(size)
            kept = f"{name}-{{}}{self._language}-{shape}" if is_pictured else ""
            found += [f"{shape}: {problem}" for problem in self._faults(kept)]
        found = [*dict.fromkeys(self._messages), *found]
        self.problems += [f"{name}: {problem}" for problem in found]
        self._messages.clear()

    def _faults(self, kept: str) -> Iterator[str]:
        yield from _overflow(self.page)
        for theme in self._themes:
            self._set_theme(theme)
            options = EVERYTHING if theme == "light" else COLOURS
            for problem in _accessibility_problems(self.page, options):
                yield f"{theme}: {problem}"
            if kept and (theme == "light" or kept.startswith(ALSO_DARK)):
                _picture(self.page, kept.format("" if theme == "light" else "dark-"))

    def _set_theme(self, theme: str) -> None:
        """Set the theme as the page's switch does."""
        dark = "dark => document.documentElement.classList.toggle('dark', dark)"
        self.page.evaluate(dark, theme == "dark")


def _overflow(page: Page) -> Sequence[str]:
    """Wait for charts, which resize after the window, and return what overflows."""
    return [] if page.evaluate(FITS, FIT_TIMEOUT_MS) else ["overflows"]


def _picture(page: Page, name: str) -> None:
    size = page.viewport_size
    assert size
    _fit_window(page, size)
    _save_webp(page, Path(FOLDER) / f"{name}.webp")
    page.set_viewport_size(size)


def _accessibility_problems(page: Page, options: dict[str, Any]) -> list[str]:
    """Return serious and critical findings of axe-core with their elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(HINDRANCES, options)
    return found


def _fit_window(page: Page, size: ViewportSize) -> None:
    """Fit the window to the page, up to a limit."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height, TALLEST)})
    page.evaluate(PAINTED)


def _save_webp(page: Page, file: Path) -> None:
    """Save as WebP, a fifth of a PNG, which Playwright cannot write."""
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": 45}
    shot = session.send("Page.captureScreenshot", asked)
    session.detach()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(shot["data"]))
