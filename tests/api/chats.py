"""The body of a request that reports a chat."""

from typing import Any

CHATS = "/api/v4/chats"


def chat(**fields: Any) -> dict[str, Any]:
    return {"source": "site", "external_id": "1", "title": "Anna", **fields}
