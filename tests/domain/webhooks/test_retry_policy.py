"""Retries of webhook deliveries."""

from datetime import UTC, datetime, timedelta

import pytest

from shortlinks.domain.webhooks import retry_policy
from shortlinks.domain.webhooks.retry_policy import Outcome

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FAILED = Outcome(500, "The receiver answered 500.")


def test_next_delay_allows_ten_attempts_within_three_days() -> None:
    waits = [retry_policy.next_delay(FAILED, attempts) for attempts in range(1, 11)]

    assert [wait and wait.total_seconds() for wait in waits] == [
        *(5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        None,
    ]
    assert len(retry_policy.RETRY_DELAYS) == 10


@pytest.mark.parametrize(
    ("pause", "wait"),
    [(timedelta(minutes=1), 60), (timedelta(seconds=2), 5)],
    ids=["longer", "shorter"],
)
def test_next_delay_is_at_least_the_requested_pause(
    pause: timedelta, wait: int
) -> None:
    outcome = Outcome(429, "The receiver answered 429.", pause)

    assert retry_policy.next_delay(outcome, 1) == timedelta(seconds=wait)


def test_next_delay_gives_up_after_status_410() -> None:
    assert retry_policy.next_delay(Outcome(410), 1) is None


@pytest.mark.parametrize(
    ("status", "is_success"),
    [(200, True), (204, True), (299, True), (302, False), (404, False), (None, False)],
)
def test_outcome_is_success_only_for_2xx(
    status: int | None, *, is_success: bool
) -> None:
    assert Outcome(status).is_success is is_success


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 7 ", 7, id="spaces"),
        pytest.param("999999", 86400, id="a day at most"),
        pytest.param("9" * 5000, 86400, id="endless"),
        pytest.param("Mon, 23 Nov 2026 12:01:00 GMT", 60, id="a date"),
        pytest.param("Mon, 23 Nov 2026 12:01:00", 60, id="a date with no zone"),
        pytest.param("Mon, 23 Nov 2026 11:00:00 GMT", 0, id="the past"),
        pytest.param("Mon, 23 Nov 2099 11:00:00 GMT", 86400, id="far away"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param("-5", None, id="negative"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_parse_retry_after(header: str | None, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)

    assert retry_policy.parse_retry_after(header, NOW) == expected
