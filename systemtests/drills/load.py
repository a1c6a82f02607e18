"""The load of a drill: visitors over TLS, and an integration that requests links."""

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from systemtests import api_client
from systemtests.api_client import ApiClient
from systemtests.drills.installation import SHORT_HOST, TLS_PORT, Installation
from systemtests.integration import Integration
from systemtests.load import Load, Server
from systemtests.traffic import Open

MAX_SECONDS = 600
# Most visitors arrive on a new connection. One in ten is enough to test that.
NEW_CONNECTION_EVERY = 10


@contextlib.contextmanager
def visitors(
    installation: Installation, codes: Sequence[str], *, rate: int, series: str = "n"
) -> Iterator[Sequence[Open]]:
    """Open the links at this rate, and yield the opens so far."""
    server = Server(installation.caddy_address(), TLS_PORT, installation.tls())
    planned = _opens(codes, rate, series)
    with Load([server], planned, host=SHORT_HOST) as load:
        yield load.opened
        load.stop()


@contextlib.contextmanager
def integration(installation: Installation) -> Iterator[Integration]:
    with contextlib.closing(installation.client()) as client:
        contacts = _new_contacts(client, 1)
    with Integration(installation.client(), contacts) as requests:
        yield requests


def new_links(installation: Installation, count: int) -> list[str]:
    """Create a link for each of `count` contacts, and return the codes.

    Each link has its own request, because a visitor who opens several links of one
    batch is classified as a scanner.
    """
    with contextlib.closing(installation.client()) as client:
        return [_new_link(client, each) for each in _new_contacts(client, count)]


def _opens(codes: Sequence[str], rate: int, series: str) -> Iterator[Open]:
    for number in range(rate * MAX_SECONDS):
        person = number % len(codes)
        yield Open(
            number,
            person,
            codes[person],
            number / rate,
            series=series,
            keeps_connection=number % NEW_CONNECTION_EVERY != 0,
        )


def _new_contacts(client: ApiClient, count: int) -> list[int]:
    names = [{"name": f"Visitor {number}"} for number in range(count)]
    created = msgspec.json.decode(client.post("/api/v4/contacts", names))
    return [contact["id"] for contact in created["_embedded"]["contacts"]]


def _new_link(client: ApiClient, contact: int) -> str:
    url = f"https://shop.example/sale/{contact}"
    request = api_client.link_request(contact, url)
    content = client.post(api_client.SHORT_LINKS, [request])
    return api_client.codes(content)[contact]
