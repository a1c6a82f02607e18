"""The original's form, key for key (contract §4)."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from shortlinks.domain.webhooks import payloads

FACTS: dict[str, Any] = {
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
}


def form(**changed: object) -> dict[str, str]:
    body = payloads.note_contact(
        {**FACTS, **changed}, base_url="https://links.shop.example"
    )
    assert body.isascii()
    return dict(parse_qsl(body, strict_parsing=True))


def test_an_open_reads_as_the_original_would_say_it() -> None:
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
    }


def test_the_text_of_a_note_is_bare() -> None:
    said = form(note_type="common", text="Called back", created_by=42, group_id=3)

    note = "contacts[note][0][note]"
    assert said[f"{note}[note_type]"] == "4"
    assert said[f"{note}[text]"] == "Called back"
    assert (said[f"{note}[created_by]"], said[f"{note}[group_id]"]) == ("42", "3")


@pytest.mark.parametrize("name", ["Nowhere/Nothing", ""])
def test_times_of_an_unknown_zone_are_utc(name: str) -> None:
    said = form(time_zone=name)

    assert said["contacts[note][0][note][date_create]"] == "2026-11-23 12:00:00"


MERGED: dict[str, Any] = {
    **FACTS,
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


def test_a_merge_says_who_and_why() -> None:
    body = payloads.render("merge_contact", MERGED, base_url="https://links.example")

    told = dict(parse_qsl(body, strict_parsing=True))
    merge = "contacts[merge][0][merge]"
    assert {key: value for key, value in told.items() if "merge" in key} == {
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
    assert told["account[id]"] == "123"


def test_a_suggestion_says_whom() -> None:
    suggested = MERGED | {"evidence": {}}

    body = payloads.render("suggest_merge_contact", suggested, base_url="https://x")

    told = dict(parse_qsl(body, strict_parsing=True))
    suggestion = "contacts[merge_suggestion][0]"
    assert {k: v for k, v in told.items() if k.startswith("contacts")} == {
        f"{suggestion}[id]": "8",
        f"{suggestion}[rule]": "R3",
        f"{suggestion}[element_id]": "11070881",
        f"{suggestion}[other_id]": "4503599627370497",
        f"{suggestion}[date_create]": "2026-11-23 15:01:01",
    }


def test_what_the_service_did_is_a_service_message() -> None:
    said = form(note_type="service_message", text="Chat #12 joined.")

    note = "contacts[note][0][note]"
    assert said[f"{note}[note_type]"] == "25"
    assert (
        said[f"{note}[text]"] == '{"service": "shortlinks", "text": "Chat #12 joined."}'
    )
