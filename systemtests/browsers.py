"""Headers of common browsers when a person opens a link."""

import re

CHROMIUM_ACCEPT = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
CHROMIUM_BRANDS = '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"'
PLAIN_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


def _chromium(system: str, agent: str, *, mobile: int, language: str) -> dict[str, str]:
    return {
        "sec-ch-ua": CHROMIUM_BRANDS,
        "sec-ch-ua-mobile": f"?{mobile}",
        "sec-ch-ua-platform": f'"{system}"',
        "Upgrade-Insecure-Requests": "1",
        "User-Agent": agent,
        "Accept": CHROMIUM_ACCEPT,
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
        "Sec-Fetch-Dest": "document",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": language,
    }


def _other(agent: str, *, language: str) -> dict[str, str]:
    return {
        "User-Agent": agent,
        "Accept": PLAIN_ACCEPT,
        "Accept-Language": language,
        "Accept-Encoding": "gzip, deflate, br",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-User": "?1",
    }


BROWSERS = (
    _chromium(
        "Android",
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile"
        " Safari/537.36",
        mobile=1,
        language="ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7",
    ),
    _other(
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {IOS_WEBKIT}"
        " Version/26.1 Mobile/15E148 Safari/604.1",
        language="ru",
    ),
    _chromium(
        "Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0"
        " Safari/537.36",
        mobile=0,
        language="ru-RU,ru;q=0.9",
    ),
    _chromium(
        "Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0"
        " YaBrowser/25.10.0.0 Safari/537.36",
        mobile=0,
        language="ru,en;q=0.9",
    ),
    _chromium(
        "Android",
        f"Mozilla/5.0 (Linux; Android 15; SM-S921B) {WEBKIT} SamsungBrowser/29.0"
        " Chrome/136.0.0.0 Mobile Safari/537.36",
        mobile=1,
        language="ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7",
    ),
    _other(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101"
        " Firefox/145.0",
        language="ru-RU,ru;q=0.8,en-US;q=0.5,en;q=0.3",
    ),
    _other(
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS_WEBKIT}"
        " Version/26.1 Safari/605.1.15",
        language="en-GB,en;q=0.9",
    ),
)
VERSION = re.compile(r"((?:Chrome|Version|Firefox)/\d+)\.\d+")


def headers_of(person: int) -> dict[str, str]:
    """Return a browser's headers, with a version that only this person has."""
    headers = BROWSERS[person % len(BROWSERS)]
    agent = VERSION.sub(rf"\1.{person}", headers["User-Agent"], count=1)
    return {**headers, "User-Agent": agent}
