"""Two redirect processes and two workers together, as on two machines."""

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
from tests.services import Process, Server

CONTACTS = 40
ENVIRONMENT = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "VISIT_PROCESSING_DELAY_SECONDS": "0.1",
}
NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])  # for each open, a new pixel


@dataclass
class Processes:
    servers: Sequence[Server]
    workers: Sequence[Process]
    statuses: list[int] = field(default_factory=list)
    homes: dict[int, int] = field(default_factory=dict)

    def open_on_both(self, link: ShortLink) -> None:
        """Use an address for each contact; one that opens 40 links is a scanner."""
        home = {"X-Forwarded-For": f"192.0.2.{self.homes[link.id]}"}
        headers = {**factories.BROWSER, **home}
        for server in self.servers:
            response = server.client.get(f"/{link.code}", headers=headers)
            self.statuses.append(response.status_code)

    def open_all_until_both_workers_run(self, links: Sequence[ShortLink]) -> bool:
        self.homes = {link.id: number for number, link in enumerate(links)}
        with ThreadPoolExecutor(8) as visitors:
            list(visitors.map(self.open_on_both, links))
        return all(worker.has_logged("visits processed") for worker in self.workers)


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path) -> Iterator[Processes]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(services.redirects_server(folder, **ENVIRONMENT))
            for folder in folders
        ]
        workers = [stack.enter_context(services.worker(folder)) for folder in folders]
        stack.enter_context(services.beat(tmp_path))
        for server in servers:
            server.client.cookies.jar.set_policy(NO_COOKIES)
        yield Processes(servers, workers)


def test_two_processes_of_each_role_duplicate_nothing(processes: Processes) -> None:
    account = factories.account()
    links = factories.links([factories.contact(account) for _ in range(CONTACTS)])

    services.wait_for(
        partial(processes.open_all_until_both_workers_run, links), seconds=60
    )
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())

    opens = len(processes.statuses)
    assert processes.statuses == [302] * opens
    assert Visit.objects.filter(verdict=Verdict.PERSON).count() == opens
    assert sorted(Note.objects.values_list("link", "opens")) == [
        (link.id, opens // CONTACTS) for link in links
    ]
    assert DailyVisits.objects.aggregate(Sum("visits")) == {"visits__sum": opens}
    assert PixelAttachment.objects.count() == opens
