import asyncio
import threading

from shortlinks.redirects.worker_notifier import DebouncedNotifier


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


def test_a_burst_rings_for_its_first_and_once_more_for_those_after() -> None:
    rings: list[float] = []
    rung_twice = threading.Event()

    async def story() -> float:
        loop = asyncio.get_running_loop()

        def ring() -> None:
            rings.append(loop.time())
            if len(rings) == 2:
                rung_twice.set()

        notifier = DebouncedNotifier(ring, settle=0.2)
        began = loop.time()
        for _ in range(100):
            notifier.visits_committed(5)
        await until(rung_twice)
        await notifier.close()
        return began

    began = asyncio.run(story())

    assert len(rings) == 2
    assert rings[0] - began >= 0.2
    assert rings[1] - rings[0] >= 0.15


def test_nothing_committed_rings_nothing() -> None:
    rings: list[None] = []

    async def story() -> None:
        notifier = DebouncedNotifier(lambda: rings.append(None), settle=0)
        notifier.visits_committed(0)
        await notifier.close()

    asyncio.run(story())

    assert rings == []


def test_closing_rings_for_what_was_committed_last() -> None:
    rings: list[None] = []

    async def story() -> None:
        notifier = DebouncedNotifier(lambda: rings.append(None), settle=60)
        notifier.visits_committed(1)
        await notifier.close()

    asyncio.run(story())

    assert rings == [None]


def test_a_broker_that_hangs_makes_nobody_wait() -> None:
    hanging, entered = threading.Event(), threading.Event()

    async def story() -> float:
        def ring() -> None:
            entered.set()
            hanging.wait(10)

        loop = asyncio.get_running_loop()
        notifier = DebouncedNotifier(ring, settle=0)
        notifier.visits_committed(1)
        await until(entered)
        began = loop.time()
        for _ in range(1000):
            notifier.visits_committed(1)
        spent = loop.time() - began
        hanging.set()
        await notifier.close()
        return spent

    assert asyncio.run(story()) < 1


def test_a_broker_that_fails_is_rung_again_later() -> None:
    rings: list[None] = []
    sent = threading.Event()

    async def story() -> None:
        def ring() -> None:
            rings.append(None)
            sent.set()
            if len(rings) == 1:
                raise ConnectionError

        notifier = DebouncedNotifier(ring, settle=0)
        notifier.visits_committed(1)
        await until(sent)
        async with asyncio.timeout(10):
            while notifier._timer is None:  # set when the failure was heard of
                await asyncio.sleep(0)
        await notifier.close()

    asyncio.run(story())

    assert len(rings) == 2
