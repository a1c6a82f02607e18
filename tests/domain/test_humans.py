"""A GET is a person's unless it says otherwise; issue 3 makes this judgement good."""

import pytest

from shortlinks.domain.humans import Facts, judge
from tests.factories import CHROME

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)


@pytest.mark.parametrize(
    ("method", "agent", "purpose", "verdict"),
    [
        ("GET", CHROME, "", "person"),
        ("GET", IPHONE, "", "person"),
        ("HEAD", CHROME, "", "head"),
        ("GET", CHROME, "sec-purpose=prefetch", "prefetch"),
        ("GET", "", "", "bot"),
        ("GET", "x", "", "bot"),
        ("GET", "curl/8.5.0", "", "bot"),
        ("GET", "TelegramBot (like TwitterBot)", "", "bot"),
        ("GET", "WhatsApp/2.23.20.0", "", "bot"),
        ("GET", "facebookexternalhit/1.1", "", "bot"),
        ("GET", "Mozilla/5.0 (compatible; YandexBot/3.0)", "", "preview"),
        ("GET", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/)", "", "preview"),
        ("GET", f"{CHROME} SkypeUriPreview Preview/0.5", "", "preview"),
        ("GET", CHROME.replace("Windows NT 10.0", "Linux; Android 11; CUBOT J9"), "",
         "person"),
    ],
)  # fmt: skip
def test_judges_by_the_facts(
    method: str, agent: str, purpose: str, verdict: str
) -> None:
    assert judge(Facts(method, agent, purpose)).verdict == verdict
