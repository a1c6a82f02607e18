"""`/pixel/v1.js` is small and immutable, and the docs show its hash."""

import gzip
import hashlib
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from shortlinks.domain.pixels import pixel_script

PATH = "/pixel/v1.js"
GUIDE = Path(settings.BASE_DIR) / "docs" / "browser-recognition.md"


def test_script_is_at_most_3_kb() -> None:
    assert len(gzip.compress(pixel_script.SCRIPT, 9)) <= 3 * 1024


def test_script_is_immutable_and_readable_from_any_origin(
    visitor: httpx.Client,
) -> None:
    response = visitor.get(PATH)

    headers = {k: v for k, v in response.headers.items() if k not in {"date", "server"}}
    assert response.status_code == 200
    assert response.content == pixel_script.SCRIPT
    assert headers == {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "content-security-policy": "default-src 'none'; form-action 'none';"
        " base-uri 'none'; frame-ancestors 'none'",
        "content-length": str(len(pixel_script.SCRIPT)),
    }


def test_head_has_the_headers_of_get(visitor: httpx.Client) -> None:
    got, head = visitor.get(PATH), visitor.head(PATH)

    assert head.content == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_405(visitor: httpx.Client, method: str) -> None:
    response = visitor.request(method, PATH)

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_integrity_in_the_docs_is_that_of_the_script(visitor: httpx.Client) -> None:
    digest = hashlib.sha384(visitor.get(PATH).content).digest()

    snippet = f'integrity="sha384-{b64encode(digest).decode()}"'

    assert f'integrity="{pixel_script.INTEGRITY}"' == snippet
    assert GUIDE.read_text().count(snippet) == 1
    assert GUIDE.read_text().count("sha384-") == 1


@pytest.mark.parametrize(
    "forbidden",
    ["eval", "Function(", "document.write", "innerHTML", "http://", "import("],
)
def test_script_works_with_a_strict_content_security_policy(forbidden: str) -> None:
    assert forbidden not in pixel_script.SCRIPT.decode()
