"""The original's form, key for key (contract §4)."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from shortlinks.domain.webhooks import bodies

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
    body = bodies.note_contact(
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
