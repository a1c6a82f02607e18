"""One fault, from the first open to the last comparison."""

import http.client
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import Error, connection

from deploy.roles import LOOPBACK
from shortlinks.domain.auth import tokens
from shortlinks.domain.visits import spool
from shortlinks.models import User, Visit
from systemtests import seed
from systemtests.api_client import ApiClient
from systemtests.chaos import latency, schedule, verification
from systemtests.chaos.faults import Fault
from systemtests.chaos.latency import BreakerWatch, Waits
from systemtests.chaos.service import Service
from systemtests.chaos.verification import Counts
from systemtests.integration import Integration
from systemtests.load import Load, Server
from systemtests.polling import repeating, wait_for

HOST = "go.chaos.example"
SETTLE_SECONDS = 45
CONNECT_SECONDS = 20
API_SECONDS = 10
INTEGRATION_CONTACTS = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The load, and when the fault is injected and lifted, in seconds."""

    opens: int
    rate: float
    inject_at: float
    lift_at: float
    steady_links: int  # with the default note window
    links_per_burst: int  # with a short window, opened within a second
    checks_latency: bool


FULL = Plan(
    opens=10_400,
    rate=400,
    inject_at=6,
    lift_at=14,
    steady_links=300,
    links_per_burst=10,
    checks_latency=True,
)
# For tests on busy machines.
SHORT = Plan(
    opens=1_600,
    rate=320,
    inject_at=1.5,
    lift_at=3.5,
    steady_links=60,
    links_per_burst=4,
    checks_latency=False,
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    name: str
    counts: Counts
    waits: Waits
    retries: int  # of the integration
    settled: float  # seconds from the end of the load until all was processed
    seconds: float
    broken: Sequence[str]
    figures: Sequence[str]


def run(fault: Fault, service: Service, plan: Plan) -> Outcome:
    began = time.monotonic()
    seeded = schedule.create(
        steady=plan.steady_links, links_per_burst=plan.links_per_burst
    )
    ports = service.redirect_ports
    load = Load(
        [Server(LOOPBACK, port) for port in ports],
        schedule.opens(seeded, plan.opens, rate=plan.rate, servers=len(ports)),
        host=HOST,
        connect_seconds=CONNECT_SECONDS,
    )
    try:
        fault.prepare(service)
        with _integration(service, seeded.steady_user) as integration:
            waits = _inject(fault, service, plan, load)
            settled = _settle(service)
        counts = verification.count(load.opened, seeded, lost=service.lost_visits())
        broken = [*counts.broken, *verification.links(integration), *fault.broken()]
        figures = fault.figures()
    finally:
        fault.clear(service)
    if plan.checks_latency and not waits.is_met:
        broken.append("p99 MISSED")
    return Outcome(
        name=fault.name,
        counts=counts,
        waits=waits,
        retries=integration.retries,
        settled=settled,
        seconds=time.monotonic() - began,
        broken=broken,
        figures=figures,
    )


def _integration(service: Service, user: User) -> Integration:
    connection = http.client.HTTPConnection(
        LOOPBACK, service.web_port, timeout=API_SECONDS
    )
    client = ApiClient(connection, tokens.issue(user, name="an integration").text)
    return Integration(client, seed.new_contacts(user, INTEGRATION_CONTACTS))


def _inject(fault: Fault, service: Service, plan: Plan, load: Load) -> Waits:
    others = [
        port
        for number, port in enumerate(service.redirect_ports)
        if number not in fault.redirects
    ]
    with load:
        injected_at = load.wait_until(plan.inject_at)
        watch = BreakerWatch(others)
        with repeating(watch.poll, pause=latency.POLL_SECONDS):
            fault.inject(service)
            load.wait_until(plan.lift_at)
            fault.lift(service)
    return latency.measure(
        load.opened,
        injected_at=injected_at,
        opened_at=watch.last_opened_at,
        excluded=fault.redirects,
    )


def _settle(service: Service) -> float:
    """Recover, and return the seconds until all visits were processed."""
    began = time.monotonic()
    service.recover()
    wait_for(
        _despite_errors(_is_processed),
        "all visits are processed",
        seconds=SETTLE_SECONDS,
    )
    return time.monotonic() - began


def _is_processed() -> bool:
    is_replayed = not spool.is_waiting(Path(settings.SPOOL_DIR))
    return is_replayed and not Visit.objects.filter(due_at__isnull=False).exists()


def _despite_errors(condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return a condition that is false while Postgres is unavailable."""

    def check() -> bool:
        try:
            return condition()
        except Error:
            connection.close()
            return False

    return check
