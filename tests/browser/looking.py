"""What is asked of each page that a browser shows, and its picture."""

import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, ViewportSize

GRAVE = ("serious", "critical")
# Only what colours decide is asked again in the other theme.
EVERYTHING = {"resultTypes": ["violations"]}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast"]}
WIDE: ViewportSize = {"width": 1280, "height": 800}
ALSO_DARK = ("home", "contact", "import-preview")
TALLEST = 1400  # pixels of a picture
FOLDER = os.environ.get("SCREENSHOTS", "")


class Looker:
    """Goes from page to page, and keeps what is wrong with them."""

    def __init__(self, page: Page, admin: str, shape: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._admin = admin
        self._shape = shape
        self._said: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._said.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        """Advice of the browser's is no fault."""
        if message.type in ("error", "warning"):
            self._said.append(message.text)

    def goto(self, path: str, name: str) -> None:
        self.check(path, name)
        self._picture(name)

    def check(self, path: str, name: str) -> None:
        """Without a picture, for what looks like another page."""
        self.page.goto(f"{self._admin}{path}")
        self._examine(name)

    def look(self, name: str) -> None:
        self._examine(name)
        self._picture(name)

    def _examine(self, name: str) -> None:
        """In light and in dark."""
        self.page.wait_for_load_state()
        self.page.evaluate("document.fonts.ready")
        found = [*self._said, *self._sticking_out()]
        for theme in ("dark", "light"):
            self._wear(theme)
            options = EVERYTHING if theme == "light" else COLOURS
            found += [f"{theme}: {fault}" for fault in _hindrances(self.page, options)]
            if theme == "dark" and name in ALSO_DARK:
                self._picture(f"{name}-dark")
        self.faults += [f"{name}: {fault}" for fault in found]
        self._said.clear()

    def _picture(self, name: str) -> None:
        if not FOLDER:
            return
        size = self.page.viewport_size or WIDE
        _stretch(self.page)
        _keep(self.page, Path(FOLDER) / f"{name}-{self._shape}.webp")
        self.page.set_viewport_size(size)

    def _sticking_out(self) -> Iterable[str]:
        width = "document.documentElement.scrollWidth - innerWidth"
        return ["sticks out"] if self.page.evaluate(width) else []

    def _wear(self, theme: str) -> None:
        """As the switch of the page would."""
        dark = "dark => document.documentElement.classList.toggle('dark', dark)"
        self.page.evaluate(dark, theme == "dark")


def _hindrances(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe finds grave, each with the places it is at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{found['id']}: {json.dumps([node['html'][:200] for node in found['nodes']])}"
        for found in result["violations"]
        if found["impact"] in GRAVE
    ]


def _stretch(page: Page) -> None:
    """The picture shows the whole page, unless it is a very long one."""
    size = page.viewport_size or WIDE
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height, TALLEST)})


def _keep(page: Page, file: Path) -> None:
    """As WebP, which Playwright itself does not write: a fifth of a PNG."""
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": 45}
    shot = session.send("Page.captureScreenshot", asked)
    session.detach()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(shot["data"]))
