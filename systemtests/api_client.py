"""A client of the API that uses one connection."""

import http.client

import msgspec

from systemtests import InvalidRun

SHORT_LINKS = "/api/v4/short_links"


class ApiError(InvalidRun):
    pass


class ApiClient:
    def __init__(self, connection: http.client.HTTPConnection, token: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {token}"}

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def get(self, path: str) -> bytes:
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> bytes:
        return self._call("POST", path, msgspec.json.encode(body))

    def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise ApiError(f"{method} {path}: {response.status} {content[:300]!r}")
        return content


def link_request(entity_id: int, url: str) -> dict[str, object]:
    return {"url": url, "metadata": {"entity_type": "contacts", "entity_id": entity_id}}


def codes(content: bytes) -> dict[int, str]:
    """Return the codes in an answer with short links, by the contact's id."""
    links = msgspec.json.decode(content)["_embedded"]["short_links"]
    return {
        link["metadata"]["entity_id"]: link["url"].rpartition("/")[2] for link in links
    }
