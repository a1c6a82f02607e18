"""Report errors to Sentry; imported only if SENTRY_DSN is set.

Reports have no addresses, bodies, headers or local variables. Tokens, codes and row
details are removed from all texts.
"""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.types import Event, Hint

from shortlinks.observability import request_ids
from shortlinks.observability.scrubbing import scrub

MAX_BREADCRUMBS = 20
SENT_REQUEST_FIELDS = frozenset({"method"})


def start(role: str, dsn: str) -> None:
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=MAX_BREADCRUMBS,
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        before_send=_scrub,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)


def _scrub(event: Event, hint: Hint) -> Event | None:
    request = event.get("request")
    if request:
        event["request"] = {
            key: request[key] for key in SENT_REQUEST_FIELDS if key in request
        }
    event.pop("user", None)
    if request_id := request_ids.current():
        event.setdefault("tags", {})["request_id"] = request_id
    scrubbed: Event = _clean(event)
    return scrubbed


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value
