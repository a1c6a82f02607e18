"""A program that orders links all the while, and tries again whenever it is cut."""

import http.client
import json
import threading
from collections.abc import Iterator

from deploy.roles import LOOPBACK
from faults import seed
from shortlinks.domain.auth import tokens
from shortlinks.models import ShortLink, User

PATH = "/api/v4/short_links"
BATCH = 10
PAUSE_SECONDS = 0.25
ANSWER_SECONDS = 10
CREATED = 200


class Integration:
    def __init__(self, port: int, user: User) -> None:
        self.retries = 0
        self._port = port
        self._user = user
        self._entity_ids = seed.new_contacts(user, BATCH)
        token = tokens.issue(user, name="an integration").text
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        self._created: dict[tuple[int, str], str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="integration")

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """With the batch that is under way."""
        self._over.set()
        self._thread.join()

    def broken(self) -> Iterator[str]:
        """Whatever was created twice, or is not what the caller was told."""
        urls = {url for _, url in self._created}
        rows = ShortLink.objects.filter(account=self._user.account, url__in=urls)
        stored = list(rows.values_list("contact__entity_id", "url", "code"))
        found = {(entity_id, url): code for entity_id, url, code in stored}
        if len(found) != len(stored):
            yield f"API: {len(stored) - len(found)} links were made twice"
        if found != self._created:
            yield f"API: told of {len(self._created)} links, stored {len(found)}"

    def _run(self) -> None:
        number = 0
        while not self._over.wait(PAUSE_SECONDS):
            number += 1
            url = f"https://shop.example/ordered/{number}"
            while not self._order(url) and not self._over.wait(PAUSE_SECONDS):
                self.retries += 1

    def _order(self, url: str) -> bool:
        orders = [
            {"url": url, "metadata": {"entity_type": "contacts", "entity_id": each}}
            for each in self._entity_ids
        ]
        client = http.client.HTTPConnection(
            LOOPBACK, self._port, timeout=ANSWER_SECONDS
        )
        try:
            client.request("POST", PATH, json.dumps(orders), self._headers)
            response = client.getresponse()
            if response.status != CREATED:
                return False
            links = json.load(response)["_embedded"]["short_links"]
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            client.close()
        for link in links:
            key = (link["metadata"]["entity_id"], url)
            self._created[key] = link["url"].rpartition("/")[2]
        return len(links) == BATCH
