"""Clients whose token is new to the process, and clients whose token is cached."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Api

Connect = Callable[[str], Api]


def connect_with_cached_token(token: str) -> Api:
    """Return a client after its token's use was stored and its row was cached."""
    api = Api(token)
    for _ in range(2):
        assert api.get("/api/v4/account").status_code == 200
    return api


@pytest.fixture(params=[Api, connect_with_cached_token], ids=["verified", "cached"])
def connect(request: Any) -> Connect:
    """Run the test twice. Nobody can tell from a response which client it was."""
    connect: Connect = request.param
    return connect
