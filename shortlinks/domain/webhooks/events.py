"""What is to be told, written in the transaction in which it happens (ADR 15).

Another event needs a line in `SUBJECTS` and a writer in `bodies`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import connection

from shortlinks.domain.postgres import arrays
from shortlinks.models import WebhookEvent


@dataclass(frozen=True, slots=True)
class EventSource:
    """The row that an event is about, `subject` in these pieces of SQL.

    Its contact's events are told in their order. `facts` are pairs of
    `jsonb_build_object`: what the body will say, beside what it says of the contact.
    """

    table: str
    payload_data: str
    contact_id: str = "subject.contact_id"


def _pair(*columns: str) -> str:
    """Two contacts, by the ids that a receiver knows."""
    entity_id = "(SELECT entity_id FROM shortlinks_contact WHERE id = subject.{})"
    ids = ", ".join(entity_id.format(column) for column in columns)
    return f"'contacts', jsonb_build_array({ids})"


_MERGE = f"""
        'merge_id', subject.id, 'rule', subject.rule, 'evidence', subject.evidence,
        {_pair("survivor_id", "loser_id")}"""
SOURCES = {
    WebhookEvent.NOTE_CONTACT: EventSource(
        "shortlinks_note",
        """
        'note_id', subject.id, 'note_type', subject.note_type, 'url', subject.url,
        'text', subject.text, 'created_by', subject.created_by_id,
        'created_at', extract(epoch FROM subject.created_at),
        'updated_at', extract(epoch FROM subject.updated_at)""",
    ),
    WebhookEvent.MERGE_CONTACT: EventSource(
        "shortlinks_merge",
        f"""{_MERGE}, 'by', subject.created_by_id,
        'at', extract(epoch FROM subject.created_at)""",
        "subject.survivor_id",
    ),
    WebhookEvent.UNDO_MERGE: EventSource(
        "shortlinks_merge",
        f"""{_MERGE}, 'by', subject.undone_by_id,
        'at', extract(epoch FROM subject.undone_at)""",
        "subject.survivor_id",
    ),
    WebhookEvent.SUGGEST_MERGE: EventSource(
        "shortlinks_mergesuggestion",
        f"""
        'suggestion_id', subject.id, 'rule', subject.rule,
        'evidence', subject.evidence, {_pair("one_id", "other_id")},
        'at', extract(epoch FROM subject.created_at)""",
        "subject.one_id",
    ),
}

SELECT = """
SELECT subject.id, webhook.id FROM {subject.table} AS subject
JOIN shortlinks_contact AS contact ON contact.id = {subject.contact_id}
JOIN shortlinks_webhook AS webhook
  ON webhook.account_id = contact.account_id AND {listens}
WHERE subject.id = ANY(%s::bigint[]) ORDER BY subject.id, webhook.id
"""
# The webhooks' rows are held: nobody deletes one while its events are being written.
INSERT = """
INSERT INTO shortlinks_webhookdelivery
  (webhook_id, event, event_id, contact_id, subject_id, state, attempts, due_at,
   created_at, payload_data)
SELECT webhook.id, %(event)s, e.event_id, contact.id, subject.id, 'pending', 0, now(),
       now(), jsonb_build_object(
         {subject.payload_data},
         'entity_id', contact.entity_id, 'group_id', contact.group_id,
         'responsible_user_id', contact.responsible_user_id,
         'account_id', account.id, 'subdomain', account.subdomain,
         'time_zone', account.time_zone)
FROM unnest(%(subjects)s::bigint[], %(webhooks)s::bigint[], %(event_ids)s::uuid[])
  WITH ORDINALITY AS e (subject_id, webhook_id, event_id, position)
JOIN shortlinks_webhook AS webhook ON webhook.id = e.webhook_id
JOIN {subject.table} AS subject ON subject.id = e.subject_id
JOIN shortlinks_contact AS own ON own.id = {subject.contact_id}
JOIN shortlinks_contact AS contact
  ON contact.id = coalesce(own.merged_into_id, own.id)
JOIN shortlinks_account AS account ON account.id = contact.account_id
ORDER BY e.position
FOR KEY SHARE OF webhook
ON CONFLICT (event_id) DO NOTHING
"""
CANCEL = """
UPDATE shortlinks_webhookdelivery SET state = 'cancelled', due_at = NULL
WHERE id IN (
  SELECT id FROM shortlinks_webhookdelivery
  WHERE event = %s AND subject_id = ANY(%s::bigint[]) AND state = 'pending'
  ORDER BY id FOR UPDATE)
"""

# A subject's id, and that of a webhook that wants to know of it.
Target = tuple[int, int]


def subscribed_sql(event: WebhookEvent) -> str:
    """SQL: whether the row `webhook` wants to know. Asked along with the statement
    that writes the subject, it costs no query of its own.
    """
    return f"webhook.disabled_at IS NULL AND '{event.value}' = ANY(webhook.settings)"


def enqueue(event: WebhookEvent, subjects: Sequence[int]) -> int:
    """Tell of rows that are new, in their order; how many tellings that makes."""
    query = SELECT.format(subject=SOURCES[event], listens=subscribed_sql(event))
    with connection.cursor() as cursor:
        cursor.execute(query, [arrays.encode(subjects)])
        return enqueue_for(event, cursor.fetchall())


def enqueue_for(event: WebhookEvent, tellings: Sequence[Target]) -> int:
    """The same for who knows which webhooks want to know; no query if none does."""
    if not tellings:
        return 0
    about = {
        "event": event,
        "subjects": [subject_id for subject_id, _ in tellings],
        "webhooks": [webhook_id for _, webhook_id in tellings],
        "event_ids": [event_id(*telling, event) for telling in tellings],
    }
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT.format(subject=SOURCES[event]), arrays.encode_params(about)
        )
        return int(cursor.rowcount)


def cancel(event: WebhookEvent, subjects: Sequence[int]) -> None:
    """Do not tell of rows that were withdrawn, where it was not told yet.

    After `enqueue`, so that rows are locked in one order: webhooks, then deliveries.
    """
    if subjects:
        with connection.cursor() as cursor:
            cursor.execute(CANCEL, [event, arrays.encode(subjects)])


def event_id(subject_id: int, webhook_id: int, event: str) -> UUID:
    """The same for the same event however often it is told: receivers see repeats."""
    return uuid5(
        NAMESPACE_URL, f"{settings.BASE_URL} {event} {subject_id} {webhook_id}"
    )
