"""Processes of the service that play histories."""

from collections.abc import Iterator

import pytest

from tests import services
from tests.histories.http import Server
from tests.histories.player import Service


@pytest.fixture
def service(
    starts_processes: None,
    transactional_db: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("histories")
    options = {
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "VISIT_PROCESSING_DELAY_SECONDS": "0.2",
    }
    services.empty_queues()
    with (
        services.web(directory) as web,
        services.redirects(directory, **options) as redirects,
        services.worker(directory),
    ):
        both = Service(Server(web.base_url), Server(redirects.base_url))
        yield both
        both.web.close()
        both.redirects.close()
