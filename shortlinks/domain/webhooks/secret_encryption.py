"""The webhooks' signing secrets, which the database holds encrypted.

Stored as `kid:token`, so that it is seen which of WEBHOOK_KEYS is still needed.
"""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet
from django.conf import settings

SECRET_BYTES = 32
PREFIX = "whsec_"  # of Standard Webhooks


def new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypt(secret: str) -> str:
    kid = next(iter(settings.WEBHOOK_KEYS))
    return f"{kid}:{_fernet(kid).encrypt(secret.encode()).decode()}"


def decrypt(sealed: str) -> str:
    """The secret; KeyError if its key is gone, InvalidToken if it is another one."""
    kid, _, token = sealed.partition(":")
    return _fernet(kid).decrypt(token.encode()).decode()


def reencrypt(sealed: str) -> str | None:
    """By the newest key; None if it is already, or if its own key is gone."""
    _, *older = settings.WEBHOOK_KEYS
    return encrypt(decrypt(sealed)) if sealed.partition(":")[0] in older else None


def _fernet(kid: str) -> Fernet:
    key = hashlib.sha256(settings.WEBHOOK_KEYS[kid]).digest()
    return Fernet(base64.urlsafe_b64encode(key))
