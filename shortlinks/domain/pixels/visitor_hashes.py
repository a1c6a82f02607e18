"""Visitor hashes: keyed hashes of a full IP address and a user agent."""

import hashlib

DIGEST_BYTES = 16


def compute(salt: bytes, address: bytes, user_agent: str) -> bytes:
    """Return the same hash for one browser at one address, until the salt changes."""
    message = b"%d %b %b" % (len(address), address, user_agent.encode())
    return hashlib.blake2b(message, key=salt, digest_size=DIGEST_BYTES).digest()
