"""Notes of opens: one for each link and window, whatever the order of arrival."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from shortlinks.models import NoteType

SELECT_NEAR = """
SELECT note.id, note.link_id, lower(note.period), upper(note.period), note.opens
FROM shortlinks_note AS note
JOIN unnest(%(links)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
  AS o (link_id, since, until) ON note.link_id = o.link_id
 AND note.period && tstzrange(o.since, o.until, '[]')
"""
INSERT = """
INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, link_id, url,
                             opens, period, created_at, updated_at)
SELECT link.account_id, link.contact_id, %(type)s, '', link.id, link.url,
       n.opens, tstzrange(n.since, n.until), n.since, %(now)s
FROM unnest(%(links)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
            %(until)s::timestamptz[]) AS n (link_id, opens, since, until)
JOIN shortlinks_shortlink AS link ON link.id = n.link_id
ORDER BY n.since, link.id
"""
UPDATE = """
UPDATE shortlinks_note AS note
SET opens = n.opens, period = tstzrange(n.since, n.until),
    created_at = n.since, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(opens)s::int[], %(since)s::timestamptz[],
            %(until)s::timestamptz[]) AS n (id, opens, since, until)
WHERE note.id = n.id
"""


@dataclass(frozen=True, slots=True)
class Open:
    """A person opened a link; `window` is the account's, in force at the time."""

    link_id: int
    opened_at: datetime
    window: timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """A note as the plan sees it: `id` None is one to write."""

    id: int | None
    since: datetime
    until: datetime
    opens: int


@dataclass(frozen=True, slots=True)
class Written:
    """How many notes were new, and how many a further open changed."""

    new: int = 0
    extended: int = 0


def plan(
    existing: Iterable[Window], opens: Iterable[tuple[datetime, timedelta]]
) -> list[Window]:
    """The notes of one link that these opens make or change.

    An open within a note joins it. One just before a note joins it too and becomes
    its time, since both windows would overlap. Any other open begins a note.
    """
    windows = sorted(existing, key=lambda window: window.since)
    changed: dict[datetime, Window] = {}
    for opened_at, length in sorted(opens):
        index, joined = _join(windows, opened_at, length)
        if joined is None:
            joined = Window(None, opened_at, opened_at + length, 1)
            windows.insert(index, joined)
        else:
            changed.pop(windows[index].since, None)
            windows[index] = joined
        changed[joined.since] = joined
    return list(changed.values())


def _join(
    windows: Sequence[Window], opened_at: datetime, length: timedelta
) -> tuple[int, Window | None]:
    """Which note the open falls into, grown by it; else where a new one goes."""
    for index, window in enumerate(windows):
        if window.since <= opened_at < window.until:
            return index, replace(window, opens=window.opens + 1)
        if opened_at < window.since:
            if opened_at + length > window.since:
                grown = replace(window, since=opened_at, opens=window.opens + 1)
                return index, grown
            return index, None
    return len(windows), None


def write(opens: Sequence[Open]) -> Written:
    """Write the notes of these opens; the links' rows are locked by the caller."""
    if not opens:
        return Written()
    by_link: defaultdict[int, list[tuple[datetime, timedelta]]] = defaultdict(list)
    for item in opens:
        by_link[item.link_id].append((item.opened_at, item.window))
    existing = _near(by_link)
    planned = [
        (link_id, window)
        for link_id, times in by_link.items()
        for window in plan(existing[link_id], times)
    ]
    return _store(planned)


def _near(
    by_link: dict[int, list[tuple[datetime, timedelta]]],
) -> defaultdict[int, list[Window]]:
    """The notes that these opens may fall into or must not overlap."""
    near: defaultdict[int, list[Window]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            SELECT_NEAR,
            {
                "links": list(by_link),
                "since": [min(times)[0] for times in by_link.values()],
                "until": [
                    max(at + length for at, length in times)
                    for times in by_link.values()
                ],
            },
        )
        for id_, link_id, since, until, count in cursor:
            near[link_id].append(Window(id_, since, until, count))
    return near


def _store(planned: Sequence[tuple[int, Window]]) -> Written:
    new = [(link_id, window) for link_id, window in planned if window.id is None]
    old = [window for _, window in planned if window.id is not None]
    now = timezone.now()
    with connection.cursor() as cursor:
        if new:
            cursor.execute(
                INSERT,
                _columns([window for _, window in new])
                | {
                    "type": NoteType.LINK_FOLLOWED,
                    "links": [link_id for link_id, _ in new],
                    "now": now,
                },
            )
        if old:
            ids = [window.id for window in old]
            cursor.execute(UPDATE, _columns(old) | {"ids": ids, "now": now})
    return Written(new=len(new), extended=len(old))


def _columns(windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "opens": [window.opens for window in windows],
        "since": [window.since for window in windows],
        "until": [window.until for window in windows],
    }
