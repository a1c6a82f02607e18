"""States of webhooks and their tests as sentences, and the buttons for each state."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext, ngettext

from shortlinks.domain.webhooks import failures, waiting
from shortlinks.domain.webhooks.subscriptions import Resumption
from shortlinks.models import DeliveryState, Webhook, WebhookDelivery, WebhookState
from shortlinks.models.webhooks import TEST


def describe(webhook: Webhook) -> str:
    """Return the state, the time when it began, and the last error.

    An active webhook may be annotated with its `late_events`.
    """
    error = failures.explain(webhook.last_error)
    since = {"since": _moment(webhook.failing_since), "error": error}
    if webhook.state == WebhookState.DISABLED:
        text = gettext("Disabled %(time)s, after failing since %(since)s: %(error)s")
        return text % {"time": _moment(webhook.disabled_at), **since}
    if webhook.state == WebhookState.PAUSED:
        text = gettext("Paused since %(time)s: events wait.")
        return text % {"time": _moment(webhook.paused_at)}
    if webhook.state == WebhookState.FAILING:
        return gettext("Failing since %(since)s: %(error)s") % since + _pause(webhook)
    return _active(getattr(webhook, "late_events", 0)) + _pause(webhook)


def _active(late_events: int) -> str:
    if not late_events:
        return gettext("Active")
    text = ngettext(
        "Active. %(count)d event that failed earlier waits for its next attempt.",
        "Active. %(count)d events that failed earlier wait for their next attempt.",
        late_events,
    )
    return text % {"count": late_events}


def _pause(webhook: Webhook) -> str:
    until = webhook.paused_until
    if until is None or until <= timezone.now():
        return ""
    text = gettext("The server requested a pause until %(time)s.")
    return f" {text}" % {"time": _moment(until)}


def _moment(moment: datetime | None) -> str:
    """Return the time, with its date unless that is today."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return time_format(local, "TIME_FORMAT")
    return date_format(local, "SHORT_DATETIME_FORMAT")


def buttons(webhook: Webhook) -> dict[str, str]:
    """Return the labels of the actions that make sense in the state."""
    pause = {"pause": gettext("Pause")}
    send_now = {"resume": gettext("Send waiting events now")}
    is_active = webhook.state == WebhookState.ACTIVE
    has_waiting = is_active and waiting.count([webhook.pk]) > 0
    return {
        "send_test": gettext("Send a test"),
        **{
            WebhookState.ACTIVE: {**send_now, **pause} if has_waiting else pause,
            WebhookState.PAUSED: {"resume": gettext("Resume")},
            WebhookState.FAILING: {**send_now, **pause},
            WebhookState.DISABLED: {"resume": gettext("Enable")},
        }[webhook.state],
    }


def resumed(result: Resumption) -> str:
    if not result.events:
        return gettext("Resumed. No events wait.")
    return gettext("Resumed. Waiting events that are being sent: %(count)s.") % {
        "count": _events(result)
    }


def resumed_from_list(result: Resumption) -> str:
    text = gettext(
        "Webhooks resumed: %(webhooks)d. Waiting events that are being sent: %(count)s."
    )
    return text % {"webhooks": result.webhooks, "count": _events(result)}


def _events(result: Resumption) -> str:
    is_capped = result.events > waiting.MAX_COUNTED
    return f"{waiting.MAX_COUNTED}+" if is_capped else str(result.events)


def last_test(webhook: Webhook) -> dict[str, Any] | None:
    """Return the result of the last test, or None if there was no test."""
    tests = WebhookDelivery.objects.filter(webhook=webhook, event=TEST)
    test = tests.order_by("-pk").first()
    if test is None:
        return None
    is_waiting = test.state == DeliveryState.PENDING
    return {"text": _result(test), "is_waiting": is_waiting, "state": test.state}


def _result(test: WebhookDelivery) -> str:
    values = {
        "time": _moment(test.created_at),
        "status": test.last_status,
        "error": failures.explain(test.last_error),
    }
    if test.state == DeliveryState.DELIVERED:
        text = gettext("Test of %(time)s: received. The server answered %(status)s.")
    elif test.state == DeliveryState.FAILED:
        text = gettext("Test of %(time)s: not received. %(error)s")
    elif test.claimed_at is None:
        text = gettext("Test of %(time)s: waiting for the worker.")
    else:
        text = gettext("Test of %(time)s: being sent.")
    return text % values
