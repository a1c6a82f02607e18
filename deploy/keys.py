"""The service's secrets and the stores' passwords: random, made on the first start."""

import secrets
from pathlib import Path

from deploy import env_file

SERVICE = ("SECRET_KEY", "TOKEN_KEYS", "PIXEL_KEYS", "WEBHOOK_KEYS", "VISITOR_UID_KEY")
PASSWORDS = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "SUPERVISOR_PASSWORD")
# Lists of `id:secret`, newest first, so that a key can be changed without a break.
ROTATED = ("TOKEN_KEYS", "PIXEL_KEYS", "WEBHOOK_KEYS")


def new() -> dict[str, str]:
    values = {name: secrets.token_urlsafe(48) for name in (*SERVICE, *PASSWORDS)}
    return values | {name: f"k1:{values[name]}" for name in ROTATED}


def kept(path: Path) -> dict[str, str]:
    """What a later version adds is added to the file then."""
    before = env_file.read(path)
    values = new() | before
    if values != before:
        env_file.write(path, values)
    return values
