"""Events for webhooks, enqueued in the transaction in which they happen.

Each row of the outbox is one event for one webhook (docs/adr/0015). CONTRIBUTING.md
says how to add an event.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.conf import settings
from django.db import connection
from django.utils import timezone

from shortlinks.domain import devices
from shortlinks.domain.postgres import arrays
from shortlinks.domain.webhooks import payloads
from shortlinks.models import (
    DeliveryState,
    Verdict,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from shortlinks.models.webhooks import TEST


@dataclass(frozen=True, slots=True)
class EventSource:
    """The row that an event is about, called `subject` in these pieces of SQL.

    `payload_data` are pairs of `jsonb_build_object` for the renderer, in addition to
    those of the contact. A contact's events are sent in their order.
    """

    table: str
    payload_data: str
    render: Callable[..., str]
    contact_id: str = "subject.contact_id"
    content_type: str = payloads.FORM


def _contact_pair(*columns: str) -> str:
    """Return the pair of two contacts, by the ids that a receiver knows."""
    entity_id = "(SELECT entity_id FROM shortlinks_contact WHERE id = subject.{})"
    ids = ", ".join(entity_id.format(column) for column in columns)
    return f"'contacts', jsonb_build_array({ids})"


_MERGE = f"""
        'merge_id', subject.id, 'rule', subject.rule, 'evidence', subject.evidence,
        {_contact_pair("survivor_id", "loser_id")}"""
_SUGGESTION = f"""
        'suggestion_id', subject.id, 'rule', subject.rule,
        {_contact_pair("one_id", "other_id")}"""
_NOTE = """
        'note_id', subject.id, 'url', subject.url,
        'created_at', extract(epoch FROM subject.created_at),
        'link_age', (SELECT extract(epoch FROM subject.created_at - link.created_at)
                     FROM shortlinks_shortlink AS link WHERE link.id = subject.link_id)
"""
# A column of the visit whose changed verdict is the reason of the withdrawal.
_OF_WITHDRAWAL = """(
  SELECT visit.{} FROM shortlinks_visit AS visit
  WHERE visit.link_id = subject.link_id AND visit.verdict <> ''
    AND visit.occurred_at <@ subject.period
  ORDER BY visit.overridden_at IS NULL, visit.verdict <> 'suspect',
           visit.occurred_at, visit.id LIMIT 1)"""
_WITHDRAWAL = f"'reason', {_OF_WITHDRAWAL.format('reason')}"
_OPEN = f"{_NOTE}, 'link_id', subject.link_id"
# The device of the first open. Its user agent is not stored again.
_DEVICE = f"""(
  SELECT {devices.sql("visit.user_agent")} FROM shortlinks_visit AS visit
  WHERE visit.link_id = subject.link_id AND visit.verdict = 'person'
    AND visit.occurred_at <@ subject.period
  ORDER BY visit.occurred_at, visit.id LIMIT 1)"""  # noqa: S608  constants
_IS_FIRST = """NOT EXISTS (
  SELECT FROM shortlinks_note AS earlier
  WHERE earlier.link_id = subject.link_id AND earlier.period << subject.period)"""
SOURCES: dict[str, EventSource] = {
    WebhookEvent.NOTE_CONTACT: EventSource(
        "shortlinks_note",
        f"""{_NOTE}, 'note_type', subject.note_type, 'text', subject.text,
        'reason', subject.reason, 'created_by', subject.created_by_id,
        'updated_at', extract(epoch FROM subject.updated_at)""",
        payloads.note_contact,
    ),
    WebhookEvent.WITHDRAW_NOTE: EventSource(
        "shortlinks_note", f"{_NOTE}, {_WITHDRAWAL}", payloads.withdraw_note
    ),
    WebhookEvent.LINK_OPENED: EventSource(
        "shortlinks_note",
        f"""{_OPEN}, 'verdict', '{Verdict.PERSON}', 'reason', subject.reason,
        'device', {_DEVICE}, 'is_first', {_IS_FIRST}""",
        payloads.link_opened,
        content_type=payloads.JSON,
    ),
    WebhookEvent.WITHDRAW_OPEN: EventSource(
        "shortlinks_note",
        f"{_OPEN}, {_WITHDRAWAL}, 'verdict', {_OF_WITHDRAWAL.format('verdict')}",
        payloads.withdraw_link_opened,
        content_type=payloads.JSON,
    ),
    WebhookEvent.MERGE_CONTACT: EventSource(
        "shortlinks_merge",
        f"""{_MERGE}, 'by', subject.created_by_id,
        'at', extract(epoch FROM subject.created_at)""",
        payloads.merge_contact,
        "subject.survivor_id",
    ),
    WebhookEvent.UNDO_MERGE: EventSource(
        "shortlinks_merge",
        f"""{_MERGE}, 'by', subject.undone_by_id,
        'at', extract(epoch FROM subject.undone_at)""",
        payloads.merge_contact,
        "subject.survivor_id",
    ),
    WebhookEvent.SUGGEST_MERGE: EventSource(
        "shortlinks_mergesuggestion",
        f"""{_SUGGESTION}, 'evidence', subject.evidence,
        'at', extract(epoch FROM subject.created_at)""",
        payloads.suggest_merge,
        "subject.one_id",
    ),
    WebhookEvent.CLOSE_SUGGESTION: EventSource(
        "shortlinks_mergesuggestion",
        f"""{_SUGGESTION}, 'state', subject.state, 'merge_id', subject.merge_id,
        'by', subject.decided_by_id, 'at', extract(epoch FROM subject.decided_at)""",
        payloads.close_suggestion,
        "subject.one_id",
    ),
}

JSON_EVENTS = {
    event for event, each in SOURCES.items() if each.content_type == payloads.JSON
}

SELECT_TARGETS = """
SELECT subject.id, webhook.id FROM {source.table} AS subject
JOIN shortlinks_contact AS contact ON contact.id = {source.contact_id}
JOIN shortlinks_webhook AS webhook
  ON webhook.account_id = contact.account_id AND webhook.disabled_at IS NULL
 AND %s = ANY(webhook.settings)
WHERE subject.id = ANY(%s::bigint[]) ORDER BY subject.id, webhook.id
"""
# The webhooks' rows are locked, so that none is deleted while its events are inserted.
INSERT = """
INSERT INTO shortlinks_webhookdelivery
  (webhook_id, event, event_id, contact_id, subject_id, state, attempts, due_at,
   created_at, payload_data)
SELECT webhook.id, %(event)s, e.event_id, contact.id, subject.id, 'pending', 0, now(),
       now(), jsonb_build_object(
         {source.payload_data},
         'entity_id', contact.entity_id, 'group_id', contact.group_id,
         'responsible_user_id', contact.responsible_user_id,
         'account_id', account.id, 'subdomain', account.subdomain,
         'time_zone', account.time_zone, 'language', account.language)
FROM unnest(%(subjects)s::bigint[], %(webhooks)s::bigint[], %(event_ids)s::uuid[])
  WITH ORDINALITY AS e (subject_id, webhook_id, event_id, position)
JOIN shortlinks_webhook AS webhook ON webhook.id = e.webhook_id
JOIN {source.table} AS subject ON subject.id = e.subject_id
JOIN shortlinks_contact AS own ON own.id = {source.contact_id}
JOIN shortlinks_contact AS contact
  ON contact.id = coalesce(own.merged_into_id, own.id)
JOIN shortlinks_account AS account ON account.id = contact.account_id
ORDER BY e.position
FOR KEY SHARE OF webhook
ON CONFLICT (event_id) DO NOTHING
"""

Target = tuple[int, int]  # ids of a subject and of a webhook that subscribed to it


def enqueue(event: WebhookEvent, subjects: Sequence[int]) -> int:
    """Enqueue an event for each new row, in their order; return the deliveries' count.

    No query follows the first if no webhook has subscribed.
    """
    query = SELECT_TARGETS.format(source=SOURCES[event])
    with connection.cursor() as cursor:
        cursor.execute(query, [event, arrays.encode(subjects)])
        return enqueue_for(event, cursor.fetchall())


def enqueue_for(event: str, targets: Sequence[Target]) -> int:
    """Enqueue for known webhooks; return the deliveries' count."""
    return _insert(event, targets) if targets else 0


def enqueue_to_receivers(
    event: WebhookEvent, subjects: Sequence[int], *, of: WebhookEvent
) -> int:
    """Enqueue for the webhooks that may have received an earlier event of each row.

    They must have subscribed to both events.
    """
    query = SELECT_TARGETS.format(source=SOURCES[event])
    with connection.cursor() as cursor:
        cursor.execute(query, [event, arrays.encode(subjects)])
        targets: list[Target] = cursor.fetchall()
    earlier = {event_id(*target, of): target for target in targets}
    sent = WebhookDelivery.objects.filter(event_id__in=earlier, attempts__gt=0)
    received = [earlier[id_] for id_ in sent.values_list("event_id", flat=True)]
    return enqueue_for(event, sorted(received))


def enqueue_test(webhook: Webhook) -> None:
    """Enqueue a test, unless one is waiting. It is sent to a paused webhook, too."""
    now, account = timezone.now(), webhook.account
    test = WebhookDelivery(
        webhook=webhook,
        event=TEST,
        event_id=uuid4(),
        subject_id=webhook.pk,
        payload_data={
            "webhook_id": webhook.pk,
            "at": now.timestamp(),
            "account_id": account.pk,
            "subdomain": account.subdomain,
            "time_zone": account.time_zone,
            "is_json": set(webhook.settings) <= JSON_EVENTS,
        },
        due_at=now,
        created_at=now,
    )
    WebhookDelivery.objects.bulk_create([test], ignore_conflicts=True)


def render(event: str, payload_data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the content type and the body of the request.

    A test has the type of the events that its webhook gets.
    """
    source = SOURCES.get(event) or _test(is_json=payload_data.get("is_json", False))
    body = source.render(payload_data, base_url=settings.BASE_URL)
    return source.content_type, body


def _test(*, is_json: bool) -> EventSource:
    renderer = payloads.test_in_json if is_json else payloads.test
    content_type = payloads.JSON if is_json else payloads.FORM
    return EventSource("", "", renderer, content_type=content_type)


def event_id(subject_id: int, webhook_id: int, event: str) -> UUID:
    """Return the same id each time, so that receivers recognize a repetition."""
    return uuid5(
        NAMESPACE_URL, f"{settings.BASE_URL} {event} {subject_id} {webhook_id}"
    )


def _insert(event: str, targets: Sequence[Target]) -> int:
    parameters = {
        "event": event,
        "subjects": [subject_id for subject_id, _ in targets],
        "webhooks": [webhook_id for _, webhook_id in targets],
        "event_ids": [event_id(*target, event) for target in targets],
    }
    statement = INSERT.format(source=SOURCES[event])
    with connection.cursor() as cursor:
        cursor.execute(statement, arrays.encode_params(parameters))
        return int(cursor.rowcount)


def cancel(events: Collection[WebhookEvent], subjects: Sequence[int]) -> None:
    """Cancel unsent events. Call it after inserts, because they lock webhooks first."""
    pending = WebhookDelivery.objects.filter(
        event__in=events, subject_id__in=subjects, state=DeliveryState.PENDING
    )
    locked = pending.order_by("pk").select_for_update()
    WebhookDelivery.objects.filter(pk__in=locked.values("pk")).update(
        state=DeliveryState.CANCELLED, due_at=None
    )
