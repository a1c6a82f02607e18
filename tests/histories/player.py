"""Play a history over HTTP: browsers, sites, channels and users."""

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from shortlinks.domain.contacts import contacts
from shortlinks.domain.pixels.click_tokens import TTL_SECONDS, ClickTokens
from shortlinks.domain.visits import staff_cookie
from tests import factories
from tests.histories.accounts import ORIGIN, Stage
from tests.histories.http import Reply, Server
from tests.histories.notation import History, Names, Outcome, Step

TOKEN = re.compile(r"[?&]_sl=([^&#]+)")
COOKIE = "slpx"
MAX_ROWS = 250
ANOTHER_AGENT = factories.CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux")

_addresses = itertools.count(1)


class Refused(Exception):
    """The service answered a step with an error, or there was nothing to decide."""


@dataclass
class Browser:
    """A browser at its own address, with its cookie and what the site's page stores."""

    address: str
    elsewhere: str
    cookie: str = ""
    cookie_uid: str = ""
    page_uid: str = ""
    click: str = ""


@dataclass(frozen=True)
class Service:
    """The processes that serve HTTP."""

    web: Server
    redirects: Server


class Player:
    """One history and its state; each kind of step is a method of that name."""

    def __init__(self, history: History, stage: Stage, service: Service) -> None:
        self.history = history
        self.stage = stage
        self.service = service
        self.refused: list[str] = []
        self._deleted: set[str] = set()
        self._browsers: dict[str, Browser] = {}
        self._chats: dict[str, tuple[int, int]] = {}
        self._headers = {
            "Authorization": f"Bearer {stage.token}",
            "Content-Type": "application/json",
        }

    def play(self, step: Step) -> None:
        """Remember the step if the service refuses it."""
        try:
            getattr(self, step.kind)(**step.parts)
        except Refused:
            self.refused.append(step.text)

    def open(self, browser: str, link: str, how: str = "") -> None:
        used = self._browser(browser)
        reply = self._visit(used, link, self._staff if how == "as staff" else "")
        if cookie := re.match(rf"{COOKIE}=([^;]+)", reply.headers["Set-Cookie"] or ""):
            is_same = used.cookie == cookie.group(1)
            used.cookie_uid = used.cookie_uid if is_same else ""
            used.cookie = cookie.group(1)
        token = TOKEN.search(reply.headers["Location"])
        used.click = token.group(1) if token else ""

    def scan(self, browser: str, links: str) -> None:
        """Open links as a mail gateway does: at once, and without a cookie."""
        for link in links.split():
            self._visit(self._browser(browser), link)

    def land(self, browser: str, how: str = "") -> None:
        used = self._browser(browser)
        address = used.elsewhere if how == "from elsewhere" else used.address
        self._redeem(used, used.click, address, how)

    def receive(self, browser: str, clicked: str, how: str = "") -> None:
        source = self._browser(clicked)
        used = self._browser(browser)
        is_near = how == "from the same address"
        address = source.address if is_near else used.address
        self._redeem(used, source.click, address, how)

    def chat(self, person: str, browser: str) -> None:
        contact = self.stage.contacts.get(person)
        title = contact.name if contact else person
        body: dict[str, Any] = {
            "source": "site",
            # A visitor has one chat; a known contact has one in each browser.
            "external_id": f"{person} in {browser}" if contact else person,
            "title": title,
        }
        if uid := self._visitor_uid(self._browser(browser)):
            body["visitor_uid"] = uid
        if contact:
            body["entity_id"] = contact.entity_id
        chat = self._api("POST", "chats", body)
        if not contact:
            _, own_id = self._chats.get(person, (0, chat["entity_id"]))
            self._chats[person] = chat["id"], own_id

    def merge(self, survivor: str, loser: str) -> None:
        ids = [self._entity_id(survivor), self._entity_id(loser)]
        self._api("POST", "contacts/merge", {"contacts": ids, "survivor_id": ids[0]})

    def undo(self, number: str) -> None:
        merges = self._list("merges?order[id]=asc")
        if len(merges) < int(number):
            raise Refused
        self._api("POST", f"merges/{merges[int(number) - 1]['id']}/undo")

    def undo_all(self) -> None:
        for merge in self._list("merges?order[id]=desc&filter[state]=applied"):
            self._api("POST", f"merges/{merge['id']}/undo")

    def edit(self, person: str) -> None:
        body = {"name": f"Edited {person}"}
        self._api("PATCH", f"contacts/{self._entity_id(person)}", body)

    def decide(self, decision: str, one: str, other: str) -> None:
        roots = self._roots()
        pair = {roots[one], roots[other]}
        for row in self._list("merge_suggestions?filter[state]=open"):
            if set(row["contacts"]) == pair:
                self._api("POST", f"merge_suggestions/{row['id']}/{decision}")
                return
        raise Refused

    def review(self, review: str, browser: str, person: str) -> None:
        reviews = {"confirm": "confirmed", "reject": "rejected"}
        for path in self._pixels(browser, person):
            self._api("PATCH", path, {"review": reviews[review]})

    def detach(self, browser: str, person: str) -> None:
        for path in self._pixels(browser, person):
            self._api("DELETE", path)

    def delete(self, person: str) -> None:
        self._set_deleted(person, is_deleted=True)
        self._deleted.add(person)

    def restore(self, person: str) -> None:
        self._set_deleted(person, is_deleted=False)
        self._deleted.discard(person)

    def consent(self, consent: str, person: str) -> None:
        consents = {"deny": "denied", "grant": "granted"}
        body = {"tracking_consent": consents[consent]}
        self._api("PATCH", f"contacts/{self._entity_id(person)}", body)

    def wait(self, number: str, unit: str) -> None:
        """Let click tokens get older; the batch does the same for all rows."""
        for browser in self._browsers.values():
            browser.click = _older(browser.click, duration(number, unit))

    def outcome(self, shared_uids: Collection[str]) -> Outcome:
        """Read who is one person, and suggestions. Merges with deleted ones are hidden.

        Shared browsers are given, because only the admin shows them.
        """
        roots = self._roots()
        people = {
            root: frozenset(name for name, id_ in roots.items() if id_ == root)
            for root in set(roots.values())
        }
        suggested = {
            (frozenset(people[id_] for id_ in row["contacts"]), row["rule"])
            for row in self._list("merge_suggestions?filter[state]=open")
            if set(row["contacts"]) <= set(people)  # not yet one person
        }
        hidden = {self.stage.contacts[name].entity_id for name in self._deleted}
        shown = [names for id_, names in people.items() if id_ not in hidden]
        groups = frozenset(names for names in shown if len(names) > 1)
        refused = tuple(self.refused)
        return Outcome(groups, frozenset(suggested), self._shared(shared_uids), refused)

    @property
    def _staff(self) -> str:
        """Return the cookie of a browser that is signed in to the admin."""
        user = self.stage.user
        value = staff_cookie.cookie_value(user.pk, user.account_id)
        return f"{staff_cookie.cookie_name()}={value}"

    def _visit(self, browser: Browser, link: str, staff: str = "") -> Reply:
        headers = {**factories.BROWSER, "X-Forwarded-For": browser.address}
        pixel = f"{COOKIE}={browser.cookie}" if browser.cookie else ""
        if cookies := "; ".join(filter(None, [pixel, staff])):
            headers["Cookie"] = cookies
        path = f"/{self.stage.codes[link]}"
        reply = self.service.redirects.send("GET", path, headers)
        assert reply.status == 302, (link, reply)
        return reply

    def _redeem(self, browser: Browser, click: str, address: str, how: str) -> None:
        is_other = how == "as another agent"
        headers = {
            "User-Agent": ANOTHER_AGENT if is_other else factories.CHROME,
            "Origin": ORIGIN,
            "X-Forwarded-For": address,
        }
        body = {
            "site_key": self.stage.site_key,
            "click": click,
            "visitor_uid": browser.page_uid,
        }
        uid = self._identify(headers, body).json()["visitor_uid"]
        browser.page_uid = uid or browser.page_uid
        if uid and how != "without gesture":
            self._identify(headers, {**body, "visitor_uid": uid, "gesture": True})

    def _identify(self, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        reply = self.service.redirects.send("POST", "/pixel/v1/identify", headers, body)
        if reply.status == 409:
            raise Refused
        assert reply.status == 200, reply
        return reply

    def _visitor_uid(self, browser: Browser) -> str:
        return browser.page_uid or self._cookie_uid(browser)

    def _cookie_uid(self, browser: Browser) -> str:
        """Return the uid that a site's server gets for the cookie of a short domain."""
        if browser.cookie and not browser.cookie_uid:
            body = {"cookie": browser.cookie, "user_agent": factories.CHROME}
            reply = self._api("POST", "pixels/exchange", body)
            browser.cookie_uid = reply["visitor_uid"]
        return browser.cookie_uid

    def _pixels(self, browser: str, person: str) -> list[str]:
        """Return the paths of the contact's attachments to this browser."""
        used = self._browser(browser)
        uids = {used.page_uid, self._cookie_uid(used)} - {""}
        contact = f"contacts/{self._entity_id(person)}/pixels"
        found = [row for row in self._list(contact) if row["visitor_uid"] in uids]
        if not found:
            raise Refused
        return [f"{contact}/{row['id']}" for row in found]

    def _browser(self, name: str) -> Browser:
        if name not in self._browsers:
            number = next(_addresses)
            host = f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            self._browsers[name] = Browser(f"10.{host}", f"11.{host}")
        return self._browsers[name]

    def _entity_id(self, person: str) -> int:
        if contact := self.stage.contacts.get(person):
            return contact.entity_id
        if person not in self._chats:
            raise Refused
        return self._roots()[person]

    def _set_deleted(self, person: str, *, is_deleted: bool) -> None:
        """Delete or restore a contact as the admin does; the API has no such route."""
        pk = self.stage.contacts[person].pk
        contacts.set_deleted([pk], is_deleted=is_deleted, by=self.stage.user)

    def _roots(self) -> dict[str, int]:
        """Return the contact of each name, by its entity id."""
        applied = self._list("merges?filter[state]=applied")
        merged = {row["merged_id"]: row["survivor_id"] for row in applied}
        roots = {name: row.entity_id for name, row in self.stage.contacts.items()}
        current = {chat["id"]: chat["entity_id"] for chat in self._list("chats")}
        # Chats of a deleted contact are not listed.
        deleted = [self.stage.contacts[name].entity_id for name in self._deleted]
        for name, (chat_id, entity_id) in self._chats.items():
            hidden = deleted[0] if deleted else entity_id
            roots[name] = current.get(chat_id, hidden)
        for _ in merged:
            roots = {name: merged.get(id_, id_) for name, id_ in roots.items()}
        return roots

    def _shared(self, marked: Collection[str]) -> Names:
        return frozenset(
            name
            for name, browser in (self._browsers.items() if marked else ())
            if {browser.page_uid, self._cookie_uid(browser)} & set(marked)
        )

    def _list(self, path: str) -> list[Any]:
        question = "&" if "?" in path else "?"
        page = self._api("GET", f"{path}{question}limit={MAX_ROWS}")
        return next(iter(page["_embedded"].values())) if page else []

    def _api(self, method: str, path: str, body: object | None = None) -> Any:
        reply = self.service.web.send(method, f"/api/v4/{path}", self._headers, body)
        if reply.status in {400, 404, 409}:
            raise Refused
        assert reply.status < 300, (method, path, body, reply)
        return reply.json()


def duration(number: str, unit: str) -> timedelta:
    """Return the time of a step such as `pass 25 hours`."""
    return timedelta(**{f"{unit}s": int(number)})


def _older(token: str, time: timedelta) -> str:
    """Return the token as if it had been issued earlier."""
    tokens = ClickTokens(settings.PIXEL_KEYS)
    if not token or (click := tokens.read(token)) is None:
        return token
    issued_at = click.expires_at - TTL_SECONDS - time.total_seconds()
    return tokens.issue(str(click.visit_id), issued_at)
