"""States of webhooks in the admin: paused, failing, disabled and tested."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from shortlinks.models import (
    Account,
    User,
    Webhook,
    WebhookDelivery,
    WebhookState,
)
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing
from tests.admin.webhook_steps import URL, act, press
from tests.factories import at


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def test_webhook_is_paused_and_resumed(client: Client, own: World) -> None:
    assert "Paused. Events wait" in press(client, "pause", own.webhook)
    assert "Paused since" in client.get(listing(Webhook)).content.decode()

    waiting = "Resumed. Waiting events that are being sent: 1."
    assert waiting in press(client, "resume", own.webhook)
    assert own.webhook.state == WebhookState.ACTIVE
    assert LogEntry.objects.filter(object_id=own.webhook.pk).count() == 2


def test_webhooks_are_paused_and_resumed_from_the_list(
    client: Client, own: World
) -> None:
    assert "Webhooks paused: 1." in act(client, "pause_selected", own.webhook)
    assert "Webhooks paused: 0." in act(client, "pause_selected", own.webhook)
    resumed = "Webhooks resumed: 1. Waiting events that are being sent: 1."
    assert resumed in act(client, "resume_selected", own.webhook)
    assert LogEntry.objects.filter(object_id=own.webhook.pk).count() == 2


FAILING = {"failures": 3, "last_error": "timeout: 15"}


@pytest.mark.parametrize(
    ("columns", "expected", "steps"),
    [
        pytest.param({}, "Active", ["resume", "pause"], id="active"),
        pytest.param(
            {**FAILING, "failing_since": at("04:13")},
            "Failing since 23\xa0Nov\xa02026, 07:13: The server did not answer within",
            ["resume", "pause"],
            id="failing",
        ),
        pytest.param(
            {"paused_at": at("05:00"), **FAILING, "failing_since": at("04:13")},
            "Paused since 23\xa0Nov\xa02026, 08:00: events wait.",
            ["resume"],
            id="paused",
        ),
        pytest.param(
            {"disabled_at": at("06:00"), **FAILING, "failing_since": at("04:13")},
            "Disabled 23\xa0Nov\xa02026, 09:00, after failing since 23\xa0Nov\xa02026,"
            " 07:13: The server did not answer within 15 s.",
            ["resume"],
            id="disabled",
        ),
    ],
)
def test_state_is_told_with_its_time_and_reason(
    client: Client,
    own: World,
    columns: dict[str, Any],
    expected: str,
    steps: list[str],
) -> None:
    Webhook.objects.update(**columns)

    shown = client.get(listing(Webhook)).content.decode()
    page = client.get(address(own.webhook, "change")).content.decode()

    assert expected in shown
    assert expected in page
    offered = re.findall(rf"/{own.webhook.pk}/(\w+)/\"", page)
    assert [step for step in offered if step in ("pause", "resume")] == steps


def test_working_webhook_tells_how_many_events_wait_and_sends_them(
    client: Client, own: World
) -> None:
    later = timezone.now() + timedelta(hours=1)
    WebhookDelivery.objects.update(due_at=later, attempts=3)
    text = "Active. 1 event that failed earlier waits for its next attempt."
    page = client.get(address(own.webhook, "change")).content.decode()
    assert text in client.get(listing(Webhook)).content.decode()
    assert text in page
    assert "Send waiting events now" in page

    message = press(client, "resume", own.webhook)

    assert "Resumed. Waiting events that are being sent: 1." in message
    assert WebhookDelivery.objects.get().attempts == 0
    assert text not in client.get(listing(Webhook)).content.decode()


@pytest.mark.parametrize("action", ["page", "list"])
def test_resumption_without_waiting_events_tells_so(
    client: Client, own: World, action: str
) -> None:
    WebhookDelivery.objects.all().delete()
    Webhook.objects.update(paused_at=timezone.now())

    shown = {
        "page": lambda: press(client, "resume", own.webhook),
        "list": lambda: act(client, "resume_selected", own.webhook),
    }[action]()

    assert {
        "page": "Resumed. No events wait.",
        "list": "Webhooks resumed: 1. Waiting events that are being sent: 0.",
    }[action] in shown
    page = client.get(address(own.webhook, "change")).content.decode()
    assert "Send waiting events now" not in page


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("active", {"active"}),
        ("paused", {"paused"}),
        ("failing", {"failing", "disabled"}),
        ("disabled", {"disabled"}),
        ("nonsense", {"active", "paused", "failing", "disabled"}),
    ],
)
def test_list_is_filtered_by_state(
    client: Client, account: Account, state: str, expected: set[str]
) -> None:
    rows = [factories.webhook(account, f"{URL}{n}")[0] for n in range(4)]
    now = timezone.now()
    Webhook.objects.filter(pk=rows[1].pk).update(paused_at=now)
    failing = {**FAILING, "failing_since": now}
    Webhook.objects.filter(pk=rows[2].pk).update(**failing)
    factories.disable(rows[3])

    page: Any = client.get(listing(Webhook), {"state": state})

    assert {str(row.state) for row in page.context["cl"].result_list} == expected


def test_test_is_shown_until_it_was_sent(client: Client, own: World) -> None:
    shown = press(client, "send_test", own.webhook)
    again = press(client, "send_test", own.webhook)

    assert "waiting for the worker" in shown
    assert f'data-refresh="{listing(Webhook)}{own.webhook.pk}/last_test/"' in again
    assert WebhookDelivery.objects.filter(event="test").count() == 1


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"state": "delivered", "last_status": 204},
            "received. The server answered 204.",
        ),
        (
            {"state": "failed", "last_error": "certificate expired"},
            "not received. The certificate of the server has expired.",
        ),
    ],
    ids=["delivered", "failed"],
)
def test_result_of_a_test_is_told_in_plain_words(
    client: Client, own: World, columns: dict[str, Any], expected: str
) -> None:
    press(client, "send_test", own.webhook)
    WebhookDelivery.objects.filter(event="test").update(due_at=None, **columns)

    polled = client.get(f"{listing(Webhook)}{own.webhook.pk}/last_test/")

    assert expected in polled.content.decode()
    assert expected in client.get(address(own.webhook, "change")).content.decode()


def test_test_is_not_resent(client: Client, own: World) -> None:
    press(client, "send_test", own.webhook)
    test = WebhookDelivery.objects.get(event="test")
    WebhookDelivery.objects.filter(pk=test.pk).update(state="failed", due_at=None)

    assert "Queued for resending: 0." in act(client, "resend", test)
    posted = client.post(f"{listing(WebhookDelivery)}{test.pk}/retry/")

    assert posted.status_code == 403
