"""An integration that requests links all the time, and again if a request fails."""

import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Self

from systemtests import api_client
from systemtests.api_client import ApiClient, ApiError

URLS = "https://shop.example/requested/"
PAUSE_SECONDS = 0.25

Links = dict[tuple[int, str], str]  # codes by contact and URL


class Integration:
    """Runs in its own thread."""

    def __init__(self, client: ApiClient, entity_ids: Sequence[int]) -> None:
        self.retries = 0
        self.created: Links = {}
        self.created_at: dict[str, float] = {}  # by URL; monotonic
        self._client = client
        self._entity_ids = entity_ids
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the current batch, unless it fails."""
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def errors(self, stored: Sequence[tuple[int, str, str]]) -> Iterator[str]:
        """Compare the links of the answers with the stored rows."""
        found = {(entity_id, url): code for entity_id, url, code in stored}
        if doubled := len(stored) - len(found):
            yield f"API: {doubled} links were created twice"
        if missing := len(self.created.items() - found.items()):
            yield f"API: {missing} of {len(self.created)} returned links do not exist"

    def _run(self) -> None:
        for number in itertools.count():
            if self._is_over.wait(PAUSE_SECONDS):
                return
            while not self._request(f"{URLS}{number}"):
                self.retries += 1
                if self._is_over.wait(PAUSE_SECONDS):
                    return

    def _request(self, url: str) -> bool:
        requests = [api_client.link_request(each, url) for each in self._entity_ids]
        try:
            content = self._client.post(api_client.SHORT_LINKS, requests)
            created = api_client.codes(content)
        except (OSError, http.client.HTTPException, ApiError, ValueError):
            self._client.close()
            return False
        self.created |= {(each, url): code for each, code in created.items()}
        self.created_at[url] = time.monotonic()
        return len(created) == len(self._entity_ids)
