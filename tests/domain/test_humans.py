"""Who counts as a person (visits §2.2 and §2.3)."""

import csv
from pathlib import Path

import pytest

from shortlinks.domain import user_agents
from shortlinks.domain.humans import Facts, judge
from tests.factories import CHROME

SAMPLE = Path(__file__).parent.parent / "data" / "user_agents.tsv"
# Machines that send a genuine browser's user agent: other facts must tell them.
GENUINE = ("Discord image fetcher", "Mail-gateway sandbox imitating Chrome")


def sample() -> list[dict[str, str]]:
    with SAMPLE.open() as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if not row["source"].startswith(GENUINE)]


@pytest.mark.parametrize("row", sample(), ids=lambda row: row["source"])
def test_the_sample_gets_its_kinds(row: dict[str, str]) -> None:
    is_person = user_agents.kind(row["user_agent"]) == "person"

    assert is_person == (row["kind"] == "human")


def test_the_sample_is_all_there() -> None:
    assert len(sample()) == 55


PHONE = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) "
WEBVIEW = PHONE + "Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    "model", ["CUBOT J9", "XBot", "Spider 8", "M bot 51", "Moto G (4)"]
)
def test_a_phone_may_be_called_what_it_likes(model: str) -> None:
    assert user_agents.kind(WEBVIEW.format(model)) == "person"


@pytest.mark.parametrize(
    "token",
    ["WhatsApp/2.24.20.85", "Viber/22.1", "VKAndroidApp/8.50-18000 (Android 13; x)",
     "OKAndroid/24.1 b1 OkApp", "Telegram-Android/11.5 (Samsung; Android 13)",
     "Instagram 300.0.0.1 Android (33/13; 480dpi; bot)", "YaSearchBrowser/25.1"],
)  # fmt: skip
def test_an_apps_own_browser_is_a_persons(token: str) -> None:
    assert user_agents.kind(f"{WEBVIEW.format('SM-A536E')} {token}") == "person"


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
def test_an_agent_is_what_it_says_of_itself(agent: str, kind: str) -> None:
    assert user_agents.kind(agent) == kind


@pytest.mark.parametrize(
    ("method", "agent", "purpose", "verdict"),
    [
        ("GET", CHROME, "", "person"),
        ("HEAD", CHROME, "", "head"),
        ("GET", CHROME, "sec-purpose=prefetch", "prefetch"),
        ("GET", "TelegramBot (like TwitterBot)", "", "preview"),
        ("GET", "", "", "bot"),
    ],
)
def test_judges_by_the_facts(
    method: str, agent: str, purpose: str, verdict: str
) -> None:
    assert judge(Facts(method, agent, purpose)).verdict == verdict
