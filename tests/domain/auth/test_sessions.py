from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from shortlinks.domain.auth import sessions


@pytest.fixture
def stored(db: None) -> list[Session]:
    now = timezone.now()
    times = [now - timedelta(days=2), now - timedelta(days=1), now + timedelta(days=1)]
    return [
        Session.objects.create(session_key=f"key-{n}", expire_date=at)
        for n, at in enumerate(times)
    ]


def test_expired_sessions_are_deleted_in_batches(
    stored: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BATCH_SIZE", 1)

    deleted = [sessions.purge() for _ in range(3)]

    assert deleted == [1, 1, 0]
    assert Session.objects.get() == stored[-1]
