"""Notes of opens: one for each link and window, whatever the order of arrival (ADR 12).

The first open of a link begins a note, and so does each that comes when the last note's
window is over; all others raise the count of theirs. Opens that come in order extend
the last note. One that comes late, or turns out to be no person's, moves the borders of
what follows it: then the notes from there on are made anew from the stored visits, and
keep their ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from shortlinks.domain.postgres import arrays, queries
from shortlinks.domain.visits import visit_records
from shortlinks.domain.webhooks import events
from shortlinks.models import NoteType, Verdict, WebhookEvent

EVENT = WebhookEvent.NOTE_CONTACT

SELECT_EXISTING = """
SELECT note.id, note.link_id, lower(note.period), upper(note.period), note.opens
FROM shortlinks_note AS note
JOIN unnest(%(links)s::bigint[], %(since)s::timestamptz[]) AS o (link_id, since)
  ON note.link_id = o.link_id AND note.period && tstzrange(o.since, NULL)
"""
SELECT_OPENS = """
SELECT visit.link_id, visit.occurred_at
FROM unnest(%(links)s::bigint[], %(since)s::timestamptz[]) AS o (link_id, since)
JOIN shortlinks_visit AS visit
  ON visit.link_id = o.link_id AND visit.occurred_at >= o.since
WHERE visit.verdict = %(person)s AND visit.verdict <> '' AND visit.id >= %(first)s
"""
# The same statement says which webhooks are to be told of which note, so an account
# that has none pays for no question.
INSERT = f"""
WITH note AS (
  INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, link_id, url,
                               opens, period, created_at, updated_at)
  SELECT link.account_id, link.contact_id, %(type)s, '', link.id, link.url,
         n.opens, tstzrange(n.since, n.until), n.since, %(now)s
  FROM unnest(%(links)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
              %(until)s::timestamptz[]) AS n (link_id, opens, since, until)
  JOIN shortlinks_shortlink AS link ON link.id = n.link_id
  ORDER BY n.since, link.id
  RETURNING id, account_id)
SELECT note.id, webhook.id FROM note JOIN shortlinks_webhook AS webhook
  ON webhook.account_id = note.account_id AND {events.subscribed_sql(EVENT)}
ORDER BY note.id, webhook.id
"""  # noqa: S608  put together from constants
UPDATE = """
UPDATE shortlinks_note AS note
SET opens = n.opens, period = tstzrange(n.since, n.until),
    created_at = n.since, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
            %(until)s::timestamptz[]) AS n (id, opens, since, until)
WHERE note.id = n.id
"""
DELETE = """
WITH note AS (
  DELETE FROM shortlinks_note WHERE id = ANY(%s::bigint[]) RETURNING id, account_id)
SELECT id FROM note
WHERE EXISTS (SELECT FROM shortlinks_webhook WHERE account_id = note.account_id)
"""


@dataclass(slots=True)
class OpenChanges:
    """People's opens of one link that came, or are none any more.

    `window` is the account's, in force for the notes that begin now.
    """

    window: timedelta
    added: list[datetime] = field(default_factory=list)
    removed: list[datetime] = field(default_factory=list)

    @property
    def earliest(self) -> datetime:
        return min((*self.added, *self.removed))


@dataclass(frozen=True, slots=True)
class Window:
    """A note as the plan sees it: `id` None is one to write."""

    id: int | None
    since: datetime
    until: datetime
    opens: int

    def with_one_more(self) -> "Window":
        return Window(self.id, self.since, self.until, self.opens + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written of one link's notes, and which are withdrawn."""

    upserts: Sequence[Window]
    withdrawn: Sequence[int]


@dataclass(frozen=True, slots=True)
class NoteChanges:
    """How many notes were new, changed by an open, and withdrawn.

    `told` counts what webhooks are to be told of them.
    """

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
    opens: Iterable[datetime],
    length: timedelta,
    *,
    last: Window | None = None,
    kept: Mapping[datetime, timedelta] | None = None,
) -> list[Window]:
    """The notes of these opens, the first of which may fall into the `last` one.

    A note that begins when one in `kept` began has its length, not today's.
    """
    found = [] if last is None else [last]
    for opened_at in sorted(opens):
        if found and opened_at < found[-1].until:
            found[-1] = found[-1].with_one_more()
        else:
            until = opened_at + (kept or {}).get(opened_at, length)
            found.append(Window(None, opened_at, until, 1))
    return found


def is_append_only(near: Sequence[Window], opens: OpenChanges) -> bool:
    """Whether nothing changes but the end of what is there."""
    return not opens.removed and all(w.since <= opens.earliest for w in near)


def diff(existing: Sequence[Window], wanted: Sequence[Window]) -> Plan:
    """How notes become other ones: what began at one time stays the same note."""
    ids = {window.since: window.id for window in existing}
    spare = [w.id for w in existing if w.since not in {v.since for v in wanted}]
    before = set(existing)
    written: list[Window] = []
    for window in wanted:
        id_ = ids.get(window.since) or (spare.pop(0) if spare else None)
        named = replace(window, id=id_)
        if named not in before:
            written.append(named)
    return Plan(written, [id_ for id_ in spare if id_ is not None])


def sync(opens: Mapping[int, OpenChanges]) -> NoteChanges:
    """Let the notes of these links say what changed; their rows are locked by the
    caller, and the visits' verdicts are stored.
    """
    if not opens:
        return NoteChanges()
    near = _existing(opens)
    plans: dict[int, Plan] = {}
    late: dict[int, datetime] = {}
    for link_id, changed in opens.items():
        notes = near[link_id]
        if is_append_only(notes, changed):
            last = notes[-1] if notes else None
            found = group_by_window(changed.added, changed.window, last=last)
            plans[link_id] = Plan([w for w in found if w is not last], [])
        else:
            late[link_id] = min([changed.earliest, *(w.since for w in notes)])
    for link_id, times in _opens_since(late).items():
        kept = {w.since: w.until - w.since for w in near[link_id]}
        wanted = group_by_window(times, opens[link_id].window, kept=kept)
        plans[link_id] = diff(near[link_id], wanted)
    return _store(plans)


def _existing(opens: Mapping[int, OpenChanges]) -> defaultdict[int, list[Window]]:
    """The notes that the earliest of these opens falls into or comes before."""
    near: defaultdict[int, list[Window]] = defaultdict(list)
    since = [changed.earliest for changed in opens.values()]
    asked = arrays.encode_params({"links": list(opens), "since": since})
    for id_, link_id, *rest in queries.fetch_bulk(SELECT_EXISTING, asked):
        near[link_id].append(Window(id_, *rest))
    for notes in near.values():
        notes.sort(key=lambda window: window.since)
    return near


def _opens_since(links: Mapping[int, datetime]) -> dict[int, list[datetime]]:
    """When people opened these links from these times on."""
    if not links:
        return {}
    found: dict[int, list[datetime]] = {link_id: [] for link_id in links}
    with connection.cursor() as cursor:
        asked = {
            "links": list(links),
            "since": list(links.values()),
            "person": Verdict.PERSON,
            "first": visit_records.first_id(min(links.values())),
        }
        cursor.execute(SELECT_OPENS, arrays.encode_params(asked))
        for link_id, opened_at in cursor:
            found[link_id].append(opened_at)
    return found


def _store(plans: Mapping[int, Plan]) -> NoteChanges:
    """Withdrawn ones first, new ones last: no two ever overlap between statements."""
    written = [(link, w) for link, plan in plans.items() for w in plan.upserts]
    withdrawn = [id_ for plan in plans.values() for id_ in plan.withdrawn]
    new = [(link_id, window) for link_id, window in written if window.id is None]
    old = [window for _, window in written if window.id is not None]
    now = timezone.now()
    to_cancel = _delete(withdrawn)
    if old:
        ids = [window.id for window in old]
        changed = _columns(old) | {"ids": ids, "now": now}
        with connection.cursor() as cursor:
            cursor.execute(UPDATE, arrays.encode_params(changed))
    told = events.enqueue_for(EVENT, _insert(new, now))
    events.cancel(EVENT, to_cancel)
    return NoteChanges(len(new), len(old), len(withdrawn), told)


def _delete(withdrawn: Sequence[int]) -> list[int]:
    """Those of which webhooks may have been told."""
    if not withdrawn:
        return []
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [arrays.encode(withdrawn)])
        return [id_ for (id_,) in cursor]


def _insert(new: Sequence[tuple[int, Window]], now: datetime) -> list[events.Target]:
    """Which webhooks are to be told of which note."""
    if not new:
        return []
    links = [link_id for link_id, _ in new]
    about = {"type": NoteType.LINK_FOLLOWED, "links": links, "now": now}
    made = _columns([window for _, window in new]) | about
    with connection.cursor() as cursor:
        cursor.execute(INSERT, arrays.encode_params(made))
        return list(cursor.fetchall())


def _columns(planned: Sequence[Window]) -> dict[str, Any]:
    return {
        "opens": [window.opens for window in planned],
        "since": [window.since for window in planned],
        "until": [window.until for window in planned],
    }
