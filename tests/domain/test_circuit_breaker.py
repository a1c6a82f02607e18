import os
import threading
from collections.abc import Iterator

import pytest

from shortlinks.domain.circuit_breaker import CircuitBreaker
from tests import services


class Store:
    """Counts its probes, which fail until it is available."""

    def __init__(self) -> None:
        self.is_available = threading.Event()
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1
        if not self.is_available.is_set():
            raise ConnectionError


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.is_available.set()


def test_breaker_closes_after_the_store_is_available_again(store: Store) -> None:
    changes: list[int] = []
    breaker = CircuitBreaker("the store", store.probe, on_change=changes.append)

    breaker.trip(ConnectionError())

    services.wait_for(lambda: store.probes > 1)
    assert breaker.is_open
    store.is_available.set()
    services.wait_for(lambda: not breaker.is_open)
    assert changes == [1, 0]


def test_breaker_starts_one_thread_for_several_errors(store: Store) -> None:
    changes: list[int] = []
    breaker = CircuitBreaker("the store", store.probe, on_change=changes.append)

    for _ in range(3):
        breaker.trip(ConnectionError())

    services.wait_for(lambda: store.probes > 1)
    assert changes == [1]


def test_breaker_opens_later_if_the_system_has_no_thread_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = CircuitBreaker("the store", store.probe)
    with monkeypatch.context() as no_threads:
        no_threads.setattr(threading.Thread, "start", raise_runtime_error)
        breaker.trip(ConnectionError())
    assert not breaker.is_open

    breaker.trip(ConnectionError())

    assert breaker.is_open


def raise_runtime_error(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_breaker_is_closed_in_a_child_after_a_fork(store: Store) -> None:
    breaker = CircuitBreaker("the store", store.probe)
    breaker.trip(ConnectionError())

    child = os.fork()
    if not child:
        os._exit(breaker.is_open)

    assert breaker.is_open
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
