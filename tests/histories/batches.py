"""Play many histories at once, so that they share what takes time.

All histories of a batch advance together. After each step, the worker processes what
is due, and everything gets so old that no open can become part of a burst.
"""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import zip_longest

from django.db import connection
from django.utils import timezone

from config.celery import app
from shortlinks.models import MergeCheck, Pixel, Redemption, Visit
from tests import services
from tests.histories import accounts, clock
from tests.histories.notation import History, Outcome, Step
from tests.histories.player import Player, Service, duration

THREADS = 8
SETTLING = timedelta(seconds=10)  # longer than a burst and its processing
MAX_ROUNDS = 20  # of checks that enqueue checks
TIMEOUT_SECONDS = 120
RELOAD_SECONDS = 1.5  # a TTL of one second (tests/services.py), and the query
AT_ONCE = frozenset({"open", "land", "receive", "chat"})
CHANGES_LINKS = frozenset({"consent", "delete", "restore"})


class Barrier:
    """A link that is opened to see that all earlier opens are stored.

    Redirects store visits in order, shortly after they answer. A visit that is stored
    after time has passed would be younger than it is.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self._lock = threading.Lock()
        self._opens = 0

    def wait(self) -> None:
        with self._lock:
            self._opens += 1
            # Each from its own address, because few visits of one are stored.
            self._player.open(f"browser {self._opens}", "Z1")
            services.wait_for(self._is_stored, seconds=TIMEOUT_SECONDS)

    def _is_stored(self) -> bool:
        account = self._player.stage.account
        return Visit.objects.filter(link__account=account).count() >= self._opens


def play(histories: Sequence[History], service: Service) -> list[Outcome]:
    """Return the outcome of each history."""
    accounts.delete_all()
    *stages, last = accounts.create([*histories, History("last", (), known=("Z",))])
    _let_redirects_reload(since=time.monotonic())
    players = [
        Player(history, stage, service)
        for history, stage in zip(histories, stages, strict=True)
    ]
    barrier = Barrier(Player(History("last", ()), last, service))
    with _threads() as pool:
        for turn in zip_longest(*(_turns(history.steps) for history in histories)):
            moves = [(p, s) for p, s in zip(players, turn, strict=True) if s]
            list(pool.map(lambda move: _move(move[0], move[1], barrier), moves))
            barrier.wait()
            _settle(moves, time.monotonic())
        shared = _shared_browsers()
        return list(pool.map(lambda p: p.outcome(shared[p.stage.account.pk]), players))


def differences(histories: Sequence[History], service: Service) -> list[str]:
    """Return each history that ends otherwise than expected, and its outcome."""
    outcomes = play(histories, service)
    return [
        f"{history}but was:\n{outcome}"
        for history, outcome in zip(histories, outcomes, strict=True)
        if outcome != history.expect
    ]


@contextlib.contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Yield threads that keep their connections to the database until the end."""
    everyone = threading.Barrier(THREADS)

    def close(_: int) -> None:
        everyone.wait(TIMEOUT_SECONDS)  # or one thread would do it for another
        connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield pool
        finally:
            list(pool.map(close, range(THREADS)))


def _turns(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Group steps that come at once: an unprocessed open, and what visitors do next."""
    turn: list[Step] = []
    for step in steps:
        is_at_once = turn and turn[0].is_unprocessed and step.kind in AT_ONCE
        if turn and not is_at_once:
            yield turn
            turn = []
        turn.append(step)
    yield turn


def _move(player: Player, steps: Sequence[Step], barrier: Barrier) -> None:
    for step in steps:
        player.play(step)
        if step.is_unprocessed:
            barrier.wait()  # no chat can wait for a click that is not stored


def _shared_browsers() -> defaultdict[int, set[str]]:
    """Return the `visitor_uid`s of shared browsers by account."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    shared = Pixel.objects.filter(shared_since__isnull=False)
    for account_id, uid in shared.values_list("account", "visitor_uid"):
        found[account_id].add(uid)
    return found


def _settle(moves: Sequence[tuple[Player, list[Step]]], moved_at: float) -> None:
    """Let the worker process what happened, and let the time of `pass` go by."""
    _wait_for_visits()
    everybody = [player.stage.account.pk for player, _ in moves]
    _process_checks(everybody)
    kinds = {step.kind for _, steps in moves for step in steps}
    if kinds & CHANGES_LINKS:
        _let_redirects_reload(since=moved_at)
    waiting: dict[timedelta, list[int]] = {}
    for player, steps in moves:
        if (step := steps[-1]).kind == "wait":
            time_ = duration(**step.parts)
            waiting.setdefault(time_, []).append(player.stage.account.pk)
    for time_, pks in waiting.items():
        clock.let_pass(time_, pks)


def _wait_for_visits() -> None:
    services.wait_for(
        lambda: (
            not Visit.objects.filter(due_at__isnull=False).exists()
            and not Redemption.objects.filter(due_at__isnull=False).exists()
        ),
        seconds=TIMEOUT_SECONDS,
    )


def _process_checks(account_ids: Sequence[int]) -> None:
    """Let the worker decide, and what was pending become final."""
    for _ in range(MAX_ROUNDS):
        due = MergeCheck.objects.filter(due_at__lte=timezone.now())
        if ids := list(due.values_list("pk", flat=True)):
            app.send_task("shortlinks.tasks.process_visits")
            _wait_until_done(ids)
        clock.let_pass(SETTLING, account_ids)
        if not MergeCheck.objects.exists():
            return
    left = list(MergeCheck.objects.values())
    raise AssertionError(f"checks enqueue checks: {left}")


def _wait_until_done(checks: Sequence[int]) -> None:
    """Wait until the checks are deleted, or postponed by a deadlock with the clock."""
    services.wait_for(
        lambda: (
            not MergeCheck.objects.filter(
                pk__in=checks, due_at__lte=timezone.now()
            ).exists()
        ),
        seconds=TIMEOUT_SECONDS,
    )


def _let_redirects_reload(*, since: float) -> None:
    """Wait until redirects have read sites again, and forgotten cached links."""
    time.sleep(max(0, since + RELOAD_SECONDS - time.monotonic()))
