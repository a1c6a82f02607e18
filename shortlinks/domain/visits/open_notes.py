"""Write one note for each link and window, in any order of arrival (docs/adr/0012).

The first open of a link begins a note, and so does the first one after its window. All
others increase the count of their note. An open that arrives late, or is no longer a
person's, moves the windows that follow. Then the notes from there on are rebuilt from
the stored visits. They keep their ids as long as their events are still true.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NewType

from django.db import connection
from django.utils import timezone

from shortlinks.domain import reasons
from shortlinks.domain.postgres import arrays, queries
from shortlinks.domain.visits import visit_records
from shortlinks.domain.webhooks import events
from shortlinks.models import NoteType, Verdict, WebhookEvent

# The events of a new note, each with the event that withdraws it.
EVENTS = {
    WebhookEvent.NOTE_CONTACT: WebhookEvent.WITHDRAW_NOTE,
    WebhookEvent.LINK_OPENED: WebhookEvent.WITHDRAW_OPEN,
}

LOCK_LINKS = """
SELECT id FROM shortlinks_shortlink WHERE id = ANY(%s::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
SELECT_EXISTING = """
SELECT note.link_id, note.id, lower(note.period), upper(note.period), note.opens,
       note.reason
FROM shortlinks_note AS note
JOIN unnest(%(links)s::bigint[], %(since)s::timestamptz[]) AS o (link_id, since)
  ON note.link_id = o.link_id AND note.period && tstzrange(o.since, NULL)
"""
SELECT_OPENS = """
SELECT visit.link_id, visit.occurred_at, visit.reason, visit.visit_count
FROM unnest(%(links)s::bigint[], %(since)s::timestamptz[]) AS o (link_id, since)
JOIN shortlinks_visit AS visit
  ON visit.link_id = o.link_id AND visit.occurred_at >= o.since
WHERE visit.verdict = %(person)s AND visit.verdict <> '' AND visit.id >= %(first)s
"""
# Also returns the webhooks of each note, so accounts without any need no other query.
INSERT = """
WITH note AS (
  INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, link_id, url,
                               opens, period, reason, created_at, updated_at)
  SELECT link.account_id, link.contact_id, %(type)s, '', link.id, link.url,
         n.opens, tstzrange(n.since, n.until), n.reason, n.since, %(now)s
  FROM unnest(%(links)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
              %(until)s::timestamptz[], %(reasons)s::text[])
    AS n (link_id, opens, since, until, reason)
  JOIN shortlinks_shortlink AS link ON link.id = n.link_id
  ORDER BY n.since, link.id
  RETURNING id, account_id)
SELECT event, note.id, webhook.id FROM note JOIN shortlinks_webhook AS webhook
  ON webhook.account_id = note.account_id AND webhook.disabled_at IS NULL
JOIN unnest(%(events)s::text[]) AS event ON event = ANY(webhook.settings)
ORDER BY note.id, webhook.id
"""
UPDATE = """
UPDATE shortlinks_note AS note
SET opens = n.opens, period = tstzrange(n.since, n.until), reason = n.reason,
    created_at = n.since, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
            %(until)s::timestamptz[], %(reasons)s::text[])
  AS n (id, opens, since, until, reason)
WHERE note.id = n.id
"""
DELETE = """
WITH note AS (
  DELETE FROM shortlinks_note WHERE id = ANY(%s::bigint[]) RETURNING id, account_id)
SELECT id FROM note
WHERE EXISTS (SELECT FROM shortlinks_webhook WHERE account_id = note.account_id)
"""


class Open(NamedTuple):
    """A person's visit: its time, the reason of its verdict, and its `visit_count`."""

    at: datetime
    reason: str = ""
    visits: int = 1


@dataclass(slots=True)
class OpenChanges:
    """New and withdrawn opens of one link; `window` applies to new notes."""

    window: timedelta
    added: list[Open] = field(default_factory=list)
    removed: list[datetime] = field(default_factory=list)

    @property
    def earliest(self) -> datetime:
        return min((*(open_.at for open_ in self.added), *self.removed))


# Changes of links that are locked; only `lock_links` returns this.
LockedOpens = NewType("LockedOpens", Mapping[int, OpenChanges])


@dataclass(frozen=True, slots=True)
class Window:
    """The time, count and reason of a note; `id` is None if it does not exist yet."""

    id: int | None
    since: datetime
    until: datetime
    opens: int
    reason: str = ""

    def with_open(self, reason: str, count: int) -> "Window":
        best = reasons.most_certain(self.reason, reason)
        return Window(self.id, self.since, self.until, self.opens + count, best)


@dataclass(frozen=True, slots=True)
class Plan:
    """The notes of one link to insert or update, and the ids of those to delete."""

    upserts: Sequence[Window]
    withdrawn: Sequence[int]


@dataclass(frozen=True, slots=True)
class NoteChanges:
    """Counts of inserted, updated and deleted notes, and of webhook deliveries."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    deliveries: int = 0

    def __add__(self, other: "NoteChanges") -> "NoteChanges":
        return NoteChanges(
            self.new + other.new,
            self.changed + other.changed,
            self.withdrawn + other.withdrawn,
            self.deliveries + other.deliveries,
        )


def group_by_window(
    opens: Iterable[Open],
    length: timedelta,
    *,
    last: Window | None = None,
    kept: Mapping[datetime, timedelta] | None = None,
) -> list[Window]:
    """Group opens into windows; the first opens may belong to the `last` window.

    A window that begins at a time in `kept` has the length that is given there.
    """
    found = [] if last is None else [last]
    for opened_at, reason, count in sorted(opens):
        if found and opened_at < found[-1].until:
            found[-1] = found[-1].with_open(reason, count)
        else:
            until = opened_at + (kept or {}).get(opened_at, length)
            found.append(Window(None, opened_at, until, count, reason))
    return found


def is_append_only(existing: Sequence[Window], opens: OpenChanges) -> bool:
    """Return whether the opens only extend the last window or add later ones."""
    return not opens.removed and all(w.since <= opens.earliest for w in existing)


def diff(
    existing: Sequence[Window],
    wanted: Sequence[Window],
    removed: Collection[datetime] = (),
) -> Plan:
    """Plan the change from existing to wanted notes.

    A note with the same start keeps its id. A note whose first open was removed is
    replaced by a new one, and so is a note that is now less certain. The events of the
    old note have named that open and that certainty.
    """
    starts = {window.since: window for window in wanted}
    kept = [w for w in existing if not _is_refuted(w, starts.get(w.since), removed)]
    ids = {window.since: window.id for window in kept}
    spare = [window.id for window in kept if window.since not in starts]
    before = set(kept)
    written: list[Window] = []
    for window in wanted:
        id_ = ids.get(window.since) or (spare.pop(0) if spare else None)
        with_id = replace(window, id=id_)
        if with_id not in before:
            written.append(with_id)
    refuted = [window.id for window in existing if window not in before]
    return Plan(written, [id_ for id_ in [*refuted, *spare] if id_ is not None])


def _is_refuted(
    note: Window, wanted: Window | None, removed: Collection[datetime]
) -> bool:
    if wanted is None:
        return note.since in removed
    return reasons.is_less_certain(wanted.reason, note.reason)


def lock_links(opens: Mapping[int, OpenChanges]) -> LockedOpens:
    """Lock the links in one order until the transaction ends: each has one writer."""
    if opens:
        with connection.cursor() as cursor:
            cursor.execute(LOCK_LINKS, [arrays.encode(list(opens))])
    return LockedOpens(opens)


def sync(opens: LockedOpens) -> NoteChanges:
    """Update the notes of these links, after the visits' verdicts were stored."""
    if not opens:
        return NoteChanges()
    existing = _existing(opens)
    plans: dict[int, Plan] = {}
    rebuilt_since: dict[int, datetime] = {}
    for link_id, changed in opens.items():
        notes = existing[link_id]
        if is_append_only(notes, changed):
            last = notes[-1] if notes else None
            found = group_by_window(changed.added, changed.window, last=last)
            plans[link_id] = Plan([w for w in found if w is not last], [])
        else:
            rebuilt_since[link_id] = min([changed.earliest, *(w.since for w in notes)])
    for link_id, found_opens in _opens_since(rebuilt_since).items():
        kept = {w.since: w.until - w.since for w in existing[link_id]}
        wanted = group_by_window(found_opens, opens[link_id].window, kept=kept)
        removed = opens[link_id].removed
        plans[link_id] = diff(existing[link_id], wanted, removed)
    return _store(plans)


def _existing(opens: Mapping[int, OpenChanges]) -> defaultdict[int, list[Window]]:
    """Load the notes that contain or follow the earliest open of each link."""
    found: defaultdict[int, list[Window]] = defaultdict(list)
    since = [changed.earliest for changed in opens.values()]
    parameters = arrays.encode_params({"links": list(opens), "since": since})
    for link_id, *window in queries.fetch_bulk(SELECT_EXISTING, parameters):
        found[link_id].append(Window(*window))
    for notes in found.values():
        notes.sort(key=lambda window: window.since)
    return found


def _opens_since(links: Mapping[int, datetime]) -> dict[int, list[Open]]:
    """Load the opens of these links by people since these times."""
    if not links:
        return {}
    found: dict[int, list[Open]] = {link_id: [] for link_id in links}
    with connection.cursor() as cursor:
        parameters = {
            "links": list(links),
            "since": list(links.values()),
            "person": Verdict.PERSON,
            "first": visit_records.first_id(min(links.values())),
        }
        cursor.execute(SELECT_OPENS, arrays.encode_params(parameters))
        for link_id, *opened in cursor:
            found[link_id].append(Open(*opened))
    return found


def _store(plans: Mapping[int, Plan]) -> NoteChanges:
    """Delete first and insert last, so that notes never overlap."""
    upserts = [(link, w) for link, plan in plans.items() for w in plan.upserts]
    withdrawn = [id_ for plan in plans.values() for id_ in plan.withdrawn]
    new = [(link_id, window) for link_id, window in upserts if window.id is None]
    old = [window for _, window in upserts if window.id is not None]
    now = timezone.now()
    withdrawals, to_cancel = _delete(withdrawn)
    if old:
        ids = [window.id for window in old]
        changed = _columns(old) | {"ids": ids, "now": now}
        with connection.cursor() as cursor:
            cursor.execute(UPDATE, arrays.encode_params(changed))
    deliveries = withdrawals
    for event, targets in _insert(new, now).items():
        deliveries += events.enqueue_for(event, targets)
    if to_cancel:
        events.cancel(EVENTS, to_cancel)
    return NoteChanges(len(new), len(old), len(withdrawn), deliveries)


def _delete(withdrawn: Sequence[int]) -> tuple[int, list[int]]:
    """Delete notes, and enqueue the events that withdraw them.

    Return the number of these events, and the notes whose unsent events to cancel.
    """
    if not withdrawn:
        return 0, []
    withdrawals = sum(
        events.enqueue_to_receivers(withdrawal, withdrawn, of=event)
        for event, withdrawal in EVENTS.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [arrays.encode(withdrawn)])
        return withdrawals, [id_ for (id_,) in cursor]


def _insert(
    new: Sequence[tuple[int, Window]], now: datetime
) -> dict[str, list[events.Target]]:
    """Insert notes; return the webhooks that subscribed to each, by event."""
    if not new:
        return {}
    links = [link_id for link_id, _ in new]
    values = {
        "type": NoteType.LINK_FOLLOWED,
        "events": list(EVENTS),
        "links": links,
        "now": now,
    }
    parameters = _columns([window for _, window in new]) | values
    with connection.cursor() as cursor:
        cursor.execute(INSERT, arrays.encode_params(parameters))
        targets: defaultdict[str, list[events.Target]] = defaultdict(list)
        for event, *target in cursor:
            targets[event].append((target[0], target[1]))
        return targets


def _columns(windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "opens": [window.opens for window in windows],
        "since": [window.since for window in windows],
        "until": [window.until for window in windows],
        "reasons": [window.reason for window in windows],
    }
