"""The clock of histories leaves no stored time behind."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shortlinks.models import MergeCheck
from tests import factories
from tests.histories import clock

DELETED = 4711


@pytest.mark.django_db
def test_clock_ages_checks_whose_attachment_is_deleted() -> None:
    """Their wait would be real time: a burst's attachment is deleted meanwhile."""
    account = factories.account()
    due_at = timezone.now() + timedelta(seconds=7)
    check = MergeCheck.objects.create(attachment_id=DELETED, due_at=due_at)

    clock.let_pass(timedelta(seconds=10), [account.pk])

    check.refresh_from_db()
    assert check.due_at == due_at - timedelta(seconds=10)
