"""While Postgres does not respond, visitors are redirected and visits are spooled."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortlinks.domain.links import redis_cache
from shortlinks.domain.visits import processing, spool
from shortlinks.models import Note, ShortLink, Visit
from tests import factories, services

OPENS = 200


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    account = factories.account()
    redis_cache.refresh_account(account)
    return factories.link(factories.contact(account))


@pytest.fixture
def silent_postgres() -> Iterator[str]:
    """The URL of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        port = silent.getsockname()[1]
        yield f"postgres://user:password@127.0.0.1:{port}/shortlinks"


def test_opens_during_an_outage_are_stored_once(
    link: ShortLink, silent_postgres: str, tmp_path: Path
) -> None:
    unlimited = {"MAX_VISITS_PER_LINK_AND_ADDRESS": "0"}
    with services.redirects(
        tmp_path, DATABASE_URL=silent_postgres, **unlimited
    ) as visitor:

        def open_link() -> int:
            response = visitor.get(f"/{link.code}", headers=factories.BROWSER)
            return response.status_code

        opened = services.in_threads(open_link, times=OPENS)
        health = visitor.get("/readyz").json()["status"]

    assert set(opened) == {302}
    assert health == "degraded"
    assert not Visit.objects.exists()

    replayed = spool.replay(tmp_path / "spool")
    processing.process_due()

    assert (replayed.visits, replayed.corrupt, replayed.rejected) == (OPENS, 0, 0)
    assert Visit.objects.count() == OPENS
    assert Note.objects.get().opens == OPENS
