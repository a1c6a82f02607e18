"""Device names from user agents."""

import json

import pytest
from django.db import connection

from shortlinks.domain import devices
from tests.factories import CHROME

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)
YANDEX = (
    "Mozilla/5.0 (Linux; arm_64; Android 14; SM-A536E) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/140.0.0.0 YaBrowser/25.8.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "names"),
    [
        (CHROME, ["Windows", "Chrome"]),
        (IPHONE, ["iPhone", "Safari"]),
        (YANDEX, ["Android", "Yandex Browser"]),
        (CHROME + " Edg/140.0.0.0", ["Windows", "Edge"]),
        ("", []),
        ("curl/8.5", []),
    ],
    ids=["chrome", "iphone", "yandex", "edge", "none", "program"],
)
def test_device_names_are_found_in_the_user_agent(
    user_agent: str, names: list[str]
) -> None:
    assert devices.names(user_agent) == names


@pytest.mark.django_db
@pytest.mark.parametrize("words", [devices.SYSTEMS, devices.BROWSERS])
def test_database_finds_the_same_names(words: list[tuple[str, str]]) -> None:
    agents = [f"Mozilla/5.0 {word} 1" for word, _ in words] + ["curl"]
    query = f"SELECT {devices.sql('agent')} FROM unnest(%s::text[]) AS agent"  # noqa: S608

    with connection.cursor() as cursor:
        cursor.execute(query, [agents])
        found = [json.loads(row) for (row,) in cursor.fetchall()]

    names = [[name for name in each.values() if name] for each in found]
    assert names == [devices.names(agent) for agent in agents]
