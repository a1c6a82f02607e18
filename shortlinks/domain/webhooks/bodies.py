"""What a receiver reads: the original's form, in PHP's brackets (contract §4)."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shortlinks.models import NoteType, WebhookEvent

CONTENT_TYPE = "application/x-www-form-urlencoded"
CONTACT = 1  # as `element_type`
NOTE_NUMBERS = {NoteType.COMMON: 4, NoteType.LINK_FOLLOWED: 59}


def note_contact(facts: Mapping[str, Any], *, base_url: str) -> str:
    """The form that tells of a note; all values are strings, times the account's."""
    zone = _zone(facts["time_zone"])
    account = {
        "[id]": facts["account_id"],
        "[subdomain]": facts["subdomain"],
        "[_links][self]": base_url,
    }
    note = {
        "id": facts["note_id"],
        "element_id": facts["entity_id"],
        "element_type": CONTACT,
        "note_type": NOTE_NUMBERS[facts["note_type"]],
        "text": _text(facts),
        "main_user_id": facts["responsible_user_id"] or 0,
        "created_by": facts["created_by"] or 0,
        "modified_by": facts["created_by"] or 0,
        "group_id": facts["group_id"] or 0,
        "account_id": facts["account_id"],
        "date_create": _moment(facts["created_at"], zone),
        "timestamp_x": _moment(facts["updated_at"], zone),
    }
    return urlencode(
        {
            **{f"account{key}": value for key, value in account.items()},
            **{f"contacts[note][0][note][{key}]": v for key, v in note.items()},
        }
    )


def _text(facts: Mapping[str, Any]) -> str:
    """Of a typed note its `params`, as JSON."""
    if facts["note_type"] == NoteType.COMMON:
        return str(facts["text"])
    return json.dumps({"url": facts["url"]}, ensure_ascii=False)


def _moment(seconds: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


# The writer of each event's body.
WRITERS: dict[str, Callable[..., str]] = {WebhookEvent.NOTE_CONTACT: note_contact}


def written(event: str, facts: Mapping[str, Any], *, base_url: str) -> str:
    return WRITERS[event](facts, base_url=base_url)
