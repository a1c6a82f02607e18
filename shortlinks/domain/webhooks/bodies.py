"""What a receiver reads: the original's form, in PHP's brackets (contract §4)."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from shortlinks.domain import time_zones
from shortlinks.models import NoteType, WebhookEvent

CONTENT_TYPE = "application/x-www-form-urlencoded"
SERVICE = "shortlinks"  # who speaks in a service message
CONTACT = 1  # as `element_type`
NOTE_TYPE_NUMBERS = {
    NoteType.COMMON: 4,
    NoteType.SERVICE: 25,
    NoteType.LINK_FOLLOWED: 59,
}


def note_contact(facts: Mapping[str, Any], *, base_url: str) -> str:
    """The form that tells of a note; all values are strings, times the account's."""
    zone = facts["time_zone"]
    note = {
        "id": facts["note_id"],
        "element_id": facts["entity_id"],
        "element_type": CONTACT,
        "note_type": NOTE_TYPE_NUMBERS[facts["note_type"]],
        "text": _text(facts),
        "main_user_id": facts["responsible_user_id"] or 0,
        "created_by": facts["created_by"] or 0,
        "modified_by": facts["created_by"] or 0,
        "group_id": facts["group_id"] or 0,
        "account_id": facts["account_id"],
        "date_create": _moment(facts["created_at"], zone),
        "timestamp_x": _moment(facts["updated_at"], zone),
    }
    return _form("contacts[note][0][note]", note, facts, base_url)


def merge_contact(facts: Mapping[str, Any], *, base_url: str) -> str:
    """Ours, in the original's manner: who merged, or may be one, and why."""
    one, other = facts["contacts"]
    merge = {
        "id": facts["merge_id"],
        "rule": facts["rule"],
        "element_id": one,
        "merged_id": other,
        **_because(facts["evidence"], facts),
        "created_by": facts["by"] or 0,
        "date_create": _moment(facts["at"], facts["time_zone"]),
    }
    return _form("contacts[merge][0][merge]", merge, facts, base_url)


def suggest_merge(facts: Mapping[str, Any], *, base_url: str) -> str:
    one, other = facts["contacts"]
    suggestion = {
        "id": facts["suggestion_id"],
        "rule": facts["rule"],
        "element_id": one,
        "other_id": other,
        **_because(facts["evidence"], facts),
        "date_create": _moment(facts["at"], facts["time_zone"]),
    }
    return _form("contacts[merge_suggestion][0]", suggestion, facts, base_url)


def _because(evidence: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What it was concluded from, as far as there is something."""
    told = {name: evidence[name] for name in ("chat_id", "url") if name in evidence}
    if "opened_at" in evidence:
        told["opened_at"] = _moment(evidence["opened_at"], facts["time_zone"])
    return told


def _form(
    prefix: str, fields: Mapping[str, Any], facts: Mapping[str, Any], base_url: str
) -> str:
    account = {
        "[id]": facts["account_id"],
        "[subdomain]": facts["subdomain"],
        "[_links][self]": base_url,
    }
    return urlencode(
        {
            **{f"account{key}": value for key, value in account.items()},
            **{f"{prefix}[{key}]": value for key, value in fields.items()},
        }
    )


def _text(facts: Mapping[str, Any]) -> str:
    """Of a typed note its `params`, as JSON."""
    if facts["note_type"] == NoteType.COMMON:
        return str(facts["text"])
    if facts["note_type"] == NoteType.SERVICE:
        said = {"service": SERVICE, "text": facts["text"]}
        return json.dumps(said, ensure_ascii=False)
    return json.dumps({"url": facts["url"]}, ensure_ascii=False)


def _moment(seconds: float, time_zone: str) -> str:
    moment = datetime.fromtimestamp(seconds, time_zones.get(time_zone))
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# The writer of each event's body.
RENDERERS: dict[str, Callable[..., str]] = {
    WebhookEvent.NOTE_CONTACT: note_contact,
    WebhookEvent.MERGE_CONTACT: merge_contact,
    WebhookEvent.UNDO_MERGE: merge_contact,
    WebhookEvent.SUGGEST_MERGE: suggest_merge,
}


def render(event: str, facts: Mapping[str, Any], *, base_url: str) -> str:
    return RENDERERS[event](facts, base_url=base_url)
