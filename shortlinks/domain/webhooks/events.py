"""What is to be told, written in the transaction in which it happens (ADR 15)."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import connection

from shortlinks.models import WebhookEvent

# To be put after RETURNING, where the row is named `note`: they save the question.
HAS_WEBHOOKS = """
EXISTS(SELECT FROM shortlinks_webhook WHERE account_id = note.account_id)
"""
WEBHOOKS_OF_NOTE = """
ARRAY(SELECT webhook.id FROM shortlinks_webhook AS webhook
      WHERE webhook.account_id = note.account_id AND webhook.disabled_at IS NULL
        AND 'note_contact' = ANY(webhook.settings))
"""
SELECT = f"""
SELECT note.id, {WEBHOOKS_OF_NOTE} FROM shortlinks_note AS note
WHERE note.id = ANY(%s) ORDER BY note.id
"""  # noqa: S608  put together from the constants above
# The webhooks' rows are held: nobody deletes one while its events are being written.
INSERT = """
INSERT INTO shortlinks_webhookdelivery
  (webhook_id, event, event_id, contact_id, note_id, state, attempts, due_at,
   created_at, facts)
SELECT webhook.id, %(event)s, e.event_id, note.contact_id, note.id, 'pending', 0, now(),
       now(), jsonb_build_object(
         'note_id', note.id, 'note_type', note.note_type, 'url', note.url,
         'text', note.text, 'created_by', note.created_by_id,
         'created_at', extract(epoch FROM note.created_at),
         'updated_at', extract(epoch FROM note.updated_at),
         'entity_id', contact.entity_id, 'group_id', contact.group_id,
         'responsible_user_id', contact.responsible_user_id,
         'account_id', account.id, 'subdomain', account.subdomain,
         'time_zone', account.time_zone)
FROM unnest(%(notes)s::bigint[], %(webhooks)s::bigint[], %(event_ids)s::uuid[])
  WITH ORDINALITY AS e (note_id, webhook_id, event_id, position)
JOIN shortlinks_webhook AS webhook ON webhook.id = e.webhook_id
JOIN shortlinks_note AS note ON note.id = e.note_id
JOIN shortlinks_contact AS contact ON contact.id = note.contact_id
JOIN shortlinks_account AS account ON account.id = note.account_id
ORDER BY e.position
FOR KEY SHARE OF webhook
ON CONFLICT (event_id) DO NOTHING
"""
CANCEL = """
UPDATE shortlinks_webhookdelivery SET state = 'cancelled', due_at = NULL
WHERE id IN (
  SELECT id FROM shortlinks_webhookdelivery
  WHERE note_id = ANY(%s) AND state = 'pending' ORDER BY id FOR UPDATE)
"""

# A note's id, and those of the webhooks that want to know of it.
NewNote = tuple[int, Sequence[int]]


def enqueue(notes: Sequence[NewNote]) -> None:
    """Tell of notes that are new, in their order; a raised count is no event.

    Costs one query for all of them, and none if no webhook wants to know.
    """
    pairs = [(note_id, id_) for note_id, webhooks in notes for id_ in webhooks]
    if not pairs:
        return
    event = WebhookEvent.NOTE_CONTACT
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "event": event,
                "notes": [note_id for note_id, _ in pairs],
                "webhooks": [webhook_id for _, webhook_id in pairs],
                "event_ids": [event_id(*pair, event) for pair in pairs],
            },
        )


def enqueue_notes(note_ids: Sequence[int]) -> None:
    """The same for who does not know yet which webhooks want to know."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [list(note_ids)])
        found = cursor.fetchall()
    enqueue(found)


def cancel(note_ids: Sequence[int]) -> None:
    """Do not tell of notes that were withdrawn, where it was not told yet.

    After `enqueue`, so that rows are locked in one order: webhooks, then deliveries.
    """
    if note_ids:
        with connection.cursor() as cursor:
            cursor.execute(CANCEL, [list(note_ids)])


def event_id(note_id: int, webhook_id: int, event: str) -> UUID:
    """The same for the same event however often it is told: receivers see repeats."""
    return uuid5(NAMESPACE_URL, f"{settings.BASE_URL} {event} {note_id} {webhook_id}")
