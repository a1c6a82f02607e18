"""Puts the parts of a redirects' process together, and takes them apart in order."""

import asyncio
from urllib.parse import urlsplit

import redis.asyncio as redis
from celery import current_app
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shortlinks.domain.ip_addresses import ClientAddresses
from shortlinks.domain.links import redis_cache, urls
from shortlinks.domain.links.redis_cache import CachedAccount, CachedLink
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.pixels.pixel_cookie import PixelCookies
from shortlinks.domain.postgres import queries
from shortlinks.observability.startup import freeze_gc
from shortlinks.redirects import spool_replay
from shortlinks.redirects.app import Receive, RedirectApp, Scope, Send
from shortlinks.redirects.circuit_breaker import CircuitBreaker
from shortlinks.redirects.coalescing_cache import CoalescingCache
from shortlinks.redirects.daily_salt import DailySaltKeeper
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.graceful_shutdown import GracefulShutdown
from shortlinks.redirects.host_registry import HostRegistry
from shortlinks.redirects.identify import Identify
from shortlinks.redirects.link_store import LinkStore
from shortlinks.redirects.metrics_reporter import Reporter
from shortlinks.redirects.readiness import Readiness
from shortlinks.redirects.visit_writer import AsyncSpool, VisitLog
from shortlinks.redirects.worker_notifier import DebouncedNotifier

MAX_CACHED_ACCOUNTS = 10_000
# By its name: the tasks' own module needs much that redirects do without.
PROCESS_VISITS = "shortlinks.tasks.process_visits"


class Runtime:
    """Lives between an ASGI server's start-up and shut-down."""

    def __init__(self) -> None:
        self._cache = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=redis_cache.TIMEOUT_SECONDS,
            socket_connect_timeout=redis_cache.TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._probe = Connection(
            _conninfo(), timeout=settings.VISIT_COMMIT_TIMEOUT_SECONDS
        )
        self._database_breaker = CircuitBreaker("Postgres", self._query)
        self._cache_breaker = CircuitBreaker("the link cache", self._cache.ping)
        # one for each that asks, since each asks one thing at a time
        self._for_links = self._guarded()
        self._for_accounts = self._guarded()
        self._for_keys = self._guarded()
        self._for_visits = self._guarded()
        self._for_readiness = self._guarded()
        self._for_directory = self._guarded()
        self._for_redemptions = self._guarded()
        settle = settings.VISIT_PROCESSING_DELAY_SECONDS
        self._notifier = DebouncedNotifier(_notify_worker, settle=settle)
        self._spool = AsyncSpool(
            settings.SPOOL_DIR, most_bytes=settings.SPOOL_MAX_BYTES
        )
        self._visits = VisitLog(
            self._for_visits,
            self._spool,
            settle=settle,
            on_commit=self._notifier.visits_committed,
        )
        self._source_keys = DailySaltKeeper(self._for_keys)
        self._readiness = Readiness(
            self._for_readiness,
            self._cache,
            self._cache_breaker,
            self._visits.counts,
            settings.SPOOL_DIR,
        )
        self.redirects = self._redirects()
        self._reporter = Reporter(
            self.redirects.answers,
            self._visits.counts,
            self._notifier,
            {"postgres": self._database_breaker, "redis": self._cache_breaker},
        )
        self._tasks = [
            asyncio.create_task(self._reporter.report_forever()),
            asyncio.create_task(self._source_keys.refresh_forever()),
            asyncio.create_task(self._replay_spool()),
            asyncio.create_task(self.redirects.hosts.refresh_forever()),
        ]

    async def stop(self) -> None:
        """Finish the open batch, ring for it, then let the stores go."""
        await self._visits.close()
        await self._spool.finish()
        await self._notifier.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reporter.report()
        await self._database_breaker.close()
        await self._cache_breaker.close()
        for connection in (
            self._for_links,
            self._for_accounts,
            self._for_keys,
            self._for_visits,
            self._for_readiness,
            self._for_directory,
            self._for_redemptions,
            self._probe,
        ):
            await connection.close()
        await self._cache.aclose()

    def _redirects(self) -> RedirectApp:
        seconds = settings.LINK_CACHE_TTL_SECONDS
        size = settings.LINK_CACHE_MAX_LINKS
        own = urlsplit(settings.SHORT_BASE_URL)
        pixels = PixelCookies(settings.PIXEL_KEYS, https=own.scheme == "https")
        directory = HostRegistry(
            self._for_directory,
            pixels,
            own=urls.policy().own_hosts,
            seconds=seconds,
        )
        clicks = ClickTokens(settings.PIXEL_KEYS)
        return RedirectApp(
            links=CoalescingCache(
                self._store(self._for_links).links,
                kind=CachedLink,
                seconds=seconds,
                size=size,
            ),
            accounts=CoalescingCache(
                self._store(self._for_accounts).accounts,
                kind=CachedAccount,
                seconds=seconds,
                size=MAX_CACHED_ACCOUNTS,
            ),
            visits=self._visits,
            addresses=ClientAddresses(settings.TRUSTED_PROXIES),
            pixels=pixels,
            hosts=directory,
            clicks=clicks,
            identify=Identify(
                database=self._for_redemptions,
                hosts=directory,
                clicks=clicks,
                on_redeemed=self._notifier.visits_committed,
                lock=asyncio.Lock(),
            ),
            daily_salt=self._source_keys,
            checks=self._readiness.checks,
        )

    def _store(self, database: GuardedConnection) -> LinkStore:
        return LinkStore(database, self._cache, self._cache_breaker, urls.policy())

    def _guarded(self) -> GuardedConnection:
        connection = Connection(
            _conninfo(), timeout=settings.VISIT_COMMIT_TIMEOUT_SECONDS
        )
        return GuardedConnection(connection, self._database_breaker)

    async def _query(self) -> None:
        await self._probe.execute("SELECT 1 FROM shortlinks_visit LIMIT 0")

    async def _replay_spool(self) -> None:
        await spool_replay.replay_forever(
            self._spool,
            self._database_breaker,
            on_commit=self._notifier.visits_committed,
        )


class Application:
    """What an ASGI server runs."""

    def __init__(self) -> None:
        self._process: Runtime | None = None
        self._leaving = GracefulShutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._process is not None:
            if self._leaving.has_begun:
                send = self._leaving.wrap_send(send)
            await self._process.redirects(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise RuntimeError("redirects speak HTTP, on a server with lifespan")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._process = Runtime()
        # Before it answers: no customer's domain leads on another's visitors.
        await self._process.redirects.hosts.refresh()
        self._leaving.install()
        freeze_gc()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._process.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _notify_worker() -> None:
    current_app.send_task(PROCESS_VISITS)


def _conninfo() -> str:
    milliseconds = int(settings.VISIT_COMMIT_TIMEOUT_SECONDS * 1000)
    return queries.conninfo(
        application_name="shortlinks-redirects",
        options=f"-c statement_timeout={milliseconds}",
    )
