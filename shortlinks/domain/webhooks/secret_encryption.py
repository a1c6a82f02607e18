"""Encryption of the webhooks' signing secrets in the database.

A secret is stored as `kid:ciphertext`, so the keys that are still needed are known.
"""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet
from django.conf import settings

SECRET_BYTES = 32
PREFIX = "whsec_"  # required by Standard Webhooks


def new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypt(secret: str) -> str:
    kid = next(iter(settings.WEBHOOK_KEYS))
    return f"{kid}:{_fernet(kid).encrypt(secret.encode()).decode()}"


def decrypt(encrypted: str) -> str:
    """Return the secret.

    Raise KeyError if its key is missing, InvalidToken if another key encrypted it.
    """
    kid, _, ciphertext = encrypted.partition(":")
    return _fernet(kid).decrypt(ciphertext.encode()).decode()


def reencrypt(encrypted: str) -> str | None:
    """Return the secret encrypted with the newest key.

    Return None if it is already, or if its key is missing.
    """
    _, *older = settings.WEBHOOK_KEYS
    kid = encrypted.partition(":")[0]
    return encrypt(decrypt(encrypted)) if kid in older else None


def _fernet(kid: str) -> Fernet:
    key = hashlib.sha256(settings.WEBHOOK_KEYS[kid]).digest()
    return Fernet(base64.urlsafe_b64encode(key))
