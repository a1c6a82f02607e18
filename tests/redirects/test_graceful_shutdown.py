import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shortlinks.models import ShortLink, Visit
from tests import factories, services

pytestmark = pytest.mark.process


def test_process_closes_connections_with_their_last_response(
    link: ShortLink, tmp_path: Path
) -> None:
    with services.redirects_server(tmp_path) as server:
        address = urlsplit(str(server.client.base_url)).netloc
        visitor = http.client.HTTPConnection(address, timeout=20)
        responses = [open_link(visitor, link.code)]
        server.process.terminate()
        while not responses[-1].will_close:
            responses.append(open_link(visitor, link.code))
        code = server.process.exit_code()

    assert code == 0
    assert {response.status for response in responses} == {302}
    assert responses[-1].headers["connection"] == "close"
    assert Visit.objects.count() == len(responses)


def open_link(
    visitor: http.client.HTTPConnection, code: str
) -> http.client.HTTPResponse:
    visitor.request("GET", f"/{code}", headers=factories.BROWSER)
    response = visitor.getresponse()
    response.read()
    return response
