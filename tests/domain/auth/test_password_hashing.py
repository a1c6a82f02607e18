"""Few passwords are hashed at a time."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong

import pytest
from django.contrib.auth import hashers

from shortlinks.domain.auth import password_hashing

WAITED_SECONDS = 1.0  # a hash takes a third of it


def test_hashing_waits_while_all_slots_are_taken() -> None:
    with ThreadPoolExecutor(1) as pool:
        with contextlib.ExitStack() as stack:
            for _ in range(password_hashing.MAX_HASHES):
                stack.enter_context(password_hashing.slots)
            password = pool.submit(hashers.make_password, "correct horse")
            with pytest.raises(TooLong):
                password.result(WAITED_SECONDS)

        assert hashers.check_password("correct horse", password.result(30))
