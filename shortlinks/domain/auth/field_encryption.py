"""Encryption of secrets in the database that the service has to read again.

The key is derived from SECRET_KEY. Secrets that an older key encrypted stay readable as
long as it is in SECRET_KEY_FALLBACKS.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

PURPOSE = b"shortlinks fields"


def encrypt(text: str) -> str:
    return _fernets().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Return the text, or raise cryptography's InvalidToken if no key fits."""
    return _fernets().decrypt(encrypted.encode()).decode()


def reencrypt(encrypted: str) -> str | None:
    """Return the text encrypted with SECRET_KEY, or None.

    None means that it is already, or that no key fits.
    """
    if _is_current(encrypted):
        return None
    try:
        return encrypt(decrypt(encrypted))
    except InvalidToken:
        return None


def _is_current(encrypted: str) -> bool:
    try:
        _fernet(settings.SECRET_KEY).decrypt(encrypted.encode())
    except InvalidToken:
        return False
    return True


def _fernets() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([_fernet(key) for key in keys])


def _fernet(key: str) -> Fernet:
    digest = hashlib.blake2b(PURPOSE, key=hashlib.sha512(key.encode()).digest())
    return Fernet(base64.urlsafe_b64encode(digest.digest()[:32]))
