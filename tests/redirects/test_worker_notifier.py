import asyncio
import threading

from shortlinks.redirects.worker_notifier import DebouncedNotifier


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


def test_notifier_sends_two_messages_for_a_burst() -> None:
    calls: list[float] = []
    called_twice = threading.Event()

    async def scenario() -> float:
        loop = asyncio.get_running_loop()

        def notify() -> None:
            calls.append(loop.time())
            if len(calls) == 2:
                called_twice.set()

        notifier = DebouncedNotifier(notify, delay=0.2)
        began = loop.time()
        for _ in range(100):
            notifier.visits_committed(5)
        await until(called_twice)
        await notifier.close()
        return began

    began = asyncio.run(scenario())

    assert len(calls) == 2
    assert calls[0] - began >= 0.2
    assert calls[1] - calls[0] >= 0.15


def test_notifier_sends_nothing_without_visits() -> None:
    calls: list[None] = []

    async def scenario() -> None:
        notifier = DebouncedNotifier(lambda: calls.append(None), delay=0)
        notifier.visits_committed(0)
        await notifier.close()

    asyncio.run(scenario())

    assert calls == []


def test_notifier_sends_a_message_on_close() -> None:
    calls: list[None] = []

    async def scenario() -> None:
        notifier = DebouncedNotifier(lambda: calls.append(None), delay=60)
        notifier.visits_committed(1)
        await notifier.close()

    asyncio.run(scenario())

    assert calls == [None]


def test_visits_do_not_wait_for_a_broker_that_does_not_respond() -> None:
    hanging, entered = threading.Event(), threading.Event()

    async def scenario() -> float:
        def notify() -> None:
            entered.set()
            hanging.wait(10)

        loop = asyncio.get_running_loop()
        notifier = DebouncedNotifier(notify, delay=0)
        notifier.visits_committed(1)
        await until(entered)
        began = loop.time()
        for _ in range(1000):
            notifier.visits_committed(1)
        spent = loop.time() - began
        hanging.set()
        await notifier.close()
        return spent

    assert asyncio.run(scenario()) < 1


def test_notifier_tries_again_after_the_broker_failed() -> None:
    calls: list[None] = []
    sent = threading.Event()

    async def scenario() -> None:
        def notify() -> None:
            calls.append(None)
            sent.set()
            if len(calls) == 1:
                raise ConnectionError

        notifier = DebouncedNotifier(notify, delay=0)
        notifier.visits_committed(1)
        await until(sent)
        async with asyncio.timeout(10):
            while not notifier.failed:
                await asyncio.sleep(0)
        await notifier.close()

    asyncio.run(scenario())

    assert len(calls) == 2
