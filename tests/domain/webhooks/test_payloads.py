"""Request bodies of webhooks, key by key, as docs/contract.md specifies them."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from shortlinks.domain.webhooks import payloads

NOTE_DATA: dict[str, Any] = {
    "note_id": 7422564,
    "note_type": "link_followed",
    "url": "https://shop.example/каталог?a=1&b=[2]",
    "text": "",
    "created_by": None,
    "created_at": 1795435200.75,
    "updated_at": 1795435261.0,
    "entity_id": 11070881,
    "group_id": None,
    "responsible_user_id": 42,
    "account_id": 123,
    "subdomain": "shop",
    "time_zone": "Europe/Moscow",
    "language": "ru",
    "reason": "browser",
    "link_age": 3600.5,
}


def form(**changed: object) -> dict[str, str]:
    body = payloads.note_contact(
        {**NOTE_DATA, **changed}, base_url="https://links.shop.example"
    )
    assert body.isascii()
    return dict(parse_qsl(body, strict_parsing=True))


def test_open_is_rendered_as_amocrm_does() -> None:
    note = "contacts[note][0][note]"

    assert form() == {
        "account[id]": "123",
        "account[subdomain]": "shop",
        "account[_links][self]": "https://links.shop.example",
        f"{note}[id]": "7422564",
        f"{note}[element_id]": "11070881",
        f"{note}[element_type]": "1",
        f"{note}[note_type]": "59",
        f"{note}[text]": '{"url": "https://shop.example/каталог?a=1&b=[2]"}',
        f"{note}[main_user_id]": "42",
        f"{note}[created_by]": "0",
        f"{note}[modified_by]": "0",
        f"{note}[group_id]": "0",
        f"{note}[account_id]": "123",
        f"{note}[date_create]": "2026-11-23 15:00:00",
        f"{note}[timestamp_x]": "2026-11-23 15:01:01",
        f"{note}[certainty]": "certain",
        f"{note}[reason]": "browser",
        f"{note}[explanation]": "Открыто в браузере.",
    }


def test_unsure_open_says_why_in_the_language_of_the_account() -> None:
    fields = form(
        reason="data center: aws; counted by policy", link_age=1.5, language="en"
    )

    why = (
        "Opened from a data center (Amazon Web Services). Perhaps it was not a person."
        " The link was 1 second old."
    )
    note = "contacts[note][0][note]"
    assert json.loads(fields[f"{note}[text]"]) == {"url": NOTE_DATA["url"], "text": why}
    assert fields[f"{note}[explanation]"] == why
    assert fields[f"{note}[certainty]"] == "unsure"


def test_withdrawal_has_the_new_reason() -> None:
    data = {**NOTE_DATA, "reason": "part of a burst", "language": "en"}

    body = payloads.withdraw_note(data, base_url="https://links.shop.example")

    note = "contacts[withdrawn_note][0][note]"
    assert dict(parse_qsl(body, strict_parsing=True)) == {
        "account[id]": "123",
        "account[subdomain]": "shop",
        "account[_links][self]": "https://links.shop.example",
        f"{note}[id]": "7422564",
        f"{note}[element_id]": "11070881",
        f"{note}[url]": NOTE_DATA["url"],
        f"{note}[certainty]": "unsure",
        f"{note}[reason]": "part of a burst",
        f"{note}[explanation]": "Several links were opened within seconds.",
        f"{note}[date_create]": "2026-11-23 15:00:00",
    }


def test_text_of_a_common_note_is_not_json() -> None:
    fields = form(note_type="common", text="Called back", created_by=42, group_id=3)

    note = "contacts[note][0][note]"
    assert fields[f"{note}[note_type]"] == "4"
    assert fields[f"{note}[text]"] == "Called back"
    assert (fields[f"{note}[created_by]"], fields[f"{note}[group_id]"]) == ("42", "3")


@pytest.mark.parametrize("name", ["Nowhere/Nothing", ""])
def test_times_are_in_utc_if_the_zone_is_unknown(name: str) -> None:
    fields = form(time_zone=name)

    assert fields["contacts[note][0][note][date_create]"] == "2026-11-23 12:00:00"


MERGED: dict[str, Any] = {
    **NOTE_DATA,
    "merge_id": 7,
    "suggestion_id": 8,
    "rule": "R3",
    "contacts": [11070881, 4503599627370497],
    "evidence": {
        "pixel_id": 3,
        "chat_id": 12,
        "url": "https://shop.example/sale",
        "opened_at": 1795435200,
    },
    "by": None,
    "at": 1795435261.5,
}


def test_merge_names_both_contacts_and_the_evidence() -> None:
    body = payloads.merge_contact(MERGED, base_url="https://links.example")

    parsed = dict(parse_qsl(body, strict_parsing=True))
    merge = "contacts[merge][0][merge]"
    assert {key: value for key, value in parsed.items() if "merge" in key} == {
        f"{merge}[id]": "7",
        f"{merge}[rule]": "R3",
        f"{merge}[element_id]": "11070881",
        f"{merge}[merged_id]": "4503599627370497",
        f"{merge}[chat_id]": "12",
        f"{merge}[url]": "https://shop.example/sale",
        f"{merge}[opened_at]": "2026-11-23 15:00:00",
        f"{merge}[created_by]": "0",
        f"{merge}[date_create]": "2026-11-23 15:01:01",
    }
    assert parsed["account[id]"] == "123"


def test_suggestion_names_both_contacts() -> None:
    suggested = MERGED | {"evidence": {}}

    body = payloads.suggest_merge(suggested, base_url="https://x")

    parsed = dict(parse_qsl(body, strict_parsing=True))
    suggestion = "contacts[merge_suggestion][0]"
    assert {k: v for k, v in parsed.items() if k.startswith("contacts")} == {
        f"{suggestion}[id]": "8",
        f"{suggestion}[rule]": "R3",
        f"{suggestion}[element_id]": "11070881",
        f"{suggestion}[other_id]": "4503599627370497",
        f"{suggestion}[date_create]": "2026-11-23 15:01:01",
    }


def test_closed_suggestion_has_its_state() -> None:
    closed = MERGED | {"state": "rejected", "merge_id": None, "by": 42}

    body = payloads.close_suggestion(closed, base_url="https://x")

    parsed = dict(parse_qsl(body, strict_parsing=True))
    suggestion = "contacts[merge_suggestion][0]"
    assert {k: v for k, v in parsed.items() if k.startswith("contacts")} == {
        f"{suggestion}[id]": "8",
        f"{suggestion}[rule]": "R3",
        f"{suggestion}[element_id]": "11070881",
        f"{suggestion}[other_id]": "4503599627370497",
        f"{suggestion}[state]": "rejected",
        f"{suggestion}[merge_id]": "0",
        f"{suggestion}[modified_by]": "42",
        f"{suggestion}[date_create]": "2026-11-23 15:01:01",
    }


def test_service_note_is_a_service_message() -> None:
    fields = form(note_type="service_message", text="Chat #12 joined.")

    note = "contacts[note][0][note]"
    assert fields[f"{note}[note_type]"] == "25"
    assert (
        fields[f"{note}[text]"]
        == '{"service": "shortlinks", "text": "Chat #12 joined."}'
    )
