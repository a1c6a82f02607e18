"""Click tokens, one for each open of a link to a connected site.

`b64url(kid | expiry | visit id | MAC)` names no person, browser or link, and can be
redeemed once.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus
from uuid import UUID

PARAMETER = "_sl"
TTL_SECONDS = 180
MAC_BYTES = 16
MAX_TOKEN_LENGTH = 200
# The keys also sign cookies, which must not be valid as tokens.
CONTEXT = b"shortlinks click v1\0"


class Click(NamedTuple):
    visit_id: UUID
    expires_at: int


class ClickTokens:
    """A signer that uses the newest key, and verifies with all keys."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        kid = next(iter(keys))
        self._newest = keys[kid]
        self._head = bytes([len(kid)]) + kid.encode()

    def issue(self, visit_id: str, now: float) -> str:
        expires_at = (int(now) + TTL_SECONDS).to_bytes(4, "big")
        signed = b"".join((self._head, expires_at, UUID(visit_id).bytes))
        token = base64.urlsafe_b64encode(signed + _mac(self._newest, signed))
        return token.rstrip(b"=").decode()

    def read(self, token: str) -> Click | None:
        """Return the click, even if it has expired, or None if the token is forged."""
        try:
            raw = _unbase64(token[:MAX_TOKEN_LENGTH])
            kid = raw[1 : 1 + raw[0]].decode("ascii")
        except (ValueError, IndexError, binascii.Error):
            return None
        key = self._keys.get(kid)
        signed, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        payload = signed[1 + len(kid) :]
        if key is None or len(payload) != 4 + 16:
            return None
        if not hmac.compare_digest(mac, _mac(key, signed)):
            return None
        return Click(UUID(bytes=payload[4:]), int.from_bytes(payload[:4], "big"))


def append_to_url(target: str, token: str) -> str:
    """Return the target with the token in its query, replacing any other token.

    The rest of the target stays the same, byte for byte.
    """
    whole, hash_, fragment = target.partition("#")
    address, _, query = whole.partition("?")
    own = [p for p in query.split("&") if not is_token_param(p)] if query else []
    pairs = "&".join([*own, f"{PARAMETER}={token}"])
    return f"{address}?{pairs}{hash_}{fragment}"


def is_token_param(pair: str) -> bool:
    return unquote_plus(pair.partition("=")[0]) == PARAMETER


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, CONTEXT + signed, "sha256")[:MAC_BYTES]


def _unbase64(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
