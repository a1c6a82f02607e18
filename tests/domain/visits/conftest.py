"""Settings of the tests of visits."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from shortlinks.domain.visits import classifier


@pytest.fixture
def over_https(settings: Settings) -> Iterator[None]:
    """Use https: missing headers reveal an imitation only there."""
    settings.SHORT_BASE_URL = "https://go.example"
    classifier._is_https.cache_clear()
    yield
    classifier._is_https.cache_clear()
