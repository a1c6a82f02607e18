from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.postgres.bisection import Bisection


def rejected_rows(
    batch: Sequence[int], poisoned: set[int], split: str
) -> tuple[list[int], list[int], int]:
    """Return the stored rows, the rejected ones, and the number of attempts."""
    parts = Bisection(batch)
    split_part: Callable[[Sequence[int]], bool] = getattr(parts, split)
    stored: list[int] = []
    rejected: list[int] = []
    attempts = 0
    for part in parts:
        attempts += 1
        if not poisoned & set(part):
            stored += part
        elif not split_part(part):
            rejected += part
    return stored, rejected, attempts


@pytest.mark.parametrize("split", ["split", "split_slow"])
@given(size=st.integers(0, 40), data=st.data())
def test_bisection_rejects_exactly_the_failing_rows_in_order(
    split: str, size: int, data: st.DataObject
) -> None:
    batch = list(range(size))
    poisoned = data.draw(st.sets(st.sampled_from(batch))) if batch else set()

    stored, rejected, _ = rejected_rows(batch, poisoned, split)

    assert stored == [row for row in batch if row not in poisoned]
    assert rejected == sorted(poisoned)


def test_bisection_finds_one_row_of_a_thousand_in_twenty_attempts() -> None:
    _, rejected, attempts = rejected_rows(range(1000), {777}, "split")

    assert rejected == [777]
    assert attempts <= 21


def test_a_slow_row_is_found_by_few_failures_and_few_attempts() -> None:
    _, rejected, attempts = rejected_rows(range(1000), {7}, "split_slow")

    assert rejected == [7]
    assert attempts <= 1 + 34 + 8 + 5  # 1,000 rows, parts of 31, of 5, of 2
