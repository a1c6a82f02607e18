"""Password hashing that leaves processors for other requests.

One hash takes a third of a second of processor time. Without a limit, a few sign-ins at
a time delay all requests.
"""

import os
import threading
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

# Far less than the 32 threads of the web process, and half of the processors.
MAX_HASHES = max(1, (os.cpu_count() or 1) // 2)
slots = threading.BoundedSemaphore(MAX_HASHES)


class LimitedPasswordHasher(PBKDF2PasswordHasher):
    """PBKDF2 that makes few hashes at a time in a process; others wait."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with slots:
            return super().encode(*args, **kwargs)
