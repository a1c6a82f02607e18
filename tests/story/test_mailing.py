"""A mailing that a gateway scans while people read it; the commands of an operator."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from shortlinks.models import Account, Note, ShortLink, Visit
from tests import factories, services
from tests.services import Process

GATEWAY = "203.0.113.99"
OPERATOR = "198.51.100.1"


def mailing(size: int) -> tuple[Account, Sequence[ShortLink]]:
    account = factories.account()
    contacts = [factories.contact(account) for _ in range(size)]
    return account, factories.links(contacts)


def test_a_gateways_scan_leaves_no_note_and_people_are_noted(
    redirects: httpx.Client, worker: Process
) -> None:
    _, links = mailing(60)
    readers = links[::6]

    def open_as(link: ShortLink, address: str, phone: str = "K") -> int:
        agent = factories.CHROME.replace("Windows NT 10.0; Win64; x64", phone)
        headers = {"X-Forwarded-For": address, "User-Agent": agent}
        answer = redirects.get(
            f"/{link.code}", headers={**factories.BROWSER, **headers}
        )
        return answer.status_code

    redirects.cookies.clear()
    statuses = []
    for n, link in enumerate(links):
        statuses.append(open_as(link, GATEWAY, "Windows NT 10.0; Win64; x64"))
        if link in readers:
            phone = f"Linux; Android 14; SM-A{n:03}"
            at_home = OPERATOR if n < 30 else f"192.0.2.{n}"
            statuses.append(open_as(link, at_home, phone))
        redirects.cookies.clear()
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())

    assert statuses == [302] * 70
    assert sorted(Note.objects.values_list("link", "opens")) == [
        (link.id, 1) for link in readers
    ]


def test_visits_are_followed_up_with_no_broker_at_all(
    transactional_db: None, tmp_path: Path
) -> None:
    _, links = mailing(3)
    factories.visit(links[0])
    nowhere = f"redis://127.0.0.1:{services.free_port()}/0"
    command = Process(
        services.management("process_visits", "--loop"),
        tmp_path / "loop.log",
        REDIS_URL=nowhere,
    )
    try:
        services.wait_for(lambda: Note.objects.count() == 1)
        factories.visit(links[1])
        services.wait_for(lambda: Note.objects.count() == 2)
        command.tell_to_stop()
        assert command.code() == 0
    finally:
        command.stop()
