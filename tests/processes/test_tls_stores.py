"""All connections to the stores can use TLS, which settings alone turn on."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from shortlinks.models import Note
from tests import certificates, factories, services

LOOPBACK = "127.0.0.1"


class TlsFront(threading.Thread):
    """Accepts connections over TLS only, and passes their content to a store."""

    def __init__(self, certificate: Path, store: int) -> None:
        super().__init__()
        self.port = 0
        self.connections = 0
        self._store = store
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate)
        self._tls.set_alpn_protocols(["postgresql"])
        self._listens = threading.Event()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> "TlsFront":
        self.start()
        assert self._listens.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self.join()

    def run(self) -> None:
        with (
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            contextlib.suppress(asyncio.CancelledError),
        ):
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, LOOPBACK, 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._serving = asyncio.ensure_future(server.serve_forever())
        self._listens.set()
        await self._serving

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        from_store, to_store = await asyncio.open_connection(LOOPBACK, self._store)
        try:
            await asyncio.wait(
                [
                    asyncio.ensure_future(copy(reader, to_store)),
                    asyncio.ensure_future(copy(from_store, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            writer.close()
            to_store.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@dataclass(frozen=True, slots=True)
class Stores:
    postgres: TlsFront
    valkey: TlsFront

    def settings(self, authority: Path) -> dict[str, str]:
        """Return the addresses, and trust this authority only."""
        database = urlsplit(services.database_url())
        user = database.netloc.rpartition("@")[0]
        place = f"{user}@{LOOPBACK}:{self.postgres.port}{database.path}"
        verify = f"sslmode=verify-full&sslrootcert={authority}&sslnegotiation=direct"
        password = urlsplit(settings.REDIS_URL).password
        valkey = f":{password}@{LOOPBACK}:{self.valkey.port}/0"
        return {
            "DATABASE_URL": f"postgres://{place}?{verify}",
            "REDIS_URL": f"rediss://{valkey}?ssl_ca_certs={authority}",
        }


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificates.make(tmp_path / "own.pem", certificates.address(LOOPBACK))


@pytest.fixture
def stores(certificate: Path) -> Iterator[Stores]:
    valkey = urlsplit(settings.REDIS_URL).port or 0
    with (
        TlsFront(certificate, int(settings.DATABASES["default"]["PORT"])) as first,
        TlsFront(certificate, valkey) as second,
    ):
        yield Stores(first, second)


def test_open_is_noted_over_tls(
    stores: Stores, certificate: Path, transactional_db: None, tmp_path: Path
) -> None:
    account = factories.account()
    contact = factories.contact(account)
    token = factories.token(factories.admin(account))
    tls = stores.settings(certificate)
    metadata = {"entity_type": "contacts", "entity_id": contact.entity_id}
    order = {"url": "https://shop.example/sale", "metadata": metadata}
    with (
        services.redirects(tmp_path, **tls) as redirects,
        services.worker(tmp_path, **tls),
        services.web(tmp_path, SHORT_BASE_URL=str(redirects.base_url), **tls) as web,
    ):
        headers = {"Authorization": f"Bearer {token}"}
        made = web.post("/api/v4/short_links", json=[order], headers=headers).json()
        [link] = made["_embedded"]["short_links"]
        path = urlsplit(link["url"]).path
        assert redirects.get(path, headers=factories.BROWSER).status_code == 302
        services.wait_for(Note.objects.exists)

    assert stores.postgres.connections > 3
    assert stores.valkey.connections > 3


def test_store_of_another_authority_is_refused_and_logged(
    stores: Stores, transactional_db: None, tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "other.pem", certificates.address(LOOPBACK))

    token = factories.token(factories.admin(factories.account()))
    headers = {"Authorization": f"Bearer {token}"}
    with services.web(tmp_path, **stores.settings(other)) as web:
        assert web.get("/readyz").status_code == 503
        assert web.get("/api/v4/account", headers=headers).status_code == 503

    assert (stores.postgres.connections, stores.valkey.connections) == (0, 0)
    assert "certificate verify failed" in (tmp_path / "web.log").read_text()
