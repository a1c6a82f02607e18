"""Senders are recognized by their user agents (docs/what-counts-as-an-open.md)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.known_networks import owner
from shortlinks.domain.visits import user_agent_names, user_agents
from shortlinks.domain.visits.bot_detection import RequestFacts, classify
from tests import crawler_names
from tests.factories import CHROME

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64{}) " + KHTML + " {}Safari/537.36"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7{}) " + KHTML + " {}Safari/537.36"
LINUX = "Mozilla/5.0 (X11; Linux x86_64{}) " + KHTML + " Chrome/133.0.0.0 {}"
IE = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; {})"
IE_11 = "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0{}) like Gecko{}"
ANDROID = "Mozilla/5.0 (Linux; Android 14; {}) " + KHTML + " Chrome/133.0.0.0 {}"
VIEW = ANDROID.format("SM-A556B", "Mobile Safari/537.36")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148 {}"
)


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (WINDOWS.format("", "Chrome/133.0.0.0 "), "person"),
        (IE.format("SLCC2; .NET CLR 3.5.30729; InfoPath.2"), "person"),
        (IE_11.format("", ""), "person"),
        (IE.format("EmbeddedWB 14.5 from: http://www.bsalsa.com/"), "person"),
        # Names within the comment of a desktop.
        (WINDOWS.format("; BingPreview/1.0b", "Chrome/80.0 "), "preview"),
        (IE.format("BingPreview/1.0b"), "preview"),
        (IE_11.format("; BingPreview/1.0b", ""), "preview"),
        (IE_11.format("", " BingPreview/1.0b"), "preview"),
        (MAC.format("; Netcraft", "Chrome/90.0 "), "bot"),
        (IE.format("Netcraft Web Server Survey"), "bot"),
        (LINUX.format("; Storebot-Google/1.0", "Safari/537.36"), "bot"),
        (ANDROID.format("Pixel 7 Build/X1; Storebot-Google/1.0", "Mobile "), "bot"),
        (LINUX.format("; Catchpoint", "Safari/537.36"), "bot"),
        (LINUX.format("; Splunk Synthetics", "Safari/537.36"), "bot"),
        (WINDOWS.format("; GomezAgent 3.0", "Chrome/75.0 "), "bot"),
        (IE.format("https://monitor.example/about"), "bot"),
        (IE.format("some robot"), "bot"),
        # Monitors and synthetic browsers.
        (LINUX.format("", "Safari/537.36 DatadogSynthetics"), "bot"),
        (LINUX.format("", "Safari/537.36 NewRelicSynthetics/2.1"), "bot"),
        (LINUX.format("", "Safari/537.36 RuxitSynthetic/1.0 v31"), "bot"),
        (LINUX.format("", "Safari/537.36 Elastic/Synthetics"), "bot"),
        (MAC.format("", "Chrome/120.0 ") + " (ThousandEyes Agent)", "bot"),
        (MAC.format("", "Chrome/120.0 ") + " Site24x7", "bot"),
        # Translators request pages themselves.
        (WINDOWS.format("", "Chrome/90.0 ") + " Yandex.Translate", "bot"),
        (WINDOWS.format("", "Chrome/90.0 ") + " (translate.google.com)", "bot"),
        (WINDOWS.format("", "Chrome/90.0 ") + " Google-Translate", "bot"),
        # Office, before the browser.
        (IE.format("ms-office"), "office"),
        (IE.format("Microsoft Outlook 16.0.5; ms-office; MSOffice 16"), "office"),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", "office"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Excel 16.0)", "office"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Word/16.70.0", "office"),
        ("MacOutlook/16.90.0 (Intelx64 Mac OS X Version 14.6)", "office"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Excel/15.33.0", "office"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) PowerPoint/16.81", "office"),
        # Desktop apps request links for cards; browsers are browsers.
        (WINDOWS.format("", "WhatsApp/2.3 Chrome/108.0 Electron/22.0 "), "preview"),
        (MAC.format("", "Slack/4.41 Chrome/130.0 Electron/33.0 "), "preview"),
        (MAC.format("", "Signal/7.40 Chrome/130.0 Electron/33.0 "), "preview"),
        (WINDOWS.format("", "Teams/1.6 Chrome/96.0 Electron/16.0 "), "suspect"),
        (WINDOWS.format("", "notepad/3.2 Chrome/96.0 Electron/16.0 "), "suspect"),
        (WINDOWS.format("", "brave/0.9 Chrome/58.0 Electron/1.7 "), "person"),
        (WINDOWS.format("", "browser/1 Chrome/96.0 Electron/16.0 ") + " PingdomTMS/1",
         "bot"),
        # Browsers of people.
        ("[FBAN/FB4A;FBAV/501.0.0.1;FBDM/{density=2.0};FBSV/14;FBOP/1;]", "person"),
        ("[FBAN/EMA;FBLC/ru_RU;FBAV/411.0.0.6.108;FBDM/DisplayMetrics{x=1}]", "person"),
        ("[FBAN/FB4A;FBAV/501.0.0.1] facebookexternalhit/1.1", "preview"),
        (f"{VIEW} CamScanner/6.50.1", "person"),
        (f"{VIEW} Phantom/android/25.1.0", "person"),
        (IPHONE.format("Phantom/ios/25.1.0"), "person"),
        (f"Mozilla/5.0 (phone; OpenHarmony 5.0) {KHTML} Chrome/114.0 Mobile", "person"),
        (f"Mozilla/5.0 (tablet; OpenHarmony 5.0) {KHTML} Chrome/114.0", "person"),
        ("Mozilla/5.0 (Maemo; Linux; U; Jolla; Sailfish; Mobile; rv:91.0) Gecko/91.0"
         " Firefox/91.0 SailfishBrowser/1.0", "person"),
        (WINDOWS.format("", "Chrome/120.0 ")
         + " ||| ReqID: 8 | Initiator: https://shop.example", "person"),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.5/191.2; U; ru) Presto/2.12", "person"),
        ("Opera/9.80 (MAUI Runtime; Opera Mini/4.4/37; U; en) Presto/2", "person"),
        ("Opera/9.80 (SpreadTrum; Opera Mini/4.4/60.1; U; ru) Presto/2.12", "person"),
        ("UCWEB/2.0 (MIDP-2.0; U; Adr 4.4; ru; H60) U2/1 UCBrowser/10", "person"),
        ("Mozilla/5.0 (BlackBerry; U; BlackBerry 9800; ru) AppleWebKit/534.8+"
         " (KHTML, like Gecko) Version/6.0 Mobile Safari/534.8+", "person"),
        ("BlackBerry8520/5.0.0.681 Profile/MIDP-2.1 Configuration/CLDC-1.1", "person"),
        ("Nokia6300/2.0 (07.21) Profile/MIDP-2.0 Configuration/CLDC-1.1", "person"),
        ("Mozilla/5.0 (SymbianOS/9.3; Series60/3.2 NokiaE72-1/31.0; Profile/MIDP-2.1)"
         " AppleWebKit/525 (KHTML, like Gecko) Version/3.0 BrowserNG/7.1", "person"),
        ("Mozilla/5.0 (DirectFB; Linux; ru) AppleWebKit/531.2 (KHTML, like Gecko)"
         " Safari/531.2 LG Browser/4.1.4(+3D+SCREEN+TUNER; LGE; 42LW; 1)", "person"),
        # Without parentheses, with an open one, or behind another name.
        ("Mozilla/5.0 Linux; Android 9; CUBOT X9 AppleWebKit/537.36 KHTML, like Gecko"
         " Chrome/90.0 Mobile Safari/537.36", "person"),
        ("Mozilla/5.0 iPhone; CPU iPhone OS 15_0 like Mac OS X AppleWebKit/605.1.15"
         " KHTML, like Gecko Version/15.0 Mobile/15E148 Safari/604.1", "person"),
        ("Mozilla/5.0 Linux; Android 9; Pixel AppleWebKit/537.36 KHTML, like Gecko"
         " Chrome/90.0 Mobile Safari/537.36 (compatible; SomeBot/1.0)", "bot"),
        (f"Mozilla/5.0 (Linux; Android 12; Play (4 {KHTML} Chrome/99.0 Mobile", "bot"),
        (f"Mozilla/5.0 (Linux; Android 12; Play (4) {KHTML} Chrome/99.0", "person"),
        (f"Home Browser/2.0 {VIEW}", "person"),
        (f"MOT-XT1/{VIEW}", "person"),
        (VIEW.removeprefix("M"), "person"),
        (VIEW.replace("Mozilla/5.0", "Mozilla 5.0"), "person"),
        (VIEW.replace("Mozilla/5.0", "Mozilla/6.0"), "person"),
        (f"LinkChecker/2.0 {VIEW}", "bot"),
        (f"TelegramBot {VIEW}", "preview"),
        (f"Thumbor/6.7.5, {VIEW}", "bot"),
        (f"Anonymous, {VIEW}", "bot"),
        (f"iphone|{VIEW}", "bot"),
        (f"Home Browser/2.0 {WINDOWS.format('', 'Chrome/120.0 ')}", "bot"),
        ("Ulcool_V1/1.0 Linux/3.0.13 Android/4.2 Release/02.15.2013"
         " Browser/AppleWebKit534.30 Mobile Safari/534.30", "person"),
        ("PHILIPS-E1/1.0 Linux/3.0 Android/4.2 Browser/WebKit MonitorBot/1", "bot"),
        ("Explay_B2/1.0 Profile/MIDP-2.0 Configuration/CLDC-1.1", "person"),
        ("SIE-S7/12 UP.Browser/7.0.2.2 (GUI) MMP/2.0 Profile/MIDP-2.0", "person"),
        ("MAXVI_C3 (MRE/3.1.00;MAUI/MAXVI_C3_V1;WAP Browser/MAUI)", "person"),
        # Programs and background requests of phones.
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-A546B Build/TP1A)", "bot"),
        ("Safari/18619.1 CFNetwork/1494.0.7 Darwin/23.4.0", "bot"),
        ("iPhone15", "bot"),
        # A word within the name of an unknown app proves nothing.
        (f"{VIEW} HouseScanner/3.1", "suspect"),
        (IPHONE.format("MyFeedFetch/7"), "suspect"),
        (f"{VIEW} PhotoPreviews/2.0", "suspect"),
        (f"{VIEW} WhatsAppBusiness/2.25", "suspect"),
        (f"{VIEW} BingPreview/1.0b", "preview"),
        (f"{VIEW} (compatible; HouseScanner/3.1)", "bot"),
        # A crawler's own name does.
        (IPHONE.format("Safari/604.1 (Applebot/0.1)"), "bot"),
        (IPHONE.format("Safari/604.1;360Spider"), "bot"),
        (IPHONE.format("Safari/9537.53 MsnBot-Media /1.0b"), "bot"),
        (IPHONE.format("Safari/604.1 (GoogleBot)"), "bot"),
        (f"{VIEW} SyntheticsAgent/1670084315573", "bot"),
        (f"{VIEW} HouseScanner/3.1 (+https://scanner.example)", "bot"),
        (WINDOWS.format("", "Chrome/120.0 ") + " HouseScanner/3.1", "bot"),
        # Programs that look like browsers.
        ("Nokia6300/2.0 Profile/MIDP-2.0 (compatible; Googlebot-Mobile/2.1)", "bot"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64", "bot"),
    ],
)  # fmt: skip
def test_user_agent_is_read_as_it_is_written(agent: str, kind: str) -> None:
    assert user_agents.classify(agent) == kind


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        (IE.format("ms-office"), "office user agent"),
        (f"{VIEW} HouseScanner/3.1", "unclear user agent"),
    ],
)
def test_unclear_user_agent_is_a_suspect(agent: str, reason: str) -> None:
    found = classify(RequestFacts(user_agent=agent))

    assert (found.verdict, found.reason) == ("suspect", reason)


def test_other_facts_may_show_that_an_unclear_user_agent_is_a_programs() -> None:
    office = IE.format("ms-office")

    assert classify(RequestFacts(user_agent=office, network=owner("mimecast"))) == (
        classify(RequestFacts(user_agent=CHROME, network=owner("mimecast")))
    )
    assert (
        classify(
            RequestFacts(user_agent=office, sec_fetch="cross-site no-cors image -")
        ).verdict
        == "bot"
    )


MODELS = st.one_of(
    st.sampled_from(["CUBOT KINGKONG 7", "X-Bot", "Spider Pro", "Crawler 5", "Expanse",
                     "Preview P1", "Scanner/7", "Monitor.ai", "curl 3"]),
    st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789 -_+/.", min_size=1),
)  # fmt: skip
COMMENTS = st.sampled_from(
    ["Linux; Android 13; {}", "Linux; U; Android 9; ru-ru; {} Build/PPR1.1",
     "Linux; Android 12; {} Build/SP1A.210812.016; wv", "Android 14; Mobile; {}",
     "Linux; arm_64; Android 13; {}", "Linux; Android 10; HarmonyOS; {}; HMSCore 6.4"]
)  # fmt: skip


@given(model=MODELS, comment=COMMENTS)
def test_phone_of_any_model_is_a_persons(model: str, comment: str) -> None:
    agent = (
        f"Mozilla/5.0 ({comment.format(model)}) {KHTML} Chrome/133.0 Mobile Safari/5"
    )

    assert user_agents.classify(agent) == "person"


LISTED = [
    *user_agent_names.read_names("bot"),
    *user_agent_names.read_names("preview"),
    *user_agent_names.read_crawlers(),
]


@pytest.mark.parametrize("desktop", [WINDOWS, MAC, LINUX], ids=["win", "mac", "x11"])
def test_every_listed_name_is_found_in_a_comment(desktop: str) -> None:
    agents = {name: desktop.format(f"; {name}", "Chrome/133.0.0.0 ") for name in LISTED}

    assert [
        name
        for name, agent in agents.items()
        if user_agents.classify(agent) in {"person", "suspect"}
    ] == []


def test_every_listed_name_is_found_behind_a_browser() -> None:
    browser = WINDOWS.format("", "Chrome/133.0.0.0 ")

    assert [
        name for name in LISTED if user_agents.classify(f"{browser} {name}") == "person"
    ] == []


def test_names_are_listed_once_with_a_source() -> None:
    lines = user_agent_names.NAMES_PATH.read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]

    assert all(len(row) == 3 and all(row) for row in rows)
    assert len({(kind, name.lower()) for kind, name, _ in rows}) == len(rows)
    assert {kind for kind, _, _ in rows} == {
        "app", "bot", "electron browser", "electron messenger", "not a crawler",
        "preview",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (r"[aA]cme\/", ["acme/"]),
        (r"Acme Tool|acmetool", ["acme tool", "acmetool"]),
        (r"^Acme", []),
        (r"Acme(One|Two)", []),
    ],
)
def test_patterns_of_crawlers_become_names(pattern: str, names: list[str]) -> None:
    assert crawler_names.literals(pattern) == names


def test_names_of_people_and_previews_are_not_selected() -> None:
    patterns = ["Silk/", "AcmePreview", "AcmeBot", "Acme Tool"]

    assert crawler_names.select(patterns) == {"acmebot", "acme tool"}


def test_apps_are_found_with_the_comment_that_follows() -> None:
    pattern = user_agent_names.compile_apps([r"\bAcme/\d+", r"\[Tool\]"])

    found = [
        pattern.sub("", text)
        for text in ("x Acme/1 y", "x acme/1 (phone; (y", "MyAcme/1", "x[Tool]y")
    ]

    assert found == ["x  y", "x (y", "MyAcme/1", "xy"]


def test_names_are_compared_as_whole_words() -> None:
    pattern = user_agent_names.compile_names(["acme", "acme/", "tool (x)"])

    found = [
        bool(pattern.search(text))
        for text in ("an acme", "acme1", "acmes", "macme", "acme/2", "a tool (x)y")
    ]

    assert found == [True, True, False, False, True, True]


def test_list_of_crawlers_has_its_licence() -> None:
    header = user_agent_names.CRAWLERS_PATH.read_text().split("\n")[:3]
    licence = user_agent_names.CRAWLERS_PATH.with_name("LICENSE.crawler-user-agents")

    assert re.search(r"MIT licence", " ".join(header))
    assert licence.read_text().startswith("The MIT License")
