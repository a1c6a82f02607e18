"""Messages that wait for the next page of the admin."""

from typing import Any

from django.contrib.messages import get_messages
from django.contrib.messages.storage.session import SessionStorage
from django.test import Client


def waiting(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def forget(client: Client) -> None:
    """Drop the messages of earlier requests, as a page that shows them does."""
    session = client.session
    if session.pop(SessionStorage.session_key, None):
        session.save()
