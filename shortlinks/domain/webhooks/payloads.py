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


def note_contact(data: Mapping[str, Any], *, base_url: str) -> str:
    """The form that tells of a note; all values are strings, times the account's."""
    zone = data["time_zone"]
    note = {
        "id": data["note_id"],
        "element_id": data["entity_id"],
        "element_type": CONTACT,
        "note_type": NOTE_TYPE_NUMBERS[data["note_type"]],
        "text": _text(data),
        "main_user_id": data["responsible_user_id"] or 0,
        "created_by": data["created_by"] or 0,
        "modified_by": data["created_by"] or 0,
        "group_id": data["group_id"] or 0,
        "account_id": data["account_id"],
        "date_create": _moment(data["created_at"], zone),
        "timestamp_x": _moment(data["updated_at"], zone),
    }
    return _form("contacts[note][0][note]", note, data, base_url)


def merge_contact(data: Mapping[str, Any], *, base_url: str) -> str:
    """Ours, in the original's manner: who merged, or may be one, and why."""
    one, other = data["contacts"]
    merge = {
        "id": data["merge_id"],
        "rule": data["rule"],
        "element_id": one,
        "merged_id": other,
        **_because(data["evidence"], data),
        "created_by": data["by"] or 0,
        "date_create": _moment(data["at"], data["time_zone"]),
    }
    return _form("contacts[merge][0][merge]", merge, data, base_url)


def suggest_merge(data: Mapping[str, Any], *, base_url: str) -> str:
    one, other = data["contacts"]
    suggestion = {
        "id": data["suggestion_id"],
        "rule": data["rule"],
        "element_id": one,
        "other_id": other,
        **_because(data["evidence"], data),
        "date_create": _moment(data["at"], data["time_zone"]),
    }
    return _form("contacts[merge_suggestion][0]", suggestion, data, base_url)


def _because(evidence: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What it was concluded from, as far as there is something."""
    told = {name: evidence[name] for name in ("chat_id", "url") if name in evidence}
    if "opened_at" in evidence:
        told["opened_at"] = _moment(evidence["opened_at"], data["time_zone"])
    return told


def _form(
    prefix: str, fields: Mapping[str, Any], data: Mapping[str, Any], base_url: str
) -> str:
    account = {
        "[id]": data["account_id"],
        "[subdomain]": data["subdomain"],
        "[_links][self]": base_url,
    }
    return urlencode(
        {
            **{f"account{key}": value for key, value in account.items()},
            **{f"{prefix}[{key}]": value for key, value in fields.items()},
        }
    )


def _text(data: Mapping[str, Any]) -> str:
    """Of a typed note its `params`, as JSON."""
    if data["note_type"] == NoteType.COMMON:
        return str(data["text"])
    if data["note_type"] == NoteType.SERVICE:
        said = {"service": SERVICE, "text": data["text"]}
        return json.dumps(said, ensure_ascii=False)
    return json.dumps({"url": data["url"]}, ensure_ascii=False)


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


def render(event: str, data: Mapping[str, Any], *, base_url: str) -> str:
    return RENDERERS[event](data, base_url=base_url)
