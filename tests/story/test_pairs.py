"""Beyond one machine: two of each process at work together double nothing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import pytest
from django.db.models import Sum

from shortlinks.models import (
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
    Verdict,
    Visit,
)
from tests import factories, services
from tests.services import Door, Process

CONTACTS = 40
ENVIRONMENT = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "VISIT_PROCESSING_DELAY_SECONDS": "0.1",
}
NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])  # each open is a browser's first


@dataclass
class Pairs:
    doors: Sequence[Door]
    workers: Sequence[Process]
    statuses: list[int] = field(default_factory=list)

    def open_at_both(self, link: ShortLink) -> None:
        """Each contact opens at home: one browser with 40 links would be a scanner."""
        home = {"X-Forwarded-For": f"192.0.2.{link.contact_id % 250}"}
        headers = {**factories.BROWSER, **home}
        for door in self.doors:
            answer = door.client.get(f"/{link.code}", headers=headers)
            self.statuses.append(answer.status_code)

    def open_all_and_see_both_at_work(self, links: Sequence[ShortLink]) -> bool:
        with ThreadPoolExecutor(8) as visitors:
            list(visitors.map(self.open_at_both, links))
        return all(worker.says("visits followed up") for worker in self.workers)


@pytest.fixture
def pairs(transactional_db: None, tmp_path: Path) -> Iterator[Pairs]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack:
        doors = [
            stack.enter_context(services.redirects_door(folder, **ENVIRONMENT))
            for folder in folders
        ]
        workers = [stack.enter_context(services.worker(folder)) for folder in folders]
        stack.enter_context(services.beat(tmp_path))
        for door in doors:
            door.client.cookies.jar.set_policy(NO_COOKIES)
        yield Pairs(doors, workers)


def test_two_doors_and_two_workers_double_nothing(pairs: Pairs) -> None:
    account = factories.account()
    links = factories.links([factories.contact(account) for _ in range(CONTACTS)])

    services.wait_for(partial(pairs.open_all_and_see_both_at_work, links), seconds=60)
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())

    opens = len(pairs.statuses)
    assert pairs.statuses == [302] * opens
    assert Visit.objects.filter(verdict=Verdict.PERSON).count() == opens
    assert sorted(Note.objects.values_list("link", "opens")) == [
        (link.id, opens // CONTACTS) for link in links
    ]
    assert DailyVisits.objects.aggregate(Sum("visits")) == {"visits__sum": opens}
    assert PixelAttachment.objects.count() == opens
