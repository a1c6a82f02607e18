"""Headers of the cookie that identifies a browser on the short host."""

from typing import NamedTuple

from shortlinks.domain import cookie_headers
from shortlinks.domain.pixels import browser_ids
from shortlinks.domain.pixels.browser_ids import BrowserIds, SignedId

MAX_AGE = 34_560_000  # seconds; 400 days, the limit of browsers


class PixelCookie(NamedTuple):
    """A browser; `set_cookie` is a header to send, if the cookie is new or renewed."""

    sha256: str
    is_new: bool
    set_cookie: bytes | None


class PixelCookies:
    def __init__(self, ids: BrowserIds, *, https: bool, domain: str = "") -> None:
        self._ids = ids
        self.https = https
        # Browsers accept both prefixes only over https, and __Host- without a domain.
        prefix = ("__Secure-" if domain else "__Host-") if https else ""
        name = f"{prefix}slpx="
        self._prefix = name.encode()
        scope = f"Path=/; Domain={domain}" if domain else "Path=/"
        flags = "HttpOnly; SameSite=Lax; Secure" if https else "HttpOnly; SameSite=Lax"
        self._attributes = f"; {scope}; Max-Age={MAX_AGE}; {flags}".encode()
        self.delete_header = f"{name}; {scope}; Max-Age=0; {flags}".encode()

    def for_domain(self, domain: str) -> "PixelCookies":
        """Return cookies that browsers send to all hosts of this domain."""
        return PixelCookies(self._ids, https=self.https, domain=domain)

    def read_or_create(self, cookie_header: bytes | None) -> PixelCookie:
        """Return the browser's pixel or a new one; renew a cookie with an old key."""
        found = self._read(cookie_header)
        if found is not None:
            id_, is_current = found
            renewed = None if is_current else self._header(id_)
            return PixelCookie(
                browser_ids.sha256(id_), is_new=False, set_cookie=renewed
            )
        id_ = browser_ids.new()
        return PixelCookie(
            browser_ids.sha256(id_), is_new=True, set_cookie=self._header(id_)
        )

    def read(self, cookie_header: bytes | None) -> str | None:
        """Return the hash that names the browser, if its cookie is valid."""
        found = self._read(cookie_header)
        return None if found is None else browser_ids.sha256(found.id)

    def _read(self, cookie_header: bytes | None) -> SignedId | None:
        if cookie_header is None or self._prefix not in cookie_header:
            return None
        for value in cookie_headers.values(cookie_header, self._prefix):
            found = self._ids.verify(value)
            if found is not None:
                return found
        return None

    def _header(self, id_: bytes) -> bytes:
        return self._prefix + self._ids.sign(id_).encode() + self._attributes
