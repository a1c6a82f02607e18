"""Request bodies of webhooks: forms as in docs/contract.md, and JSON of our own."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import translation

from shortlinks.domain import reasons, time_zones
from shortlinks.models import Certainty, NoteType

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
SERVICE = "shortlinks"  # the sender of a service message
CONTACT = 1  # an `element_type`
NO_DEVICE = {"system": None, "browser": None}
NOTE_TYPE_NUMBERS = {
    NoteType.COMMON: 4,
    NoteType.SERVICE: 25,
    NoteType.LINK_FOLLOWED: 59,
}


def note_contact(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render a note. All values are strings, and times are in the account's zone."""
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
        **(_reason(data) if data["note_type"] == NoteType.LINK_FOLLOWED else {}),
    }
    return _form("contacts[note][0][note]", note, data, base_url)


def withdraw_note(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render the withdrawal of a note, an event that amoCRM does not have."""
    note = {
        "id": data["note_id"],
        "element_id": data["entity_id"],
        "url": data["url"],
        **_reason(data),
        "date_create": _moment(data["created_at"], data["time_zone"]),
    }
    return _form("contacts[withdrawn_note][0][note]", note, data, base_url)


def link_opened(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render an open as JSON, with ids and times as the API returns them."""
    shown = {"device": data["device"] or NO_DEVICE, "is_first": data["is_first"]}
    return _open("link_opened", data, shown)


def withdraw_link_opened(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render the withdrawal of an open, with the verdict that it has now."""
    return _open("withdraw_link_opened", data, {})


def _open(event: str, data: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    opened = {
        "event": event,
        "account_id": data["account_id"],
        "note_id": data["note_id"],
        "link_id": data["link_id"],
        "contact_id": data["entity_id"],
        "url": data["url"],
        "opened_at": int(data["created_at"]),
        "verdict": data["verdict"] or "",
        **_reason(data),
        **more,
    }
    return json.dumps(opened, ensure_ascii=False)


def _reason(data: Mapping[str, Any]) -> dict[str, str]:
    reason = data["reason"] or ""
    return {
        "certainty": reasons.certainty(reason),
        "reason": reason,
        "explanation": _explain(data),
    }


def _explain(data: Mapping[str, Any]) -> str:
    """Explain the reason in the account's language."""
    age = data["link_age"]
    with translation.override(data["language"]):
        return reasons.explain(
            data["reason"] or "", None if age is None else timedelta(seconds=age)
        )


def merge_contact(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render a merge or its undoing, an event that amoCRM does not have."""
    survivor_id, loser_id = data["contacts"]
    merge = {
        "id": data["merge_id"],
        "rule": data["rule"],
        "element_id": survivor_id,
        "merged_id": loser_id,
        **_evidence(data),
        "created_by": data["by"] or 0,
        "date_create": _moment(data["at"], data["time_zone"]),
    }
    return _form("contacts[merge][0][merge]", merge, data, base_url)


def suggest_merge(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render a suggestion, an event that amoCRM does not have."""
    return _suggestion(data, _evidence(data), base_url)


def close_suggestion(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render the end of a suggestion: its state, and the merge and user if any."""
    end = {
        "state": data["state"],
        "merge_id": data["merge_id"] or 0,
        "modified_by": data["by"] or 0,
    }
    return _suggestion(data, end, base_url)


def test_in_json(data: Mapping[str, Any], *, base_url: str) -> str:
    sent = {
        "event": "test",
        "account_id": data["account_id"],
        "webhook_id": data["webhook_id"],
        "created_at": int(data["at"]),
    }
    return json.dumps(sent)


def test(data: Mapping[str, Any], *, base_url: str) -> str:
    """Render a test that an administrator requested."""
    sent = {
        "webhook_id": data["webhook_id"],
        "date_create": _moment(data["at"], data["time_zone"]),
    }
    return _form("test", sent, data, base_url)


def _suggestion(
    data: Mapping[str, Any], fields: Mapping[str, Any], base_url: str
) -> str:
    one, other = data["contacts"]
    suggestion = {
        "id": data["suggestion_id"],
        "rule": data["rule"],
        "element_id": one,
        "other_id": other,
        **fields,
        "date_create": _moment(data["at"], data["time_zone"]),
    }
    return _form("contacts[merge_suggestion][0]", suggestion, data, base_url)


def _evidence(data: Mapping[str, Any]) -> dict[str, Any]:
    evidence = data["evidence"]
    fields = {name: evidence[name] for name in ("chat_id", "url") if name in evidence}
    if "opened_at" in evidence:
        fields["opened_at"] = _moment(evidence["opened_at"], data["time_zone"])
    return fields


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
    """Return the text, or the note's `params` as JSON if its type has some."""
    if data["note_type"] == NoteType.COMMON:
        return str(data["text"])
    if data["note_type"] == NoteType.SERVICE:
        params = {"service": SERVICE, "text": data["text"]}
        return json.dumps(params, ensure_ascii=False)
    params = {"url": data["url"]}
    if reasons.certainty(data["reason"]) == Certainty.UNSURE:
        params["text"] = _explain(data)
    return json.dumps(params, ensure_ascii=False)


def _moment(seconds: float, time_zone: str) -> str:
    moment = datetime.fromtimestamp(seconds, time_zones.get(time_zone))
    return moment.strftime("%Y-%m-%d %H:%M:%S")
