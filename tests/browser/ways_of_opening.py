"""Ways in which a browser can request a short link, with the verdicts that are right.

The rules are in docs/what-counts-as-an-open.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser import acts

BOT = ("bot",)
HELD = ("suspect",)
OPENED = ("person",)
PREPARED = ("prefetch",)
PREPARED_AND_OPENED = ("prefetch", "person")
NOT_REQUESTED = ()

Act = Callable[[Page, str], None]


@dataclass(frozen=True, slots=True)
class Way:
    """A page that uses its link, an act of the visitor, and the verdicts of the visits.

    `{link}` in the page is the short link, `{code}` its code. Without an act, the page
    requests the link by itself. Only a person's visits have a note, one for each link.
    """

    name: str
    body: str
    verdicts: tuple[str, ...]
    act: Act | None = None
    head: str = ""
    # On the short link's site, where browsers prerender; otherwise on another site.
    same_site: bool = False

    @property
    def notes(self) -> int:
        return int("person" in self.verdicts)


FETCH = "fetch('{link}', {mode: 'no-cors'})"
IMPORT = "importScripts('{link}')"
LINK = '<a id="link" href="{link}">open</a>'


def script(text: str) -> str:
    return f"<script>{text}</script>"


def worker(text: str) -> str:
    return f"URL.createObjectURL(new Blob([`{text}`], {{type: 'text/javascript'}}))"


def speculation(action: str) -> str:
    rules = f'{{"{action}": [{{"urls": ["{{link}}"], "eagerness": "immediate"}}]}}'
    return f'<script type="speculationrules">{rules}</script>'


def service_worker(message: str) -> str:
    """Return a script that sends the page's service worker a message."""
    return script(
        REGISTER + ".then(() => {"
        "const {port1, port2} = new MessageChannel();"
        "port1.onmessage = () => {window.done = true};"
        "navigator.serviceWorker.controller"
        f".postMessage(['{message}', '{{link}}'], [port2])}})"
    )


# The service worker claims the page.
REGISTER = (
    "navigator.serviceWorker.register('/worker.js').then(() => new Promise(resolve =>"
    " navigator.serviceWorker.controller ? resolve()"
    " : navigator.serviceWorker.addEventListener('controllerchange', resolve)))"
)
SERVICE_WORKER = """
addEventListener("install", event => skipWaiting());
addEventListener("activate", event => event.waitUntil(
  registration.navigationPreload.enable().then(() => clients.claim())));
addEventListener("fetch", event => {
  const path = new URL(event.request.url).pathname;
  if (path.startsWith("/preloaded/")) event.respondWith(event.preloadResponse);
  else if (event.request.mode !== "navigate") event.respondWith(fetch(event.request));
  else if (path.startsWith("/passed/")) event.respondWith(fetch(event.request));
});
addEventListener("message", event => {
  const [kind, link] = event.data;
  const done = () => event.ports[0].postMessage("");
  const made = kind === "fetch" ? fetch(link, {mode: "no-cors"})
    : caches.open("c").then(it => it.add(new Request(link, {mode: "no-cors"})));
  event.waitUntil(made.then(done, done));
});
"""


OPENS = (
    Way("typed in the address bar", "", OPENED, acts.enter_address),
    Way("clicked", LINK, OPENED, acts.click),
    Way("chosen by the keyboard", LINK, OPENED, acts.press_enter),
    Way(
        "in a new tab",
        '<a id="link" href="{link}" target="_blank">open</a>',
        OPENED,
        acts.click_for_new_tab,
    ),
    Way("middle click", LINK, OPENED, acts.click_middle),
    Way("click with shift", LINK, OPENED, acts.click_with_shift),
    Way(
        "window.open",
        """<button id="link" onclick="window.open('{link}')">open</button>""",
        OPENED,
        acts.click_for_new_tab,
    ),
    Way(
        "form",
        '<form action="{link}"><button id="link">open</button></form>',
        OPENED,
        acts.click,
    ),
    Way(
        "form in a new tab",
        '<form action="{link}" target="_blank"><button id="link">open</button></form>',
        OPENED,
        acts.click_for_new_tab,
    ),
    Way(
        "meta refresh",
        "",
        OPENED,
        acts.wait_to_land,
        head='<meta http-equiv="refresh" content="0;url={link}">',
    ),
    Way(
        "location",
        script("location = '{link}'"),
        OPENED,
        acts.wait_to_land,
    ),
    Way(
        "top of a frame",
        """<iframe srcdoc='<a id=link target=_top href="{link}">open</a>'></iframe>""",
        OPENED,
        acts.click_out_of_frame,
    ),
    Way("download", '<a id="link" href="{link}" download>open</a>', OPENED, acts.click),
    Way("view-source", "", OPENED, acts.view_source),
    Way("save target", LINK, HELD, acts.save_target),
    Way("clicked and printed", LINK, OPENED, acts.print_page),
    Way("clicked and reloaded", LINK, OPENED, acts.reload),
    Way("clicked, back and forward", LINK, OPENED, acts.go_back_and_forward),
    Way(
        "clicked, back and forward without cache",
        LINK + script("onunload = () => {}"),
        OPENED,
        acts.go_back_and_forward,
    ),
    Way("clicked, back, clicked again", LINK, ("person", "person"), acts.click_twice),
)
# These come first: Chromium prefetches from another site only without cookies.
WITHOUT_COOKIES = (
    Way("prefetched by rules", speculation("prefetch"), PREPARED, acts.wait_for_visit),
    Way(
        "prefetched by rules, clicked",
        LINK + speculation("prefetch"),
        PREPARED_AND_OPENED,
        acts.click_when_prepared,
    ),
)
PREPARATIONS = (
    Way(
        "prefetched",
        "",
        PREPARED,
        acts.wait_for_visit,
        head='<link rel="prefetch" href="{link}">',
    ),
    Way(
        "prefetched, clicked",
        LINK,
        PREPARED_AND_OPENED,
        acts.click_when_prepared,
        head='<link rel="prefetch" href="{link}">',
    ),
    Way(
        "prefetched on another site",
        speculation("prefetch"),
        PREPARED,
        acts.wait_for_visit,
        same_site=True,
    ),
    Way(
        "prerendered",
        speculation("prerender"),
        PREPARED,
        acts.wait_for_visit,
        same_site=True,
    ),
    Way(
        "prerendered, clicked",
        LINK + speculation("prerender"),
        PREPARED_AND_OPENED,
        acts.click_when_prepared,
        same_site=True,
    ),
    Way(
        "connected in advance",
        "",
        NOT_REQUESTED,
        head='<link rel="preconnect" href="{link}">'
        '<link rel="dns-prefetch" href="{link}">',
    ),
)
FRAMES = (
    Way("iframe", '<iframe src="{link}"></iframe>', HELD),
    Way("sandboxed iframe", '<iframe sandbox src="{link}"></iframe>', HELD),
    Way("frame", "", HELD, head='<frameset><frame src="{link}"></frameset>'),
    Way("object", '<object data="{link}"></object>', HELD),
    Way("embed", '<embed src="{link}">', HELD),
    Way(
        "clicked within a frame",
        """<iframe srcdoc='<a id="link" href="{link}">open</a>'></iframe>""",
        HELD,
        acts.click_within_frame,
    ),
)
PARTS = (
    Way("image", '<img src="{link}">', BOT),
    Way("image set", '<img srcset="{link} 1x">', BOT),
    Way("image button", '<input type="image" src="{link}">', BOT),
    Way("drawing", '<svg><image href="{link}"/></svg>', BOT),
    Way("background", '<p style="background: url({link})">text</p>', BOT),
    Way("icon", "", BOT, head='<link rel="icon" href="{link}">'),
    Way("stylesheet", "", BOT, head='<link rel="stylesheet" href="{link}">'),
    Way("imported style", '<style>@import url("{link}")</style>', BOT),
    Way(
        "font",
        '<style>@font-face {font-family: f; src: url("{link}")}'
        " p {font-family: f}</style><p>text</p>",
        BOT,
    ),
    Way("script", '<script src="{link}"></script>', BOT),
    Way("module", '<script type="module" src="{link}"></script>', BOT),
    Way("imported module", script("import('{link}')"), BOT),
    Way("video", '<video src="{link}"></video>', BOT),
    Way("poster", '<video poster="{link}"></video>', BOT),
    Way("audio", '<audio src="{link}" preload="auto"></audio>', BOT),
    Way(
        "subtitles",
        '<video crossorigin><track default src="{link}"></video>',
        BOT,
    ),
    Way("preload", "", BOT, head='<link rel="preload" as="image" href="{link}">'),
    Way("module preload", "", BOT, head='<link rel="modulepreload" href="{link}">'),
)
SCRIPTS = (
    Way("fetch", script("fetch('{link}')"), BOT),
    Way("fetch without cors", script(FETCH), BOT),
    Way("fetch of the head", script("fetch('{link}', {method: 'HEAD'})"), ("head",)),
    Way(
        "XMLHttpRequest",
        script("const r = new XMLHttpRequest; r.open('GET', '{link}'); r.send()"),
        BOT,
    ),
    Way("event source", script("new EventSource('{link}')"), BOT),
    Way(
        "web socket",
        script("new WebSocket('{link}'.replace('https', 'wss'))"),
        HELD,
    ),
    Way("beacon", script("navigator.sendBeacon('{link}', 'x')"), NOT_REQUESTED),
    Way(
        "posted form",
        '<form method="post" action="{link}"><button id="link">open</button></form>',
        NOT_REQUESTED,
        acts.submit,
    ),
    Way(
        "worker",
        script(f"new Worker({worker(FETCH)})"),
        BOT,
    ),
    Way(
        "shared worker",
        script(f"new SharedWorker({worker(FETCH)})"),
        BOT,
    ),
    Way(
        "script of a worker",
        script(f"new Worker({worker(IMPORT)})"),
        BOT,
    ),
)
SERVICE_WORKERS = (
    Way(
        "fetched by a service worker",
        service_worker("fetch"),
        BOT,
        acts.wait_for_worker,
    ),
    Way(
        "cached by a service worker", service_worker("cache"), BOT, acts.wait_for_worker
    ),
    Way(
        "image through a service worker",
        script(
            REGISTER + ".then(() => {const image = new Image(); image.src = '{link}';"
            "image.onerror = image.onload = () => {window.done = true}})"
        ),
        BOT,
        acts.wait_for_worker,
    ),
    Way(
        "clicked through a service worker",
        '<a id="link" href="/passed/{code}">open</a>' + script(REGISTER),
        OPENED,
        acts.click_through_worker,
    ),
    Way(
        "clicked with navigation preload",
        '<a id="link" href="/preloaded/{code}">open</a>' + script(REGISTER),
        OPENED,
        acts.click_through_worker,
    ),
)
WAYS = (
    *WITHOUT_COOKIES,
    *OPENS,
    *PREPARATIONS,
    *FRAMES,
    *PARTS,
    *SCRIPTS,
    *SERVICE_WORKERS,
)
