"""A person is erased while clients open links."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from django.core.management import call_command
from django.db.models import Sum

from shortlinks.models import (
    Contact,
    DailyVisits,
    Erasure,
    Note,
    PixelAttachment,
    ShortLink,
    Visit,
)
from tests import factories, services
from tests.services import Process

PAUSE_SECONDS = 0.02


class Opens:
    """Opens links in turn, each from a browser and address of its own."""

    def __init__(self, redirects: httpx.Client, links: Sequence[ShortLink]) -> None:
        self._redirects = redirects
        self._links = links
        self.statuses: dict[int, list[int]] = {link.pk: [] for link in links}

    def open_each(self) -> None:
        for link in self._links:
            number = sum(map(len, self.statuses.values()))
            address = f"203.0.{number // 250}.{number % 250 + 1}"
            headers = {**factories.BROWSER, "X-Forwarded-For": address}
            self._redirects.cookies.clear()
            answer = self._redirects.get(f"/{link.code}", headers=headers)
            self.statuses[link.pk].append(answer.status_code)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(PAUSE_SECONDS):
                self.open_each()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def counted(contact: Contact) -> int:
    rows = DailyVisits.objects.filter(link__contact=contact)
    total: int | None = rows.aggregate(total=Sum("visits"))["total"]
    return total or 0


def stored(contact: Contact) -> tuple[int, int, int]:
    """Return the numbers of visits, browsers and notes."""
    return (
        Visit.objects.filter(link__contact=contact).count(),
        PixelAttachment.objects.filter(contact=contact).count(),
        Note.objects.filter(contact=contact).count(),
    )


def are_processed() -> bool:
    return not Visit.objects.filter(due_at__isnull=False).exists()


def erase_while(opens: Opens, person: Contact) -> None:
    with opens.going_on():
        time.sleep(1)
        call_command("erase_person", person.account.subdomain, person.entity_id)
        time.sleep(2)  # the redirects' cache is a second old at most
    services.wait_for(are_processed)


def test_nothing_is_stored_and_others_keep_everything(
    redirects: httpx.Client, worker: Process
) -> None:
    account = factories.account()
    person, other = (factories.contact(account, name=name) for name in ("Anna", "Ivan"))
    links = [*(factories.link(person, f"https://shop.example/{n}") for n in range(2))]
    kept = factories.link(other)
    opens = Opens(redirects, [*links, kept])

    opens.open_each()
    services.wait_for(are_processed)
    before = counted(person)
    erase_while(opens, person)

    assert {status for each in opens.statuses.values() for status in each} == {302}
    assert stored(person) == (0, 0, 0)
    of_other = len(opens.statuses[kept.pk])
    assert stored(other) == (of_other, of_other, 1)
    assert counted(other) == of_other
    [receipt] = Erasure.objects.all()
    of_person = sum(len(opens.statuses[link.pk]) for link in links)
    assert before == len(links)
    assert before <= counted(person) <= receipt.rows["visit"] < of_person
