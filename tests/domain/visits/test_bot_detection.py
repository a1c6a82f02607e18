"""Which visits count as a person's (docs/what-counts-as-an-open.md)."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from shortlinks.domain.known_networks import Owner, owner
from shortlinks.domain.visits import user_agents
from shortlinks.domain.visits.bot_detection import (
    Classification,
    RequestFacts,
    classify,
)
from tests.factories import CHROME

ROOT = Path(__file__).parents[3]
OPENS = (ROOT / "docs" / "what-counts-as-an-open.md").read_text()
SAMPLE = Path(__file__).parents[2] / "data" / "user_agents.tsv"
# Bots with the user agent of a real browser; other facts must identify them.
GENUINE = ("Discord image fetcher", "Mail-gateway sandbox imitating Chrome")


def sample() -> list[dict[str, str]]:
    with SAMPLE.open() as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if not row["source"].startswith(GENUINE)]


@pytest.mark.parametrize("row", sample(), ids=lambda row: row["source"])
def test_user_agents_of_the_sample_are_classified(row: dict[str, str]) -> None:
    is_person = user_agents.classify(row["user_agent"]) == "person"

    assert is_person == (row["kind"] == "human")


def test_sample_of_user_agents_is_complete() -> None:
    assert len(sample()) == 55


PHONE = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) "
WEBVIEW = PHONE + "Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    "model", ["CUBOT J9", "XBot", "Spider 8", "M bot 51", "Moto G (4)"]
)
def test_phone_model_may_contain_names_of_bots(model: str) -> None:
    assert user_agents.classify(WEBVIEW.format(model)) == "person"


@pytest.mark.parametrize(
    "token",
    ["WhatsApp/2.24.20.85", "Viber/22.1", "VKAndroidApp/8.50-18000 (Android 13; x)",
     "OKAndroid/24.1 b1 OkApp", "Telegram-Android/11.5 (Samsung; Android 13)",
     "Instagram 300.0.0.1 Android (33/13; 480dpi; bot)", "YaSearchBrowser/25.1",
     "Telegram-Android/11.3.3 (Cubot Cubot Note 40; Android 13; SDK 33; AVERAGE)",
     "VKAndroidApp/8.50-1 (Android 13; SDK 33; arm64-v8a; CUBOT NOTE 40; ru)",
     "Viber/22.5.1.0 (CUBOT NOTE 40)", "Mail.ru/14.1 (Spider 8)", "Telegram-iOS/10.9",
     "Zalo android/12 (XBot)", "Outlook-Android/4.2", "MaxMessenger/25.1 (M bot 51)"],
)  # fmt: skip
def test_in_app_browser_is_a_person(token: str) -> None:
    assert user_agents.classify(f"{WEBVIEW.format('SM-A536E')} {token}") == "person"


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("", "bot"),
        ("x", "bot"),
        ("Mozilla/5.0", "bot"),
        ("curl/8.5.0", "bot"),
        ("WhatsApp/2.23.20.0", "preview"),
        ("TelegramBot (like TwitterBot)", "preview"),
        ("Viber/13.0 CFNetwork/1220.1 Darwin/20.3.0", "preview"),
        ("Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)", "preview"),
        ("Mozilla/5.0 (compatible; YandexBot/3.0)", "bot"),
        (f"{CHROME} SkypeUriPreview Preview/0.5", "preview"),
        (f"{CHROME} https://scanner.example/", "bot"),
        (f"{CHROME} HeadlessChrome/140", "bot"),
        ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", "person"),
        ("Opera/9.80 (Android; Opera Mini/36/191; U; ru) Presto/2.12", "person"),
    ],
)  # fmt: skip
def test_user_agent_is_classified_by_its_names(agent: str, kind: str) -> None:
    assert user_agents.classify(agent) == kind


CHROME_79 = CHROME.replace("Chrome/140", "Chrome/79")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/{} Mobile/15E148 Safari/604.1"
)
SAFE_LINKS = "eur02.safelinks.protection.outlook.com"
FULL: dict[str, Any] = {
    "is_https": True,
    "sec_fetch": "cross-site navigate document ?1",
    "accept_language": "ru",
}
SILENT = {"is_https": True, "sec_fetch": "", "accept_language": "ru"}


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param({}, "person", id="a browser"),
        pytest.param({"method": "HEAD"}, "head", id="head"),
        pytest.param({"purpose": "sec-purpose=prefetch"}, "prefetch", id="prefetch"),
        pytest.param({"user_agent": "TelegramBot (like x)"}, "preview", id="tg"),
        pytest.param({"user_agent": ""}, "bot", id="no agent"),
        pytest.param({"staff": "office"}, "staff", id="office"),
        pytest.param({"staff": "user 7"}, "staff", id="user"),
        pytest.param({"staff": "user 7", "method": "HEAD"}, "head", id="head first"),
        pytest.param({"staff": "user 7", "user_agent": ""}, "staff", id="staff first"),
        pytest.param({"network": owner("mimecast")}, "bot", id="scanner network"),
        pytest.param({"network": owner("telegram")}, "preview", id="preview network"),
        pytest.param(FULL | {"network": owner("aws")}, "suspect", id="data center"),
        pytest.param({"referer": SAFE_LINKS}, "suspect", id="gateway check"),
        pytest.param(
            {"referer": "urldefense.com", "accept_language": "ru"},
            "person",
            id="gateway page",
        ),
        pytest.param(FULL | {"referer": SAFE_LINKS}, "person", id="page over https"),
        pytest.param(
            SILENT | {"referer": SAFE_LINKS}, "suspect", id="page without headers"
        ),
        pytest.param({"referer": "noturldefense.com"}, "person", id="no gateway"),
        pytest.param({"referer": "web.telegram.org"}, "person", id="a messenger"),
        pytest.param(SILENT, "suspect", id="no fetch metadata"),
        pytest.param(SILENT | {"is_https": False}, "person", id="over http"),
        pytest.param(SILENT | {"user_agent": CHROME_79}, "person", id="too old"),
        pytest.param({"accepts_html": False}, "suspect", id="an image over http"),
        pytest.param(
            SILENT | {"user_agent": CHROME_79, "accepts_html": False},
            "suspect",
            id="an image in an old browser",
        ),
        pytest.param(
            FULL | {"accepts_html": False}, "person", id="Sec-Fetch decides alone"
        ),
        pytest.param({"accepts_html": False, "method": "HEAD"}, "head", id="any HEAD"),
        pytest.param(
            {"accepts_html": False, "user_agent": "WhatsApp/2.23.20.0"},
            "preview",
            id="any preview",
        ),
        pytest.param(
            {"accepts_html": False, "user_agent": "curl/8.5.0"}, "bot", id="any program"
        ),
        pytest.param({"is_mixed": True, "user_agent": ""}, "suspect", id="mixed"),
        pytest.param({"is_mixed": True, "staff": "user 7"}, "staff", id="mixed staff"),
        pytest.param(SILENT | {"user_agent": FIREFOX}, "suspect", id="Firefox"),
        pytest.param(
            SILENT | {"user_agent": SAFARI.format("16.4")}, "suspect", id="Safari"
        ),
        pytest.param(
            SILENT | {"user_agent": SAFARI.format("16.3")}, "person", id="old Safari"
        ),
        pytest.param(
            SILENT | {"sec_fetch": "none navigate document ?1"}, "person", id="full"
        ),
        pytest.param(
            SILENT | {"sec_fetch": "none navigate - ?1"}, "suspect", id="partial"
        ),
        pytest.param(
            {"is_https": True, "sec_fetch": "none navigate document ?1"},
            "suspect",
            id="no language",
        ),
    ],
)  # fmt: skip
def test_visit_is_classified_by_its_facts(facts: dict[str, Any], verdict: str) -> None:
    assert classify(RequestFacts(**{"user_agent": CHROME, **facts})).verdict == verdict


OFFICE = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0; Pro)"
SCANNER, CARDS, CLOUD = (
    Owner("scanner", "", "opens", "certain", ""),
    Owner("messenger", "", "previews", "certain", ""),
    Owner("cloud", "", "opens", "probable", ""),
)
# One request for each row of the table, without the burst and the person.
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("head", {"method": "HEAD"}),
    ("prefetch", {"purpose": "prefetch"}),
    ("staff", {"staff": "office"}),
    ("suspect", {"is_mixed": True}),
    ("preview", {"user_agent": "TelegramBot (like TwitterBot)"}),
    ("bot", {"user_agent": "curl/8.5.0"}),
    ("bot", {"sec_fetch": "cross-site no-cors image ?0"}),
    ("preview", {"network": CARDS}),
    ("bot", {"network": SCANNER}),
    ("suspect", {"user_agent": OFFICE}),
    ("suspect", {"is_https": True, "accept_language": ""}),
    ("suspect", {"accepts_html": False, "sec_fetch": ""}),
    ("suspect", {"sec_fetch": "cross-site navigate iframe ?1"}),
    ("suspect", {"network": CLOUD}),
    ("suspect", {"referer": "eur01.safelinks.protection.outlook.com"}),
]


def classified(facts: dict[str, Any]) -> Classification:
    usual = {"user_agent": CHROME, "accept_language": "ru"}
    if "referer" in facts and "sec_fetch" not in facts:  # a browser sends both
        usual["accept_language"] = ""
    return classify(RequestFacts(**usual | facts))


def test_table_in_the_docs_has_the_rules_in_their_order() -> None:
    table, _, _ = OPENS.partition("## Navigations")
    rows = re.findall(r"^\| `(\w+)` \| .+ \|$", table, re.MULTILINE)

    assert rows == [verdict for verdict, _ in ROWS] + ["suspect", "person"]


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_first_rule_that_matches_decides(number: int) -> None:
    verdict, facts = ROWS[number]
    decided = classified(facts)

    assert decided.verdict == verdict
    for _, later in ROWS[number + 1 :]:
        if not facts.keys() & later.keys():
            assert classified(later | facts) == decided
