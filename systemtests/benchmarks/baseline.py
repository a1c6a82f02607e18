"""The baseline for redirects: an ASGI application that always answers 302.

It sends the same headers as a redirect; `redirects` compares them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

HEADERS = [
    (
        b"location",
        b"https://shop.example/sale/1000000?utm_source=crm&utm_medium=message",
    ),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; form-action 'none'; base-uri 'none';"
        b" frame-ancestors 'none'",
    ),
    (b"strict-transport-security", b"max-age=31536000"),  # of a host that is not ours
    (b"content-length", b"0"),
    (
        b"set-cookie",
        b"slpx=v1.k1.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA;"
        b" Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
    ),
]


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 302, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b""})
