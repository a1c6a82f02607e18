"""Signed ids of browsers, the values of pixel cookies."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import NamedTuple

VERSION = "v1"
ID_BYTES = 16
MAC_BYTES = 16


class SignedId(NamedTuple):
    """An id; `is_current` if the newest key has signed it."""

    id: bytes
    is_current: bool


class BrowserIds:
    """A signer that uses the newest key, and verifies with all keys."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self._newest = next(iter(keys))

    def sign(self, id_: bytes) -> str:
        signed = f"{VERSION}.{self._newest}.{_base64(id_)}"
        return f"{signed}.{_base64(_mac(self._keys[self._newest], signed))}"

    def verify(self, value: bytes) -> SignedId | None:
        """Return the id, or None if the value is forged."""
        try:
            version, kid, id_text, mac_text = value.decode("ascii").split(".")
            id_, mac = _unbase64(id_text), _unbase64(mac_text)
        except (ValueError, binascii.Error):
            return None
        key = self._keys.get(kid)
        if version != VERSION or key is None or len(id_) != ID_BYTES:
            return None
        expected = _mac(key, f"{VERSION}.{kid}.{id_text}")
        if not hmac.compare_digest(mac, expected):
            return None
        return SignedId(id_, is_current=kid == self._newest)


def new() -> bytes:
    return os.urandom(ID_BYTES)


def sha256(id_: bytes) -> str:
    """Return the hash that names the browser; the id itself is never stored."""
    return hashlib.sha256(id_).hexdigest()


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), "sha256")[:MAC_BYTES]


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
