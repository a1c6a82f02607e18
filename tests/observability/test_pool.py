"""A worker's pool hangs when a task came and none has ended since."""

from shortlinks.observability.pool_liveness import PoolWatch
from tests import services


def test_a_pool_with_nothing_to_do_does_not_hang() -> None:
    assert PoolWatch().waits() == 0


def test_a_task_that_came_is_waited_for_from_then_on() -> None:
    pool = PoolWatch()
    pool.task_came()

    first = services.wait_for(pool.waits)
    pool.task_came()

    assert pool.waits() > first


def test_any_task_that_ends_shows_that_the_pool_works() -> None:
    pool = PoolWatch()
    pool.task_came()
    pool.task_ended()

    assert pool.waits() == 0
