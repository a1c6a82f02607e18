"""A mailing that a gateway scans while people read it; processing without a broker."""

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


def test_scan_of_a_mailing_writes_no_notes_and_readers_do(
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


def test_clicks_behind_a_gateway_are_noted_and_its_checks_are_not(
    redirects: httpx.Client, worker: Process
) -> None:
    """Safe Links checks each link; some people click on a page of Teams or its own."""
    _, links = mailing(24)
    readers = links[::4]
    pages = ["https://statics.teams.cdn.office.net/", "https://urldefense.com/v3/", ""]

    def open_from(link: ShortLink, address: str, referer: str = "") -> int:
        headers = {"X-Forwarded-For": address, "Referer": referer}
        redirects.cookies.clear()
        answer = redirects.get(
            f"/{link.code}", headers={**factories.BROWSER, **headers}
        )
        return answer.status_code

    statuses = []
    for n, link in enumerate(links):
        statuses.append(open_from(link, f"40.94.{n}.7"))  # Safe Links
        statuses.append(open_from(link, f"20.42.{n}.7"))  # a sandbox in Azure
        if link in readers:
            statuses.append(open_from(link, f"192.0.{n}.9", pages[n // 4 % 3]))
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())

    assert statuses == [302] * 54
    assert sorted(Note.objects.values_list("link", "opens")) == [
        (link.id, 1) for link in readers
    ]
    reasons = Visit.objects.values_list("reason", flat=True)
    assert set(reasons) == {
        "scanner network: safe-links",
        "data center: azure",
        "gateway page",
        "browser",
    }


def test_command_processes_visits_without_a_broker(
    transactional_db: None, tmp_path: Path
) -> None:
    _, links = mailing(3)
    factories.visit(links[0])
    unavailable = f"redis://127.0.0.1:{services.free_port()}/0"
    command = Process(
        services.management("process_visits", "--loop"),
        tmp_path / "loop.log",
        REDIS_URL=unavailable,
    )
    try:
        services.wait_for(lambda: Note.objects.count() == 1)
        factories.visit(links[1])
        services.wait_for(lambda: Note.objects.count() == 2)
        command.terminate()
        assert command.exit_code() == 0
    finally:
        command.stop()
