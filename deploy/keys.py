"""Secrets of the service and passwords of the stores, created on the first start."""

import secrets
from pathlib import Path

from deploy import env_file

SERVICE = ("SECRET_KEY", "TOKEN_KEYS", "PIXEL_KEYS", "WEBHOOK_KEYS", "VISITOR_UID_KEY")
# Secrets that each process reads, besides the passwords of the stores.
USED_BY: dict[str, tuple[str, ...]] = {
    "web": SERVICE,
    "redirects": ("SECRET_KEY", "PIXEL_KEYS", "VISITOR_UID_KEY"),
    # It encrypts secrets of webhooks and second factors again after a rotation.
    "worker": ("SECRET_KEY", "WEBHOOK_KEYS", "VISITOR_UID_KEY"),
    # It imports contacts, too, and must recognize erased ones.
    "webhooks": ("WEBHOOK_KEYS", "VISITOR_UID_KEY"),
    "beat": (),
    "metrics": (),
    "migrate": (),
}
# Only `migrate` uses the database's owner. All other processes have another user.
OWNER_PASSWORD, APP_PASSWORD = "POSTGRES_PASSWORD", "POSTGRES_APP_PASSWORD"
PASSWORDS = (OWNER_PASSWORD, APP_PASSWORD, "VALKEY_PASSWORD", "SUPERVISOR_PASSWORD")
# Lists of `id:secret`, the newest first: `key_rotation` changes them in steps.
ROTATED = ("TOKEN_KEYS", "PIXEL_KEYS", "WEBHOOK_KEYS")


def new() -> dict[str, str]:
    values = {name: secrets.token_urlsafe(48) for name in (*SERVICE, *PASSWORDS)}
    return values | {name: f"k1:{values[name]}" for name in ROTATED}


def store_passwords(role: str) -> tuple[str, str]:
    """Return the names of the passwords with which the process logs in to stores."""
    return OWNER_PASSWORD if role == "migrate" else APP_PASSWORD, "VALKEY_PASSWORD"


def load_or_create(path: Path) -> dict[str, str]:
    """Return the secrets of a file, and add those that a newer version needs."""
    before = env_file.read(path)
    values = new() | before
    if values != before:
        env_file.write(path, values)
    return values
