"""Requests as people's browsers send them, from many addresses."""

import random
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

HOST = "go.bench.example"
# The most that are made; each code is asked for as often as any other.
REQUESTS = 20_000
ONE_IN_IPV6 = 4
IPV6_NETWORK = int(IPv6Address("2a02:6b8::"))

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


def requests(codes: Sequence[str]) -> Iterator[bytes]:
    """HTTP/1.1 requests in a random order that is the same each time."""
    chance = random.Random(1)  # noqa: S311  load, no secret
    asked = list(codes) * max(1, REQUESTS // len(codes))
    chance.shuffle(asked)
    for code in asked:
        headers = {
            "Host": HOST,
            "X-Forwarded-For": _address(chance),
            **chance.choice(BROWSERS),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        yield f"GET /{code} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


def _address(chance: random.Random) -> str:
    if chance.randrange(ONE_IN_IPV6) == 0:
        return str(IPv6Address(IPV6_NETWORK + chance.getrandbits(90)))
    return str(IPv4Address(IPv4Address("46.0.0.0") + chance.getrandbits(24)))
