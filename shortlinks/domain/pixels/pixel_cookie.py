"""The signed cookie that names a browser (pixel §1.3)."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import NamedTuple

VERSION = "v1"
MAX_AGE = 34_560_000  # seconds; 400 days, the most that browsers grant
ID_BYTES = 16
MAC_BYTES = 16


class PixelCookie(NamedTuple):
    """A browser: `set_cookie` is the header that makes it keep its name, if any."""

    sha256: str
    is_new: bool
    set_cookie: bytes | None


class PixelCookies:
    """Signs with the newest key, reads with all; what is forged reads as nothing."""

    def __init__(
        self, keys: Mapping[str, bytes], *, https: bool, domain: str = ""
    ) -> None:
        self._keys = dict(keys)
        self._newest = next(iter(keys))
        self.https = https
        # Browsers take either prefix over https alone, and __Host- without a domain.
        prefix = ("__Secure-" if domain else "__Host-") if https else ""
        self._name = f"{prefix}slpx"
        where = f"Path=/; Domain={domain}" if domain else "Path=/"
        rest = "HttpOnly; SameSite=Lax; Secure" if https else "HttpOnly; SameSite=Lax"
        self._attributes = f"{where}; Max-Age={MAX_AGE}; {rest}"
        self.gone = f"{self._name}=; {where}; Max-Age=0; {rest}".encode()
        self._prefix = f"{self._name}=".encode()

    def for_domain(self, domain: str) -> "PixelCookies":
        """The same, but sent to all hosts of this domain."""
        return PixelCookies(self._keys, https=self.https, domain=domain)

    def read(self, value: str) -> str | None:
        """The sha256 by which a cookie's value names a browser; None if forged."""
        found = self._verified(value.encode())
        return None if found is None else _sha256(found[1])

    def read_or_create(self, cookie_header: bytes | None) -> PixelCookie:
        """The browser's pixel, or a new one; an old key's cookie is signed anew."""
        if cookie_header is not None and self._prefix in cookie_header:
            found = self._read(cookie_header)
            if found is not None:
                kid, id_ = found
                renewed = None if kid == self._newest else self._header(id_)
                return PixelCookie(_sha256(id_), is_new=False, set_cookie=renewed)
        id_ = os.urandom(ID_BYTES)
        return PixelCookie(_sha256(id_), is_new=True, set_cookie=self._header(id_))

    def _read(self, cookie_header: bytes) -> tuple[str, bytes] | None:
        for part in cookie_header.split(b";"):
            pair = part.strip()
            if pair.startswith(self._prefix):
                found = self._verified(pair[len(self._prefix) :])
                if found is not None:  # one that another set may stand before ours
                    return found
        return None

    def _verified(self, value: bytes) -> tuple[str, bytes] | None:
        try:
            version, kid, id_text, mac_text = value.decode("ascii").split(".")
            id_, mac = _unbase64(id_text), _unbase64(mac_text)
        except (ValueError, binascii.Error):
            return None
        key = self._keys.get(kid)
        if version != VERSION or key is None or len(id_) != ID_BYTES:
            return None
        good = hmac.compare_digest(mac, _mac(key, f"{VERSION}.{kid}.{id_text}"))
        return (kid, id_) if good else None

    def _header(self, id_: bytes) -> bytes:
        signed = f"{VERSION}.{self._newest}.{_base64(id_)}"
        mac = _base64(_mac(self._keys[self._newest], signed))
        return f"{self._name}={signed}.{mac}; {self._attributes}".encode()


def _sha256(id_: bytes) -> str:
    return hashlib.sha256(id_).hexdigest()


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), "sha256")[:MAC_BYTES]


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
