"""Errors that real processes report to Sentry."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shortlinks.domain.links import redis_cache
from shortlinks.models import ShortLink, User
from tests import factories, services
from tests.factories import BROWSER
from tests.observability.receiver import Receiver, receiver

pytestmark = pytest.mark.process

ID = "0123456789abcdef-id"
PROGRAM = """
import sys, config.wsgi, config.asgi
own = {f"shortlinks.observability.{name}" for name in ("errors", "otlp")}
print({"sentry_sdk", "opentelemetry.exporter", *own} & set(sys.modules))
"""


@pytest.fixture
def sentry() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def link(admin: User) -> ShortLink:
    assert admin.account is not None
    redis_cache.refresh_account(admin.account)
    return factories.link(factories.contact(admin.account))


def settings_of(sentry: Receiver) -> dict[str, str]:
    unavailable = f"postgres://u:p@127.0.0.1:{services.free_port()}/none"
    return {
        "SENTRY_DSN": f"http://key@127.0.0.1:{sentry.port}/1",
        "DATABASE_URL": unavailable,
    }


def events(sentry: Receiver) -> list[dict[str, Any]]:
    """Return the events of all envelopes; each follows the header of its item."""
    found = []
    for received in list(sentry.received):
        lines = [json.loads(line) for line in received.body.splitlines() if line]
        found += [
            item
            for header, item in itertools.pairwise(lines)
            if header.get("type") == "event"
        ]
    return found


def test_api_error_is_reported_without_personal_data(
    admin: User, sentry: Receiver, tmp_path: Path
) -> None:
    token = factories.token(admin)
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": ID}
    with services.web(tmp_path, **settings_of(sentry)) as web:
        response = web.get("/api/v4/account?secret=of-the-query", headers=headers)
        [event] = services.wait_for(lambda: events(sentry))

    assert response.status_code == 503
    assert event["logentry"]["message"] == "API response %d"
    assert event["tags"] == {"role": "web", "request_id": ID}
    assert event["request"] == {"method": "GET"}
    assert "user" not in event
    sent = sentry.bodies().decode()
    secrets = {token, token.rpartition(".")[2], "of-the-query"}
    assert {secret for secret in secrets if secret in sent} == set()


def test_lost_visit_is_reported_without_its_code(
    link: ShortLink, sentry: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    full = {"SPOOL_DIR": str(tmp_path / "file" / "spool")}
    with services.redirects(tmp_path, **settings_of(sentry), **full) as visitor:
        assert visitor.get(f"/{link.code}", headers=BROWSER).status_code == 302
        [event] = services.wait_for(lambda: events(sentry))

    assert "LOST" in event["logentry"]["message"]
    assert event["tags"]["role"] == "redirects"
    assert link.code not in sentry.bodies().decode()


def test_sentry_and_opentelemetry_are_not_imported_by_default() -> None:
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM),
        cwd=services.ROOT,
        env=services.base_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr
