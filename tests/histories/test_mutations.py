"""Random histories find each changed rule, so they would find it in the service."""

import pytest

from tests.histories import mutations
from tests.histories.generator import generate
from tests.histories.mutations import Mutation
from tests.histories.notation import History
from tests.histories.oracle import replay

SEEDS = range(600)  # each is found in one of 300 on average


@pytest.fixture(scope="module")
def histories() -> list[History]:
    return [generate(seed) for seed in SEEDS]


@pytest.mark.parametrize("mutation", mutations.read(), ids=lambda each: each.name)
def test_random_histories_find_the_changed_rule(
    histories: list[History], mutation: Mutation
) -> None:
    changed = mutations.apply(mutation)

    assert any(replay(history, changed) != history.expect for history in histories)


def test_replay_ends_as_generated(histories: list[History]) -> None:
    """Otherwise a mutation would be found by chance."""
    assert all(replay(history) == history.expect for history in histories)
