from shortlinks.observability.pool_liveness import PoolWatch
from tests import services


def test_pool_does_not_wait_without_tasks() -> None:
    assert PoolWatch().waiting_seconds() == 0


def test_pool_waits_from_the_first_task_on() -> None:
    pool = PoolWatch()
    pool.record_arrival()

    first = services.wait_for(pool.waiting_seconds)
    pool.record_arrival()

    assert pool.waiting_seconds() > first


def test_pool_does_not_wait_after_a_task_has_ended() -> None:
    pool = PoolWatch()
    pool.record_arrival()
    pool.record_end()

    assert pool.waiting_seconds() == 0
