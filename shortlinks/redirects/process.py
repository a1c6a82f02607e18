"""Start and stop a redirect process."""

import asyncio

import redis.asyncio as redis
from celery import current_app
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shortlinks.domain import redis_client
from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.domain.links import urls
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.postgres import queries
from shortlinks.observability.startup import freeze_gc
from shortlinks.redirects.app import Receive, RedirectApp, Scope, Send
from shortlinks.redirects.coalescing_cache import CoalescingCache
from shortlinks.redirects.daily_salt import DailySaltKeeper
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.graceful_shutdown import GracefulShutdown
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.identify import Identify
from shortlinks.redirects.link_store import LinkStore
from shortlinks.redirects.metrics_reporter import Reporter
from shortlinks.redirects.pixel_cookies import PixelCookies
from shortlinks.redirects.privacy import Privacy
from shortlinks.redirects.readiness import Readiness
from shortlinks.redirects.spool_replay import replay_forever
from shortlinks.redirects.staff_invitations import StaffInvitations
from shortlinks.redirects.visit_budget import VisitBudget
from shortlinks.redirects.visit_writer import AsyncSpool, VisitLog
from shortlinks.redirects.worker_notifier import DebouncedNotifier

MAX_CACHED_ACCOUNTS = 10_000
# A name, because importing the tasks would import much that redirects do not need.
PROCESS_VISITS = "shortlinks.tasks.process_visits"


class Runtime:
    """The objects and tasks of a running redirect process."""

    def __init__(self) -> None:
        self._cache = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=redis_client.TIMEOUT_SECONDS,
            socket_connect_timeout=redis_client.TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._breaker = CircuitBreaker("Postgres", _probe_postgres)
        self._connections: list[Connection] = []
        delay = settings.VISIT_PROCESSING_DELAY_SECONDS
        self._notifier = DebouncedNotifier(_notify_worker, delay=delay)
        on_commit = self._notifier.visits_committed
        self._spool = AsyncSpool(settings.SPOOL_DIR, max_bytes=settings.SPOOL_MAX_BYTES)
        self._visits = VisitLog(
            self._connect(), self._spool, delay=delay, on_commit=on_commit
        )
        self._daily_salt = DailySaltKeeper(self._connect())
        self.redirects = self._new_redirects()
        self._reporter = self._new_reporter()
        self._tasks = [
            asyncio.create_task(self._reporter.report_forever()),
            asyncio.create_task(self._daily_salt.refresh_forever()),
            asyncio.create_task(self._visits.store_counted_forever()),
            asyncio.create_task(self.redirects.hosts.refresh_forever()),
            asyncio.create_task(
                replay_forever(self._spool, self._breaker, on_commit=on_commit)
            ),
        ]

    async def stop(self) -> None:
        """Finish the open batch, notify the worker, then close the connections."""
        await self._visits.close()
        await self._spool.finish()
        await self._notifier.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reporter.report()
        for connection in self._connections:
            await connection.close()
        await self._cache.aclose()

    def _new_redirects(self) -> RedirectApp:
        seconds = settings.LINK_CACHE_TTL_SECONDS
        pixels = PixelCookies(
            BrowserIds(settings.PIXEL_KEYS),
            https=settings.SHORT_BASE_URL.startswith("https:"),
        )
        hosts = HostRegistry(
            self._connect(), pixels, own=urls.policy().own_hosts, seconds=seconds
        )
        clicks = ClickTokens(settings.PIXEL_KEYS)
        return RedirectApp(
            links=CoalescingCache(
                self._new_store().links,
                kind=CachedLink,
                seconds=seconds,
                size=settings.LINK_CACHE_MAX_LINKS,
            ),
            accounts=CoalescingCache(
                self._new_store().accounts,
                kind=CachedAccount,
                seconds=seconds,
                size=MAX_CACHED_ACCOUNTS,
            ),
            visits=self._visits,
            budget=VisitBudget(settings.MAX_VISITS_PER_LINK_AND_ADDRESS),
            addresses=ClientAddresses(settings.TRUSTED_PROXIES),
            pixels=pixels,
            hosts=hosts,
            clicks=clicks,
            identify=Identify(
                database=self._connect(),
                hosts=hosts,
                clicks=clicks,
                daily_salt=self._daily_salt,
                on_redeemed=self._notifier.visits_committed,
            ),
            privacy=Privacy(self._connect_unguarded()),
            staff=StaffInvitations(self._cache, redis_client.breaker),
            daily_salt=self._daily_salt,
            checks=self._new_readiness().checks,
        )

    def _new_readiness(self) -> Readiness:
        return Readiness(
            self._connect(),
            self._cache,
            redis_client.breaker,
            self._visits.counts,
            settings.SPOOL_DIR,
        )

    def _new_reporter(self) -> Reporter:
        return Reporter(
            self.redirects.responses,
            self._visits.counts,
            self._notifier,
            {"postgres": self._breaker, "redis": redis_client.breaker},
        )

    def _new_store(self) -> LinkStore:
        return LinkStore(
            self._connect(), self._cache, redis_client.breaker, urls.policy()
        )

    def _connect(self) -> GuardedConnection:
        """Return a connection for one object, which sends one statement at a time."""
        return GuardedConnection(self._connect_unguarded(), self._breaker)

    def _connect_unguarded(self) -> Connection:
        connection = Connection(
            _conninfo(), timeout=settings.VISIT_COMMIT_TIMEOUT_SECONDS
        )
        self._connections.append(connection)
        return connection


class Application:
    """The ASGI application, including its lifespan."""

    def __init__(self) -> None:
        self._runtime: Runtime | None = None
        self._shutdown = GracefulShutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._runtime is not None:
            if self._shutdown.in_progress:
                send = self._shutdown.wrap_send(send)
            await self._runtime.redirects(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        else:
            raise RuntimeError("redirects need HTTP and a server with lifespan")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._runtime = Runtime()
        # Until short domains are read, each would redirect to links of all accounts.
        await self._runtime.redirects.hosts.refresh()
        self._shutdown.install()
        freeze_gc()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._runtime.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _notify_worker() -> None:
    current_app.send_task(PROCESS_VISITS)


def _probe_postgres() -> None:
    """Query Postgres with a time-out, which psycopg has only for connecting."""
    asyncio.run(_query_postgres())


async def _query_postgres() -> None:
    connection = Connection(_conninfo(), timeout=settings.VISIT_COMMIT_TIMEOUT_SECONDS)
    try:
        await connection.execute("SELECT 1 FROM shortlinks_visit LIMIT 0")
    finally:
        await connection.close()


def _conninfo() -> str:
    milliseconds = int(settings.VISIT_COMMIT_TIMEOUT_SECONDS * 1000)
    return queries.conninfo(
        application_name="shortlinks-redirects",
        options=f"-c statement_timeout={milliseconds}",
    )
