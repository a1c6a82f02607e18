"""One fault from its first open to the last count."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import Error, connection

from faults import counting, latency, opens, seed
from faults.counting import Tally
from faults.integration import Integration
from faults.kinds import Fault
from faults.latency import Waits, Watch
from faults.load import Load
from faults.opens import Open
from faults.service import Service
from faults.waiting import wait_for
from shortlinks.domain.visits import spool
from shortlinks.models import Visit

FOLLOW_UP_SECONDS = 45


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much load, and when the fault comes and goes, in seconds of it."""

    opens: int
    rate: float
    inject_at: float
    lift_at: float
    steady: int  # links with the default window of notes
    in_a_burst: int  # links with a short one, opened at once
    judges_latency: bool


FULL = Plan(
    opens=10_400,
    rate=400,
    inject_at=6,
    lift_at=14,
    steady=300,
    in_a_burst=10,
    judges_latency=True,
)
# For the tests, on machines that are busy with others.
SHORT = Plan(
    opens=1_600,
    rate=320,
    inject_at=1.5,
    lift_at=3.5,
    steady=60,
    in_a_burst=4,
    judges_latency=False,
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    name: str
    tally: Tally
    waits: Waits
    retries: int  # of the integration that orders links meanwhile
    settled: float  # seconds from the load's end until all was followed up
    seconds: float
    broken: Sequence[str]


def run(fault: Fault, service: Service, plan: Plan) -> Outcome:
    began = time.monotonic()
    world = seed.world(steady=plan.steady, in_a_burst=plan.in_a_burst)
    integration = Integration(service.web_port, world.steady)
    opened = opens.planned(
        world.links, plan.opens, rate=plan.rate, doors=len(service.door_ports)
    )
    try:
        fault.prepare(service)
        integration.start()
        waits = _load(fault, service, plan, opened)
        settled = _settle(service)
        integration.finish()
        tally = counting.count(opened, world, lost=service.lost())
        own = fault.broken()
    finally:
        integration.finish()
        fault.clear(service)
    broken = [*tally.broken, *integration.broken(), *own]
    if plan.judges_latency and not waits.is_met:
        broken.append("p99 MISSED")
    return Outcome(
        name=fault.name,
        tally=tally,
        waits=waits,
        retries=integration.retries,
        settled=settled,
        seconds=time.monotonic() - began,
        broken=broken,
    )


def _load(fault: Fault, service: Service, plan: Plan, opened: Sequence[Open]) -> Waits:
    load = Load(service.door_ports, opened)
    others = [
        port
        for number, port in enumerate(service.door_ports)
        if number not in fault.doors
    ]
    load.start()
    try:
        injected_at = load.wait_until(plan.inject_at)
        with Watch(others) as watch:
            fault.inject(service)
            load.wait_until(plan.lift_at)
            fault.lift(service)
    except BaseException:
        load.give_up()
        raise
    finally:
        load.join()
    return latency.measure(
        opened,
        injected_at=injected_at,
        breaker_at=watch.opened_at,
        excluded=fault.doors,
    )


def _settle(service: Service) -> float:
    """Until all is followed up; the seconds it took."""
    began = time.monotonic()
    service.heal()
    wait_for(
        _in_a_fresh_connection(_is_followed_up),
        "all visits are followed up",
        seconds=FOLLOW_UP_SECONDS,
    )
    return time.monotonic() - began


def _is_followed_up() -> bool:
    is_home = not spool.is_waiting(Path(settings.SPOOL_DIR))
    return is_home and not Visit.objects.filter(due_at__isnull=False).exists()


def _in_a_fresh_connection(condition: Callable[[], bool]) -> Callable[[], bool]:
    """False, too, while Postgres is not back."""

    def ask() -> bool:
        try:
            return condition()
        except Error:
            connection.close()
            return False

    return ask
